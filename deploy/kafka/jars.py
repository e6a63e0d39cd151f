"""Kafka's own programs: brought once by Maven into the user's cache, never into the checkout."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
MAVEN_SECONDS = 600


class NoKafka(RuntimeError):
    """Java, Maven or the packages are missing; says what to do."""


def resolve() -> Path:
    """The folder with the jars that `pom.xml` names; raises `NoKafka` when they cannot be had."""
    if shutil.which("java") is None:
        raise NoKafka("缺少 Java 17 以上,请先安装 / Java 17 or later is missing: install it")
    mark = hashlib.sha256((HERE / "pom.xml").read_bytes()).hexdigest()[:12]
    folder = _cache() / "onewindow" / f"kafka-{mark}"
    if not folder.is_dir():
        _bring(folder)
    return folder


def _cache() -> Path:
    named = os.environ.get("XDG_CACHE_HOME")
    return Path(named) if named else Path.home() / ".cache"


def _bring(folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise NoKafka("缺少 Maven,请先安装 / Maven is missing: install it, or put the jars into " + str(folder))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        jars = Path(made) / "jars"
        command = (
            maven,
            "-q",
            "-B",
            "-f",
            HERE / "pom.xml",
            "dependency:copy-dependencies",
            f"-DoutputDirectory={jars}",
        )
        done = subprocess.run(command, capture_output=True, text=True, timeout=MAVEN_SECONDS, check=False)
        if done.returncode:
            raise NoKafka(f"Maven 取不到 Kafka / Maven cannot bring Kafka:\n{done.stdout[-2000:]}")
        try:
            jars.rename(folder)
        except OSError:  # somebody else brought it in the meantime
            if not folder.is_dir():
                raise
