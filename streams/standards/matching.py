"""All rules that apply to one kind of event, arranged so that a clean value costs one pass and no loop over rules.

Rules are grouped by path glob, then by field. A group holds two RE2 sets: of what must not be found, where a
clean value yields nothing at all, and of what must be found, where a clean value yields as many indices as
there are patterns. RE2 can say which patterns are found but not which are missing, so the second kind costs
about 50 ns a rule and value; values that come again (a host, a file that is captured daily) are remembered.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from streams.slices import Slices, at_one_go
from streams.standards.fields import Value, Values, canonical_field, path_field, reader
from streams.standards.patterns import PatternSet, glob_pattern
from streams.standards.standard import Standard

_MESSAGE_VALUE_CHARACTERS = 120
_REMEMBERED_VALUES = 16_384
_REMEMBERED_CHARACTERS = 512
"""Longer values are judged anew each time, so that the memory has a bound."""

_ELEMENTS_A_SLICE = 500

_UNIQUE_FIELDS = ("file_path", "path", "file_name", "submission_id", "git_commit_sha", "sha256")
_DEAR_PATTERNS = 100

Columns = Mapping[str, Sequence[str | None]]
"""The values of some events by the names of their fields; derived ones too."""


class CheckResult(NamedTuple):
    """One standard held against one value."""

    standard: Standard
    status: Literal["pass", "fail", "not_applicable"]
    observed: str | None
    message: str


def _quoted(value: str) -> str:
    clipped = value if len(value) <= _MESSAGE_VALUE_CHARACTERS else value[:_MESSAGE_VALUE_CHARACTERS] + "…"
    return repr(clipped)


def _complaint(standard: Standard) -> tuple[str, str]:
    """What a failure's message says before and after the value."""
    wants = "does not match" if standard.match_mode == "must_match" else "matches the forbidden"
    if standard.matching == "full":
        wants = "does not match in full" if standard.match_mode == "must_match" else "matches in full the forbidden"
    why = f": {standard.description}" if standard.description else ""
    return f"{standard.field} ", f" {wants} {standard.pattern}{why}"


def _unreadable(standard: Standard, value: str) -> CheckResult:
    observed = value.encode("utf-8", "backslashreplace").decode()
    message = f"{standard.field} {_quoted(value)} is no valid Unicode text: it holds a lone surrogate"
    return CheckResult(standard, "fail", observed, message)


def _missing(standard: Standard) -> CheckResult:
    why = f": {standard.description}" if standard.description else ""
    return CheckResult(standard, "fail", None, f"{standard.field} is missing{why}")


class _Patterns:
    """The distinct patterns of one match mode; rules with the same pattern share a place."""

    __slots__ = ("_set", "quick", "standards")

    def __init__(self, standards: Iterable[Standard]) -> None:
        places: dict[str, list[Standard]] = {}
        for standard in standards:
            places.setdefault(standard.expression, []).append(standard)
        self.standards = list(places.values())
        self._set = PatternSet(list(places)) if places else None
        self.quick = self._set.quick if self._set else ()

    def found(self, value: bytes) -> list[Standard]:
        if self._set is None or not (indices := self._set.matches(value)):
            return []
        return [standard for index in indices for standard in self.standards[index]]

    def not_found(self, value: bytes) -> list[Standard]:
        if self._set is None:
            return []
        indices = self._set.matches(value)
        if len(indices) == len(self.standards):  # indices are distinct: all of them
            return []
        missing = set(range(len(self.standards))).difference(indices)
        return [standard for index in missing for standard in self.standards[index]]


