"""What is wrong with a standard, in words that the author of a rule understands. No I/O."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

from streams.standards.catalog import seed_standards, shape
from streams.standards.fields import canonical_field, extension_of, file_name_of, known_fields, path_field
from streams.standards.pattern_remarks import Level, Remark, refused, remarks
from streams.standards.patterns import PatternError, compile_expression, compile_pattern, glob_pattern
from streams.standards.standard import Standard

_CODE = re.compile(r"[A-Z]{2,6}-[A-Z0-9]+(-[A-Z0-9]+)*-[0-9]{3}")


@dataclass(frozen=True, slots=True)
class LintMessage:
    """One remark; an error keeps the standard from being applied."""

    level: Level
    code: str
    text: str


def lint(standard: Standard) -> list[LintMessage]:
    """All remarks on one standard, errors first; what its author wrote counts, not where it stands in its life."""
    return [*_lint(replace(standard, id="", version=0, status="draft"))]


@lru_cache(maxsize=20_000)
def _lint(standard: Standard) -> tuple[LintMessage, ...]:
    if standard.kind == "builtin":
        found = [*_builtin(standard)]
    else:
        found = [*_name(standard), *_field(standard), *_glob(standard)]
        try:
            compiled = compile_expression(standard.pattern, standard.matching)
        except PatternError as error:
            found.append(refused(standard, str(error)))
        else:
            found += [*remarks(standard, compiled), *_samples(standard, compiled)]
    messages = [LintMessage(level, standard.code, text) for level, text in found]
    return tuple(sorted(messages, key=lambda message: message.level))


def _builtin(standard: Standard) -> Iterator[Remark]:
    if standard.code not in _builtin_codes():
        yield "error", "kind: builtin: no judge of this version reports under this code: write kind: regex"


@cache
def _builtin_codes() -> frozenset[str]:
    return frozenset(spec.code for spec in seed_standards() if spec.kind == "builtin")


def _name(standard: Standard) -> Iterator[Remark]:
    if not _CODE.fullmatch(standard.code):
        yield "warning", f"code {standard.code!r} is not like FS-PATH-001: topic, subject, three digits"
    if not standard.description:
        yield "warning", "has no description: whoever breaks the rule is not told what it wants"


def _field(standard: Standard) -> Iterator[Remark]:
    if canonical_field(standard.applies_to, standard.field) is None:
        known = ", ".join(known_fields(standard.applies_to))
        yield "error", f"field {standard.field!r} is unknown for {standard.applies_to}; known are {known}"


def _glob(standard: Standard) -> Iterator[Remark]:
    if standard.path_glob is None:
        return
    if path_field(standard.applies_to) is None:
        yield "error", f"path_glob never applies to {standard.applies_to}, whose events have no path"
    try:
        glob_pattern(standard.path_glob)
    except PatternError as error:
        yield "error", str(error)


def _samples(standard: Standard, compiled: Any) -> Iterator[Remark]:
    samples = standard.samples
    for kind, texts, should_pass in (("positive", samples.positive, True), ("negative", samples.negative, False)):
        if not texts:
            yield "warning", f"has no {kind} sample: nothing shows that the rule does what it says"
        for text in texts:
            if passes(standard, compiled, text) is not should_pass:
                what = "breaks the rule" if should_pass else "passes the rule"
                yield "error", f"{kind} sample {shape(text)} {what}"
            elif not _within_glob(standard, text):
                where = f"is outside of path_glob {standard.path_glob}, so it is not judged"
                yield "warning" if should_pass else "error", f"{kind} sample {shape(text)} {where}"


def passes(standard: Standard, compiled: Any, value: str) -> bool:
    """Whether one value passes the pattern of a standard, the path glob aside."""
    try:
        found = compiled.search(value) is not None
    except UnicodeEncodeError:  # a lone surrogate passes nothing
        return False
    return bool(found is (standard.match_mode == "must_match"))


def _within_glob(standard: Standard, sample: str) -> bool:
    field = canonical_field(standard.applies_to, standard.field)
    if standard.path_glob is None or field != path_field(standard.applies_to):
        return True
    try:
        return compile_pattern(glob_pattern(standard.path_glob)).search(sample) is not None
    except PatternError:
        return True


def field_values(standard: Standard, value: str) -> dict[str, str]:
    """An event's values in which the standard's field has this value, with what follows from a path."""
    field = canonical_field(standard.applies_to, standard.field) or standard.field
    values = {field: value}
    if field == path_field(standard.applies_to):
        derived = {"file_name": file_name_of(value), "extension": extension_of(value)}
        values |= {name: text for name, text in derived.items() if text is not None}
    return values
