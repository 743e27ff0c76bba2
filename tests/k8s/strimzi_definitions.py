"""The definitions of KafkaTopic and KafkaUser, made by Strimzi's own generator from Strimzi's own classes.

Both are on Maven Central and nowhere as files. They ask for Java 21, which the product does not and Debian 12 has not:
where there is none, our statement of the same API (schemas/) stands alone.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.go_programs import CACHE

_POM = Path(__file__).parent / "strimzi" / "pom.xml"
_KINDS = {"user": "io.strimzi.api.kafka.model.user.KafkaUser", "topic": "io.strimzi.api.kafka.model.topic.KafkaTopic"}
_LEAST_JAVA = 21


def java() -> Path | None:
    """A Java that is new enough, wherever the system keeps it."""
    known = [Path(os.environ["JAVA_HOME"], "bin/java")] if "JAVA_HOME" in os.environ else []
    for program in (*known, *filter(None, [shutil.which("java")]), *sorted(Path("/usr/lib/jvm").glob("*/bin/java"))):
        done = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)
        version = re.search(r'version "(\d+)', done.stderr)
        if version and int(version[1]) >= _LEAST_JAVA:
            return Path(program)
    return None


def definitions(program: Path) -> list[dict[str, Any]]:
    """Both, made once for each state of the POM."""
    made = CACHE / f"strimzi-{hashlib.sha256(_POM.read_bytes()).hexdigest()[:16]}"
    if not made.exists():
        CACHE.mkdir(exist_ok=True)
        with (CACHE / "strimzi.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                _make(program, made)
    return [yaml.safe_load(path.read_text("utf-8")) for path in sorted(made.glob("*.yaml"))]


def _make(program: Path, made: Path) -> None:
    new = made.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    shutil.copy(_POM, new / "pom.xml")  # Maven writes beside it
    lib = new / "lib"
    maven = ["mvn", "-q", "-B", "-f", new / "pom.xml", "dependency:copy-dependencies", f"-DoutputDirectory={lib}"]
    kinds = [f"{kind}={new / name}.yaml" for name, kind in _KINDS.items()]
    for command in (maven, [program, "-cp", f"{lib}/*", "io.strimzi.crdgenerator.CrdGenerator", "--yaml", *kinds]):
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    shutil.rmtree(lib)
    new.rename(made)
