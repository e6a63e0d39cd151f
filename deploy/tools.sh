#!/bin/sh
# Programs beside Python that the tests use, installed where they are missing (Debian, Ubuntu; as root):
# Java and Maven for a real Kafka, nginx for the gateway before services that run apart.
set -eu

missing=
command -v java >/dev/null || missing="$missing openjdk-17-jdk-headless"
command -v mvn >/dev/null || missing="$missing maven"
[ -x /usr/sbin/nginx ] || command -v nginx >/dev/null || missing="$missing nginx-light"
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    echo "缺少 / missing:$missing — 相关测试将跳过 / the tests that need them are skipped" >&2
    exit 0
fi
apt-get update -qq
# shellcheck disable=SC2086 — a list of words
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
