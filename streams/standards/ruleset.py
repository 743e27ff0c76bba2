"""The rules that are in force, compiled: immutable, and fast enough to be asked about every file."""

import copy
import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

from streams.slices import Slices
from streams.standards.fields import APPLIES_TO, AppliesTo, Values, canonical_field, known_fields
from streams.standards.matching import CheckResult, Columns, Matcher
from streams.standards.patterns import PatternError, compile_expression, glob_pattern, is_heavy
from streams.standards.speed import CHARACTERS, slowest_seconds
from streams.standards.standard import RulesetError, Standard, rules_json

__all__ = ["CheckResult", "Ruleset", "RulesetError", "content_digest", "require_evaluable"]

_EVALUATED = ("active", "shadow")


class Ruleset:
    """All standards in force at one moment.

    `standards` are the active ones by code, `builtins` those of them that judges in the code ask for, `shadow`
    those that are tried out: evaluated by `shadow_violations` only. `next_change_at` is when another set will be
    in force without any change to the table. `content_sha256` names everything that was loaded, and what of it
    is in force.
    """

    revision: int
    standards: Mapping[str, Standard]
    builtins: Mapping[str, Standard]
    shadow: Mapping[str, Standard]
    next_change_at: datetime | None
    content_sha256: str

    @classmethod
    def compile(
        cls, standards: Iterable[Standard], revision: int, now: datetime, *, most_milliseconds: float | None = None
    ) -> "Ruleset":
        """Check and compile the rules in force at `now` (aware); raises RulesetError for the first bad one.

        A rule that is active but not yet in force must compile too: it must not fail when its hour comes. With
        `most_milliseconds` a rule that takes longer than that for a value of 4,096 characters is a bad one.
        """
        loaded = list(standards)
        evaluated = [standard for standard in loaded if standard.status in _EVALUATED]
        for standard in evaluated:
            if standard.kind == "regex":
                require_evaluable(standard)
                if most_milliseconds is not None:
                    _require_quick(standard, most_milliseconds)
        in_force = [standard for standard in evaluated if _in_force(standard, now)]
        active = {standard.code: standard for standard in in_force if standard.status == "active"}
        shadow = {standard.code: standard for standard in in_force if standard.status == "shadow"}
        rules = cls()
        rules.revision = revision
        rules.standards = MappingProxyType(active)
        rules.builtins = MappingProxyType({code: s for code, s in active.items() if s.kind == "builtin"})
        rules.shadow = MappingProxyType(shadow)
        rules.next_change_at = _next_change(evaluated, now)
        rules.content_sha256 = content_digest(loaded, now)
        rules._active = _matchers(active.values())
        rules._shadow = _matchers(shadow.values())
        return rules

    def __init__(self) -> None:
        self._active: dict[str, Matcher] = {}
        self._shadow: dict[str, Matcher] = {}

    def numbered(self, revision: int) -> "Ruleset":
        """The same compiled rules under the revision that the database gave them."""
        numbered = copy.copy(self)
        numbered.revision = revision
        return numbered

    def builtin(self, code: str) -> Standard | None:
        """The active built-in standard with this code, or None: then its judge reports nothing."""
        return self.builtins.get(code)

    def fields(self, applies_to: AppliesTo) -> frozenset[str]:
        """The canonical names of the fields that rules look at, those in shadow too."""
        return self._active[applies_to].fields | self._shadow[applies_to].fields

    def violations(self, applies_to: AppliesTo, values: Values, path: str | None) -> list[CheckResult]:
        """The active rules that these values break, in the order of their codes.

        `values` maps field names to values; `file_name` and `extension` follow from the path's field there
        when they are not given. `path` is what path globs are held against.
        """
        return self._active[applies_to].violations(values, path)

    def suspects(self, applies_to: AppliesTo, columns: Columns) -> set[int]:
        """Of some events, those that may break a rule, shadow ones too; `columns` must hold every field of the kind."""
        found = self._active[applies_to].suspects(columns)
        return found | self._shadow[applies_to].suspects(columns) if self.shadow else found

    def shadow_violations(self, applies_to: AppliesTo, values: Values, path: str | None) -> list[CheckResult]:
        """What rules in status shadow would report; ask only when `shadow` holds any."""
        return self._shadow[applies_to].violations(values, path)

    def check(self, applies_to: AppliesTo, values: Values, path: str | None) -> list[CheckResult]:
        """The result of every active rule, passed and not applicable ones too, in the order of their codes."""
        return self._active[applies_to].check(values, path)

    def check_in_slices(self, applies_to: AppliesTo, values: Values, path: str | None) -> Slices[list[CheckResult]]:
        """`check`, with pauses within the elements of a long list."""
        return self._active[applies_to].check_in_slices(values, path)


def content_digest(standards: Iterable[Standard], now: datetime) -> str:
    """64 hex digits that name a set of rules and what of it is in force at `now`, without compiling it."""
    loaded = list(standards)
    in_force = sorted(f"{s.code}@{s.version}" for s in loaded if s.status in _EVALUATED and _in_force(s, now))
    return hashlib.sha256(rules_json(loaded) + ",".join(in_force).encode()).hexdigest()


def require_evaluable(standard: Standard) -> None:
    """Raise RulesetError unless this regex standard can be put into force."""

    def refused(text: str) -> RulesetError:
        return RulesetError(f"standard {standard.code}: {text}", standard.code)

    if canonical_field(standard.applies_to, standard.field) is None:
        known = ", ".join(known_fields(standard.applies_to))
        raise refused(f"field {standard.field!r} is unknown for {standard.applies_to}; known are {known}")
    try:
        compile_expression(standard.pattern, standard.matching)
    except PatternError as error:
        raise refused(f"RE2 cannot run pattern {standard.pattern[:200]!r}: {error}") from None
    if standard.path_glob is not None:
        try:
            glob_pattern(standard.path_glob)
        except PatternError as error:
            raise refused(str(error)) from None


def _require_quick(standard: Standard, most_milliseconds: float) -> None:
    if not is_heavy(standard.expression):  # a small program cannot take so long
        return
    milliseconds = slowest_seconds(standard) * 1000
    if milliseconds > most_milliseconds:
        raise RulesetError(
            f"standard {standard.code}: is slow: {milliseconds:.0f} ms for {CHARACTERS} characters, and at most"
            f" {most_milliseconds:g} are taken: repeat less",
            standard.code,
        )


def _matchers(standards: Iterable[Standard]) -> dict[str, Matcher]:
    regexes = [standard for standard in standards if standard.kind == "regex"]
    matchers: dict[str, Matcher] = {}
    for applies_to in APPLIES_TO:
        try:
            matchers[applies_to] = Matcher(applies_to, [s for s in regexes if s.applies_to == applies_to])
        except PatternError as error:
            raise RulesetError(f"the standards for {applies_to} do not compile together: {error}") from None
    return matchers


def _in_force(standard: Standard, now: datetime) -> bool:
    begun = standard.effective_from is None or standard.effective_from <= now
    return begun and (standard.effective_until is None or now < standard.effective_until)


def _next_change(standards: Iterable[Standard], now: datetime) -> datetime | None:
    boundaries = [at for standard in standards for at in (standard.effective_from, standard.effective_until)]
    return min((at for at in boundaries if at is not None and at > now), default=None)
