"""What the lock files in requirements/ hold: exact versions, each with the hashes of its files."""

import re
from dataclasses import dataclass
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
_PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[A-Za-z0-9,._-]+\])?==(?P<version>[^\s;]+)")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Pin:
    """One locked package; `hashes` is how many files of it may be installed."""

    name: str
    version: str
    hashes: int


def lock_files() -> list[Path]:
    """Every lock, by name."""
    return sorted(REQUIREMENTS.glob("*.txt"))


def pins(lock: Path) -> list[Pin]:
    """The packages of a lock; raises ValueError for a line that is not an exact version with a hash."""
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    found = []
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        pin, hashes = _PIN.match(line), len(_HASH.findall(line))
        if pin is None or not hashes:
            raise ValueError(f"{lock.name}: not locked by version and hash: {line.strip()[:80]}")
        found.append(Pin(pin["name"].lower().replace("_", "-"), pin["version"], hashes))
    return found
