"""Holds every lock file against known vulnerabilities, by pip-audit: `scripts/audit`.

Exit code 0: everything was looked up, and nothing is known but what requirements/audit-exceptions.lst excuses. 1: a
vulnerability, or an excuse for none. 3: the service could not be asked, so nothing is known.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from deploy.supply_chain.locks import REQUIREMENTS, lock_files, pins

_EXCEPTIONS = REQUIREMENTS / "audit-exceptions.lst"
_SERVICES = ("osv", "pypi")
_SECONDS = 600
_CLEAN, _VULNERABLE, _UNKNOWN = 0, 1, 3


def exceptions(text: str) -> dict[str, str]:
    """Identifiers and why each may stand: one a line, the identifier first; raises ValueError without a reason."""
    found = {}
    for line in text.splitlines():
        identifier, _, reason = line.strip().partition(" ")
        if not identifier or identifier.startswith("#"):
            continue
        if not re.fullmatch(r"(GHSA|PYSEC|CVE)-[\w-]+", identifier) or len(reason.split()) < 3:
            raise ValueError(f"{_EXCEPTIONS.name}: must be an identifier and a reason: {line.strip()[:80]}")
        found[identifier] = reason.strip()
    return found


def findings(report: dict[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Of pip-audit's JSON: vulnerabilities as identifier to package, and packages that were not looked up."""
    known, skipped = {}, []
    for package in report["dependencies"]:
        if "skip_reason" in package:
            skipped.append(package["name"])
        for vulnerability in package.get("vulns", ()):
            known[vulnerability["id"]] = f"{package['name']} {package['version']}"
    return known, skipped


def _report(lock: Path, service: str) -> dict[str, Any] | str:
    """What pip-audit says of one lock, or in one line why it could not."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner", "off"]
    command += ["--format", "json", "--vulnerability-service", service, "--requirement", str(lock)]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        report: dict[str, Any] = json.loads(run.stdout)
    except subprocess.TimeoutExpired:
        return f"no answer within {_SECONDS} s"
    except ValueError:
        lines = run.stderr.strip().splitlines()
        return " ".join((lines or ["it said nothing"])[-1].split())[:160]
    return report


def _looked_up(lock: Path) -> dict[str, str] | str:
    """The vulnerabilities of one lock by the first service that knows all of its packages, or why there is none."""
    problems = []
    for service in _SERVICES:
        report = _report(lock, service)
        if isinstance(report, str):
            problems.append(f"{service}: {report}")
            continue
        known, skipped = findings(report)
        if not skipped:
            return known
        problems.append(f"{service}: knows nothing of {len(skipped)} of {len(pins(lock))} packages")
    return "; ".join(problems)


def main() -> int:
    """Say what is known of each lock."""
    excused = exceptions(_EXCEPTIONS.read_text(encoding="utf-8"))
    seen: dict[str, str] = {}
    for lock in lock_files():
        known = _looked_up(lock)
        if isinstance(known, str):
            sys.stderr.write(f"audit: no vulnerability service could be asked, so nothing is known: {known}\n")
            return _UNKNOWN
        seen |= known
        for identifier, package in known.items():
            said = f"excused: {excused[identifier]}" if identifier in excused else "NOT EXCUSED"
            sys.stdout.write(f"{lock.name}: {package}: {identifier}: {said}\n")
        sys.stdout.write(f"{lock.name}: {len(pins(lock))} packages, {len(known)} known vulnerabilities\n")
    for identifier in sorted(excused.keys() - seen.keys()):
        sys.stdout.write(f"{_EXCEPTIONS.name}: {identifier} is excused and not found: take it out\n")
    return _VULNERABLE if seen.keys() ^ excused.keys() else _CLEAN


if __name__ == "__main__":
    sys.exit(main())
