"""The table of faults, on the screen and in docs/reliability.md."""

import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from os import sysconf
from pathlib import Path

from tests.chaos.account import Account
from tests.chaos.watching import Watched

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
_BEGIN, _END = "<!-- faults:begin -->", "<!-- faults:end -->"
_HEAD = (
    "fault", "runs", "records sent", "lost", "doubled", "verdicts missing", "contra-dicting", "false dead letters",
    "longest pause s", "back after s", "peak MB", "seen",
)  # fmt: skip


@dataclass
class Result:
    """What became of one fault."""

    fault: str
    runs: int = 0
    records: int = 0
    lost: int = 0
    """Rows, dead letters and announcements that are not there."""
    doubled: int = 0
    verdicts_missing: int = 0
    verdicts_contradicting: int = 0
    dead_letters: int = 0
    pause_seconds: float = 0.0
    back_seconds: float | None = None
    peak_bytes: int = 0
    seen: str = ""
    """That the fault really happened, in numbers."""
    complaints: list[str] = field(default_factory=list)
    measured: str = ""
    command: str = ""

    def add(self, found: Account, watched: Watched, sent: int, runs: int = 1) -> None:
        """Another lane with the same fault."""
        self.runs += runs
        self.records += sent
        self.lost += found.lost + found.unannounced
        self.doubled += found.doubled
        self.verdicts_missing += found.verdicts_missing
        self.verdicts_contradicting += found.verdicts_contradicting
        self.dead_letters += found.dead_letters
        self.pause_seconds = max(self.pause_seconds, watched.longest_pause_seconds)
        if watched.back_after_seconds is not None:
            self.back_seconds = max(self.back_seconds or 0.0, watched.back_after_seconds)
        self.peak_bytes = max(self.peak_bytes, watched.peak_bytes)
        self.complaints += found.remarks

    @property
    def is_clean(self) -> bool:
        return not self.complaints

    def cells(self) -> list[str]:
        back = "" if self.back_seconds is None else f"{self.back_seconds:.1f}"
        return [
            self.fault, str(self.runs), f"{self.records:,}", str(self.lost), str(self.doubled),
            str(self.verdicts_missing), str(self.verdicts_contradicting), str(self.dead_letters),
            f"{self.pause_seconds:.1f}", back, f"{self.peak_bytes / 1e6:.0f}", self.seen,
        ]  # fmt: skip

    def document(self) -> dict[str, object]:
        return asdict(self)


def rendered(results: Iterable[Result]) -> str:
    """The table in Markdown."""
    rows = [list(_HEAD), ["---"] * len(_HEAD), *[result.cells() for result in results]]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def write_page(results: Sequence[Result], path: Path = PAGE) -> None:
    """Put the table between the page's markers; rows of faults that only another checkout has measured stay."""
    text = path.read_text(encoding="utf-8")
    before, rest = text.split(_BEGIN)
    old, after = rest.split(_END)
    head, line, *measured = rendered(results).splitlines()
    rows = {_name(row): row for row in old.splitlines() if row.startswith("| ") and row not in (head, line)}
    kept = rows.keys() - {_name(row) for row in measured}
    rows |= {_name(row): row for row in measured}
    commands = sorted({result.command for result in results})
    complete = len(commands) == 1 and not kept
    how = f"`{commands[0]}`" if complete else "`scripts/chaos --only …`; rows that it did not run are older"
    lines = [
        f"Measured {max(result.measured for result in results)} on {machine()}, by {how}.",
        "",
        *(head, line, *rows.values()),
    ]
    path.write_text(f"{before}{_BEGIN}\n{chr(10).join(lines)}\n{_END}{after}", encoding="utf-8")


def _name(row: str) -> str:
    return row.split(" | ")[0]


def machine() -> str:
    """What the figures depend on."""
    gigabytes = sysconf("SC_PHYS_PAGES") * sysconf("SC_PAGE_SIZE") / 2**30
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    cores = sysconf("SC_NPROCESSORS_ONLN")
    return f"{cores} cores, {gigabytes:.0f} GiB, {system}, Python {platform.python_version()}"


def today() -> str:
    return date.today().isoformat()  # noqa: DTZ011  # of the machine that measures
