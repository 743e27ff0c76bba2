"""The table of docs/forensics.md: every operation with what was found of it."""

from collections.abc import Sequence
from pathlib import Path

from schemas.findings import SEVERITIES
from tests.forensics.corpus import Outcome

DOCUMENT = Path(__file__).parents[2] / "docs" / "forensics.md"
_BEGIN, _END = "<!-- corpus: begin -->", "<!-- corpus: end -->"
_HEAD = "| operation | kind | caught | findings, the worst of each |\n|---|---|---|---|"


def rows(outcomes: Sequence[Outcome]) -> list[str]:
    """One line of the table for each operation."""
    return [
        f"| {one.operation.name} | {'tampering' if one.operation.is_tampering else 'benign'} | {answer(one)}"
        f" | {_findings(one)} |"
        for one in outcomes
    ]


def answer(outcome: Outcome) -> str:
    """Whether tampering was caught, and whether a benign operation made a false alarm."""
    if outcome.operation.is_tampering:
        return "yes" if outcome.is_caught else "NO"
    return f"ALARM x {len(outcome.alarms)}" if outcome.alarms else "-"


def _findings(outcome: Outcome) -> str:
    worst: dict[str, tuple[int, str]] = {}
    for found in (found for all_found in outcome.findings.values() for found in all_found):
        explained = found.evidence["explained_by"]
        note = "" if explained in ("none", "path_replaced") else f" ({explained})"
        rank = SEVERITIES.index(found.severity)
        worst[found.standard.code] = max(worst.get(found.standard.code, (-1, "")), (rank, f"{found.severity}{note}"))
    ordered = sorted(worst.items(), key=lambda item: (-item[1][0], item[0]))
    return ", ".join(f"{code} {said}" for code, (_, said) in ordered) or "none"


def written_answers() -> dict[str, str]:
    """What the document says of each operation: caught, missed, or free of false alarms."""
    lines = DOCUMENT.read_text(encoding="utf-8").split(_BEGIN)[1].split(_END)[0].strip().splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
    return {name: said for name, _, said, *_ in cells}


def write(outcomes: Sequence[Outcome]) -> None:
    """Put the table into the document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text.split(_BEGIN)
    after = rest.split(_END)[1]
    table = "\n".join([_HEAD, *rows(outcomes)])
    DOCUMENT.write_text(f"{before}{_BEGIN}\n{table}\n{_END}{after}", encoding="utf-8")
