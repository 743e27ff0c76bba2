"""The life of a version of a standard: which step may follow which, and what an active one must have shown. Pure.

draft ⇄ shadow ─► active ⇄ suspended, draft ─► active, and from each of them to retired, which is the end.
"""

from collections.abc import Mapping

from streams.errors import UserError
from streams.standards.lint import lint
from streams.standards.standard import Standard, Status

NEXT: Mapping[Status, tuple[Status, ...]] = {
    "draft": ("shadow", "active", "retired"),
    "shadow": ("draft", "active", "retired"),
    "active": ("suspended", "retired"),
    "suspended": ("active", "retired"),
    "retired": (),
}
FIRST: tuple[Status, ...] = ("draft", "shadow", "active")
"""Where a version's life may begin."""

GOVERNING: tuple[Status, ...] = ("active", "suspended")
"""A standard has at most one version in one of these: the one that people know it by."""

ON_TRIAL: tuple[Status, ...] = ("draft", "shadow")
"""And at most one in one of these: the next."""


def require_step(standard: Standard, after: Status) -> None:
    """Raise UserError, with what may follow instead, unless this version may go on to `after`."""
    before = standard.status
    if after in NEXT[before]:
        return
    named = f"standard {standard.code}: v{standard.version} is {before}"
    if before == "retired":
        raise UserError(f"{named}, which is final: apply the standard again with `status: {after}` as a new version")
    raise UserError(f"{named} and cannot become {after}: what may follow is {' or '.join(NEXT[before])}")


def require_first(standard: Standard) -> None:
    """Raise UserError unless a new version may begin its life in this status."""
    if standard.status not in FIRST:
        raise UserError(
            f"standard {standard.code}: status: {standard.status!r}: a new version begins as {', '.join(FIRST)}:"
            " apply it so, then take the next step"
        )


def require_fit(standard: Standard) -> None:
    """Raise UserError for the first reason why this version must not take up its status.

    What is judged by must be free of errors, samples included; what counts in shadow too, because its counts would
    say nothing. A draft may be wrong.
    """
    if standard.status not in ("active", "shadow"):
        return
    named = f"standard {standard.code}: v{standard.version} cannot become {standard.status}"
    if standard.kind == "builtin" and standard.status == "shadow":
        raise UserError(f"{named}: a built-in judge runs or does not: make it active or suspended")
    for message in lint(standard):
        if message.level == "error":
            raise UserError(f"{named}: {message.text}")
