#!/bin/sh
# Brings a checkout to life: `deploy/install.sh run` or `deploy/install.sh dev`. Safe to repeat; nothing outside the
# folder `.venv` changes. Every package comes by the lock files, with its hash required.
set -eu
cd "$(dirname "$0")/.."
venv=.venv

say() { printf '%s\n' "$*" >&2; }
stop() { say "$@"; exit 1; }

case ${1:-} in
run) lock=requirements.lock ;;
dev) lock=requirements-dev.lock ;;
*) stop "usage: deploy/install.sh run|dev" ;;
esac

# The newest usable Python on the path: 3.11 or later.
find_python() {
    for name in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 python; do
        [ -n "$name" ] || continue
        "$name" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue
        command -v "$name" && return
    done
    return 1
}

make_venv() {
    if command -v uv >/dev/null 2>&1; then
        uv venv --quiet --clear --python "$python" "$venv"
    elif ! "$python" -m venv --clear "$venv"; then
        rm -rf "$venv"
        stop "这个 Python 缺少 venv/ensurepip:Debian、Ubuntu 请先 apt-get install python3-venv,或先装 uv。" \
            "This Python lacks venv/ensurepip: on Debian or Ubuntu run apt-get install python3-venv, or install uv."
    fi
}

# Who set a mirror or a certificate for pip means it for uv too, which reads neither by itself.
follow_pip() {
    # Not `pip config get`, which passes over the machine's own file (/etc/pip.conf). A system's Python may come without
    # pip, while the one in a new environment has it, and reads the same settings.
    setting() {
        for one in "$venv/bin/python" "$python"; do
            "$one" -m pip config list 2>/dev/null | sed -n "s/^global\.$1='\(.*\)'\$/\1/p" | grep . && return
        done
        true
    }
    if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then
        index=${PIP_INDEX_URL:-$(setting index-url)}
        [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
    fi
    if [ -z "${SSL_CERT_FILE:-}" ]; then
        cert=${PIP_CERT:-$(setting cert)}
        [ -z "$cert" ] || export SSL_CERT_FILE="$cert"
    fi
}

bring_uv() {
    if command -v uv >/dev/null 2>&1; then
        uv pip install --quiet --python "$venv/bin/python" --require-hashes -r requirements-bootstrap.lock
        return
    fi
    "$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$venv/bin/python" -m ensurepip >/dev/null
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-warn-script-location \
        --root-user-action=ignore --require-hashes -r requirements-bootstrap.lock
}

python=$(find_python) || stop "需要 Python 3.11 或更新版本;装好后重试,或用 PYTHON=/path/to/python3 指明。" \
    "Python 3.11 or later is needed; install it and run this again, or name one with PYTHON=/path/to/python3."
# An account without a home of its own (a service's) has nowhere to keep a cache.
cache=${XDG_CACHE_HOME:-${HOME:-}/.cache}
if [ ! -w "$cache" ] && { [ -e "$cache" ] || [ ! -w "${HOME:-}" ]; }; then
    export UV_NO_CACHE=1 PIP_NO_CACHE_DIR=1
fi
export UV_LINK_MODE="${UV_LINK_MODE:-copy}"
"$venv/bin/python" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' >/dev/null 2>&1 || make_venv
follow_pip

say "安装已锁定的依赖 / installing the locked packages ($lock)"
bring_uv
"$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --require-hashes -r "$lock"
"$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation --editable .
