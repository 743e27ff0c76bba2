"""A scratch tree of honest files and of files whose times really are tampered with.

Nothing here writes what a detector should find: `touch`, `os.utime` and `rename` change the files, the kernel
records what it records, and the capture reads that back.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DAY_SECONDS = 86_400
_CTIME_GAP_NS = 20_000_000
_FUTURE, _LATER, _PAST = "203401010000", "203506010930", "201503101200"
"""CCYYMMDDhhmm as `touch -t` takes it; all within what a TIMESTAMP column holds."""


@dataclass(frozen=True, slots=True)
class Tampering:
    """One file that was tampered with, and what the rules of this version can see of it."""

    path: Path
    how: str
    """The command or call, as somebody would write it."""
    expected: str | None
    """The standard that must find it; None where no rule of this version covers it."""
    mtime_ns: int
    """What the kernel recorded."""


class Scratch:
    """The tree under `root`: `make` writes it, `tamper` changes it, and both say what they did."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.honest: list[Path] = []
        self.badly_named: list[Path] = []

    def make(self) -> None:
        """Write every file as it is before anybody tampers with it."""
        shutil.rmtree(self.root, ignore_errors=True)
        for name in ("meeting-notes.md", "budget-2026.csv", "minutes/2026-11-20.md"):
            self.honest.append(self._write(f"honest/{name}"))
        for name in (".env", "id_rsa", "draft.bak", "final report (2).txt", "ARTIFACT_16_tech_stack.md"):
            self.badly_named.append(self._write(f"names/{name}"))
        for name in ("invoice-0417.csv", "audit.log", "access.log", "sensor.dat", "archive.dat", "contract.md"):
            self._write(f"tampered/{name}")
        self._write("tampered/payroll.csv")
        self._write("tampered/reference.log")
        # The older edition comes first, so that its ctime is the older one of the two.
        previous = self._write("tampered/release.previous/notes.md")
        older = previous.stat().st_ctime_ns
        while self._write("tampered/release/notes.md").stat().st_ctime_ns - older < _CTIME_GAP_NS:
            time.sleep(_CTIME_GAP_NS / 1e9)  # the kernel's clock of inodes ticks more slowly than we write

    def change_honestly(self) -> None:
        """What people do every day: edit a file, copy one with its times, change a mode. None of it is tampering."""
        edited, kept, chmodded = self.honest
        edited.write_text(edited.read_text(encoding="utf-8") + "One more line.\n", encoding="utf-8")
        copy = kept.with_name("budget-2026-copy.csv")
        shutil.copy2(kept, copy)
        self.honest.append(copy)
        chmodded.chmod(0o600)

    def tamper(self) -> list[Tampering]:
        """Tamper with the files, each in its own way; returns what was done."""
        return [
            self._touch("tampered/invoice-0417.csv", "-t", _FUTURE, expected="TS-MTIME-AFTER-CTIME"),
            self._touch("tampered/reference.log", "-t", _LATER, expected="TS-MTIME-FUTURE"),
            self._touch("tampered/audit.log", "-r", "tampered/reference.log", expected="TS-MTIME-AFTER-CTIME"),
            self._utime("tampered/access.log", "now + 2 s", lambda: time.time_ns() + 2 * 10**9, "TS-MTIME-AFTER-CTIME"),
            self._utime("tampered/sensor.dat", "0 (the epoch)", lambda: 0, "TS-TIME-OUT-OF-RANGE"),
            self._utime("tampered/archive.dat", "-1 day (1969)", lambda: -DAY_SECONDS * 10**9, "TS-TIME-OUT-OF-RANGE"),
            self._swap("tampered/release", "tampered/release.previous"),
            self._touch("tampered/contract.md", "-t", _PAST, expected="TS-MTIME-REGRESSED"),
            self._touch("tampered/payroll.csv", "-r", "honest/budget-2026.csv", expected=None),
        ]

    def _write(self, name: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}: written by scripts/demo, and safe to delete.\n", encoding="utf-8")
        return path

    def _touch(self, name: str, option: str, value: str, *, expected: str | None) -> Tampering:
        path = self.root / name
        argument = str(self.root / value) if option == "-r" else value
        subprocess.run(["touch", option, argument, str(path)], check=True)
        return _recorded(path, f"touch {option} {value}", expected)

    def _utime(self, name: str, said: str, mtime_ns: Callable[[], int], expected: str) -> Tampering:
        path = self.root / name
        value = mtime_ns()
        os.utime(path, ns=(value, value))
        return _recorded(path, f"os.utime: mtime = {said}", expected)

    def _swap(self, name: str, other: str) -> Tampering:
        """Put the older directory in the newer one's place: rename leaves the ctime of the files in it alone."""
        place, older = self.root / name, self.root / other
        place.rename(place.with_name("release.withdrawn"))
        older.rename(place)
        return _recorded(place / "notes.md", f"mv {other} {name}", "TS-PATH-REPLACED")


def _recorded(path: Path, how: str, expected: str | None) -> Tampering:
    return Tampering(path, how, expected, path.stat().st_mtime_ns)