class FieldRules:
    """The rules on one field that share a path glob or have none."""

    __slots__ = (
        "_absent",
        "_complaints",
        "_forbidden",
        "_known",
        "_missing",
        "_must_all_be_found",
        "_must_not_be_found",
        "_passed",
        "_remembered",
        "_wanted",
        "field",
        "read",
        "standards",
    )

    def __init__(self, applies_to: str, field: str, standards: Sequence[Standard], remembered: int) -> None:
        self.field = field
        self.read = reader(applies_to, field)
        self.standards = standards
        self._forbidden = _Patterns(s for s in standards if s.match_mode == "must_not_match")
        self._wanted = _Patterns(s for s in standards if s.match_mode == "must_match")
        self._must_not_be_found = tuple([match for match, _ in self._forbidden.quick])
        self._must_all_be_found = self._wanted.quick
        self._missing = tuple(_missing(standard) for standard in standards if standard.required)
        self._complaints = {standard.code: _complaint(standard) for standard in standards}
        self._passed = [(standard, f"{standard.field} conforms") for standard in standards]
        self._absent = [
            CheckResult(standard, "not_applicable", None, f"{standard.field} is absent, which is allowed")
            for standard in standards
        ]
        self._remembered = remembered
        self._known: dict[str, tuple[CheckResult, ...]] = {}

    def is_clean(self, value: Value) -> bool:
        """Whether no rule fails, in one call, for there is one a field of every file; False may also mean "ask"."""
        if value.__class__ is not str:
            return not value and not self._missing
        if self._remembered and (known := self._known.get(value)) is not None:
            return not known
        try:
            encoded = value.encode()
        except UnicodeEncodeError:
            return False
        for match in self._must_not_be_found:
            if match(encoded):
                return False
        for match, patterns in self._must_all_be_found:
            if len(match(encoded)) != patterns:
                return False
        if self._remembered:
            self._remember(value, ())
        return True

    def suspects(self, values: Sequence[str | None]) -> Iterable[int]:
        """Where values stand that are not clean: what `is_clean` says of each, at less than half of the cost."""
        if self._remembered:
            unclean = {value for value in set(values) if not self.is_clean(value)}
            return [index for index, value in enumerate(values) if value in unclean] if unclean else ()
        return self._suspects(values)

    def _suspects(self, values: Sequence[str | None]) -> Iterable[int]:
        """`suspects` of values that are not remembered."""
        try:
            encoded = [value.encode() for value in values]  # type: ignore[union-attr]  # None is caught
        except (AttributeError, UnicodeEncodeError):
            return [index for index, value in enumerate(values) if not self.is_clean(value)]
        found: set[int] = set()
        for match in self._must_not_be_found:
            found.update([index for index, text in enumerate(encoded) if match(text)])
        for match, patterns in self._must_all_be_found:
            found.update([index for index, text in enumerate(encoded) if len(match(text)) != patterns])
        return found

    def broken(self, value: Value) -> Sequence[CheckResult]:
        """The failed rules; a list fails a rule with its first element that does."""
        if isinstance(value, str):
            if self._remembered and (known := self._known.get(value)) is not None:
                return known
            return self._judge(value)
        if not value:
            return self._missing
        return at_one_go(self._broken_by_elements(value))

    def _broken_by_elements(self, values: list[str]) -> Slices[Sequence[CheckResult]]:
        first: dict[str, CheckResult] = {}
        elements = list(dict.fromkeys(values))
        for start in range(0, len(elements), _ELEMENTS_A_SLICE):
            if start:
                yield
            part = elements[start : start + _ELEMENTS_A_SLICE]
            for place in sorted(self._suspects(part)):
                for result in self.broken(part[place]):
                    first.setdefault(result.standard.code, result)
                if len(first) == len(self.standards):  # every rule has its first element
                    return tuple(first.values())
        return tuple(first.values())

    def checked(self, value: Value) -> Slices[list[CheckResult]]:
        """Every rule's result, the failed ones last: they are the ones that count."""
        if value is None or value == []:
            return [*self._absent, *self._missing]
        if isinstance(value, str):
            results = self._all_passed(value)
            return results if self.is_clean(value) else results + list(self.broken(value))
        broken = yield from self._broken_by_elements(value)
        return self._all_passed("; ".join(value)) + list(broken)

    def _all_passed(self, text: str) -> list[CheckResult]:
        return [CheckResult(standard, "pass", text, message) for standard, message in self._passed]

    def _judge(self, value: str) -> tuple[CheckResult, ...]:
        try:
            encoded = value.encode()
        except UnicodeEncodeError:
            return tuple(_unreadable(standard, value) for standard in self.standards)
        failed = self._forbidden.found(encoded) + self._wanted.not_found(encoded)
        results = self._failures(failed, value) if failed else ()
        if self._remembered:
            self._remember(value, results)
        return results

    def _failures(self, failed: Iterable[Standard], value: str) -> tuple[CheckResult, ...]:
        quoted = _quoted(value)
        results = []
        for standard in failed:
            before, after = self._complaints[standard.code]
            results.append(CheckResult(standard, "fail", value, f"{before}{quoted}{after}"))
        return tuple(results)

    def _remember(self, value: str, results: tuple[CheckResult, ...]) -> None:
        if len(value) <= _REMEMBERED_CHARACTERS:
            if len(self._known) >= self._remembered:
                self._known.clear()
            self._known[value] = results


