"""Everything that is installed is locked by hash, and what is known to be bad is looked for."""

import re
from pathlib import Path
from typing import Any

import pytest

from deploy.supply_chain.audit import exceptions, findings
from deploy.supply_chain.locks import REQUIREMENTS, lock_files, pins

CHECKOUT = REQUIREMENTS.parent


@pytest.mark.parametrize("lock", lock_files(), ids=lambda path: path.name)
def test_locks_are_by_version_and_hash(lock: Path) -> None:
    found = pins(lock)
    assert found
    assert len({pin.name for pin in found}) == len(found)


@pytest.mark.parametrize("source", sorted(REQUIREMENTS.glob("*.in")), ids=lambda path: path.name)
def test_what_is_asked_for_is_locked(source: Path) -> None:
    locked = {pin.name: pin.version for pin in pins(source.with_suffix(".txt"))}
    for line in source.read_text().splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)(?:\[\w+\])?(?:==([^*\s]+))?\s*$", line):
            name = match[1].lower().replace("_", "-")
            assert name in locked, f"{source.name} asks for {name}: compile it again"
            if match[2]:
                assert locked[name] == match[2]


def test_no_lock_names_a_place_to_install_from() -> None:
    for path in REQUIREMENTS.iterdir():
        said = "\n".join(line for line in path.read_text().splitlines() if not line.startswith("#"))
        assert not re.search(r"://|--index-url|--extra-index-url|--find-links|--trusted-host", said), path.name


def test_whatever_installs_asks_for_hashes() -> None:
    sources = [CHECKOUT / "Dockerfile", *(path for path in (CHECKOUT / "scripts").iterdir() if path.is_file())]
    for path in sources:
        text = path.read_text().replace("\\\n", " ")
        for line in text.splitlines():
            if re.search(r"\binstall\b.*(-r|--requirement)\b", line) and "apt-get" not in line:
                assert "--require-hashes" in line, f"{path.name}: {line.strip()}"


def test_an_audit_counts_what_was_not_looked_up() -> None:
    report: dict[str, Any] = {
        "dependencies": [
            {"name": "a", "version": "1", "vulns": [{"id": "PYSEC-2026-1"}]},
            {"name": "b", "skip_reason": "Dependency not found"},
            {"name": "c", "version": "2", "vulns": []},
        ]
    }
    assert findings(report) == ({"PYSEC-2026-1": "a 1"}, ["b"])


def test_an_exception_has_a_reason() -> None:
    assert exceptions((REQUIREMENTS / "audit-exceptions.lst").read_text()) == {}
    assert exceptions("# x\nCVE-2026-1 is in code we never call\n") == {"CVE-2026-1": "is in code we never call"}
    for bad in ("CVE-2026-1", "CVE-2026-1 because", "all of them may stand"):
        with pytest.raises(ValueError, match="must be an identifier and a reason"):
            exceptions(bad)