class Matcher:
    """All regex rules for one kind of event."""

    def __init__(self, applies_to: str, standards: Iterable[Standard]) -> None:
        """Compile the rules, whose patterns are known to compile one by one; raises PatternError if not together."""
        self._ordered = sorted(standards, key=_code)
        by_glob: dict[str | None, dict[str, list[Standard]]] = defaultdict(lambda: defaultdict(list))
        for standard in self._ordered:
            field = canonical_field(applies_to, standard.field) or standard.field
            by_glob[standard.path_glob][field].append(standard)
        self.fields = frozenset(field for group in by_glob.values() for field in group)
        general = by_glob.pop(None, {})
        remembered = _REMEMBERED_VALUES // max(1, len(general))
        self._everywhere = tuple(
            FieldRules(applies_to, field, rules, remembered if _worth_remembering(field, rules) else 0)
            for field, rules in general.items()
        )
        self._globs = PatternSet([glob_pattern(glob) for glob in by_glob if glob is not None]) if by_glob else None
        # A group of one place is small and there may be thousands: nothing is remembered there.
        self._there = tuple(
            tuple(FieldRules(applies_to, field, rules, 0) for field, rules in group.items())
            for group in by_glob.values()
        )
        self._path_field = path_field(applies_to)
        self._elsewhere = {standard.code: _elsewhere(standard) for standard in self._ordered}

    def violations(self, values: Values, path: str | None) -> list[CheckResult]:
        """The failed rules, in the order of their codes."""
        failed: list[CheckResult] = []
        for rules in self._everywhere:
            value = rules.read(values)
            if not rules.is_clean(value):
                failed += rules.broken(value)
        if self._globs is not None:
            for rules in self._applying(path):
                value = rules.read(values)
                if not rules.is_clean(value):
                    failed += rules.broken(value)
        if len(failed) > 1:
            failed.sort(key=_result_code)
        return failed

    def suspects(self, columns: Columns) -> set[int]:
        """Where values stand for which `violations` is to be asked: it finds nothing in the others.

        A field at a time, for many events: the regexes of one field stay in the core's nearest cache.
        """
        found: set[int] = set()
        for rules in self._everywhere:
            found.update(rules.suspects(columns[rules.field]))
        if self._globs is not None and self._path_field is not None:
            within: dict[int, list[int]] = defaultdict(list)
            for index, path in enumerate(columns[self._path_field]):
                for group in self._globs.matches((path or "").encode("utf-8", "replace")):
                    within[group].append(index)
            for group, indices in within.items():
                for rules in self._there[group]:
                    values = columns[rules.field]
                    found.update([indices[at] for at in rules.suspects([values[index] for index in indices])])
        return found

    def check(self, values: Values, path: str | None) -> list[CheckResult]:
        """Every rule's result, in the order of their codes."""
        return at_one_go(self.check_in_slices(values, path))

    def check_in_slices(self, values: Values, path: str | None) -> Slices[list[CheckResult]]:
        """`check`, with pauses within the elements of a long list."""
        results = self._elsewhere.copy()
        for rules in (*self._everywhere, *self._applying(path)):
            for result in (yield from rules.checked(rules.read(values))):
                results[result.standard.code] = result
        return list(results.values())

    def _applying(self, path: str | None) -> list[FieldRules]:
        if self._globs is None or path is None or self._path_field is None:
            return []
        indices = self._globs.matches(path.encode("utf-8", "replace"))
        return [rules for index in indices for rules in self._there[index]]


def _worth_remembering(field: str, standards: Sequence[Standard]) -> bool:
    """Whether a field's values come again, or are so dear to judge that remembering the few that do pays."""
    wanted = sum(standard.match_mode == "must_match" for standard in standards)
    return field not in _UNIQUE_FIELDS or wanted > _DEAR_PATTERNS


def _elsewhere(standard: Standard) -> CheckResult:
    return CheckResult(standard, "not_applicable", None, f"the path is not within {standard.path_glob}")


def _code(standard: Standard) -> str:
    return standard.code


def _result_code(result: CheckResult) -> str:
    return result.standard.code
