"""What is wrong with a standard, in words that the author of a rule understands. No I/O."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from time import perf_counter
from typing import Any, Literal

from streams.standards.fields import canonical_field, extension_of, file_name_of, known_fields, path_field
from streams.standards.patterns import PatternError, PatternSet, compile_pattern, glob_pattern
from streams.standards.standard import Standard

Level = Literal["error", "warning"]

_CODE = re.compile(r"[A-Z]{2,6}-[A-Z0-9]+(-[A-Z0-9]+)*-[0-9]{3}")
_SLOW_SECONDS = 0.001
_SPEED_RUNS = 3
_SPEED_CHARACTERS = 4096
"""A value of 4,096 characters takes an ordinary pattern some 10 µs, and the first time, while the engine builds
its states, some 100 µs. A pattern whose states never fit takes milliseconds every time, and every file waits.
The least of three runs counts, so that a busy machine accuses nobody."""

_CONSTRUCTS = (
    (r"\(\?(=|!|<=|<!|<$)", "lookaround", "split it into two standards, one must_match and one must_not_match"),
    (r"\(\?>", "an atomic group", "a plain group does the same here, because RE2 never backtracks"),
    (r"\(\?P=|\\[1-9]", "a backreference", "RE2 cannot compare two parts of a value; write the alternatives out"),
    (r"repetition operator: .*\+$", "a possessive quantifier", "leave the second + out: RE2 never backtracks"),
    (r"escape sequence: \\Z", r"\Z", r"write $ or \z, which both mean the very end"),
    (r"repetition size", "a repetition of more than 1,000", "write {1,1000} or check the length elsewhere"),
    (r"\(\?\(|\(\?#|\(\?\|", "a conditional, comment or branch reset", "write the alternatives out"),
    (r"too large", "a pattern that large", "use smaller repetition counts"),
)
_PROBES = (
    "",
    " ",
    "\n",
    "\x01",
    "a",
    "Z",
    "0",
    "-",
    "/",
    "\\",
    "é",
    "☃",
    "\u202e",
    "x" * 5000,
    "/" * 300,
    "a b/C.d\t~",
)
"""Values so different that hardly a rule means to pass, or to refuse, all of them."""


@dataclass(frozen=True, slots=True)
class LintMessage:
    """One remark; an error keeps the standard from being applied."""

    level: Level
    code: str
    text: str


def lint(standard: Standard) -> list[LintMessage]:
    """All remarks on one standard, errors first; a built-in has no pattern to remark on."""
    if standard.kind == "builtin":
        return []
    remarks = [*_name(standard), *_field(standard), *_glob(standard)]
    try:
        compiled = compile_pattern(standard.pattern)
    except PatternError as error:
        remarks.append(_refused(standard, str(error)))
    else:
        found = (_anchors(standard), _constant(standard, compiled), _samples(standard, compiled), _speed(standard))
        remarks += chain(*found)
    messages = [LintMessage(level, standard.code, text) for level, text in remarks]
    return sorted(messages, key=lambda message: message.level)


_Remark = tuple[Level, str]


def _name(standard: Standard) -> Iterator[_Remark]:
    if not _CODE.fullmatch(standard.code):
        yield "warning", f"code {standard.code!r} is not like FS-PATH-001: topic, subject, three digits"
    if not standard.description:
        yield "warning", "has no description: whoever breaks the rule is not told what it wants"


def _field(standard: Standard) -> Iterator[_Remark]:
    if canonical_field(standard.applies_to, standard.field) is None:
        known = ", ".join(known_fields(standard.applies_to))
        yield "error", f"field {standard.field!r} is unknown for {standard.applies_to}; known are {known}"


def _glob(standard: Standard) -> Iterator[_Remark]:
    if standard.path_glob is None:
        return
    if path_field(standard.applies_to) is None:
        yield "error", f"path_glob never applies to {standard.applies_to}, whose events have no path"
    try:
        glob_pattern(standard.path_glob)
    except PatternError as error:
        yield "error", str(error)


def _refused(standard: Standard, reason: str) -> _Remark:
    for signs, name, remedy in _CONSTRUCTS:
        if re.search(signs, reason):
            return "error", f"RE2 cannot run {name} ({reason}): {remedy}"
    if re.search(r"\(\?P=|\\k<", standard.pattern):
        return "error", f"RE2 cannot run a backreference ({reason}): write the alternatives out"
    return "error", f"the pattern does not compile: {reason}"


_CLASS_OR_ESCAPE = re.compile(r"\\[Az]|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]", re.DOTALL)


def _skeleton(pattern: str) -> str:
    """The pattern with every class and escaped character as `x`, so that ^ and $ are anchors."""
    anchors = {r"\A": "^", r"\z": "$"}
    plain = _CLASS_OR_ESCAPE.sub(lambda match: anchors.get(match.group(), "x"), pattern)
    return re.sub(r"\(\?[a-zA-Z]+\)", "", plain)


def _anchors(standard: Standard) -> Iterator[_Remark]:
    skeleton = _skeleton(standard.pattern)
    misplaced = re.search(r"\$[\w(]", skeleton) or re.search(r"(?<!\()[\w)]\^", skeleton)
    if misplaced and "(?m" not in standard.pattern:
        yield "warning", "looks as if it never matches: something stands after $ or before ^"
    if standard.match_mode == "must_match":
        lacking = [f"{name} ({sign})" for name, sign in (("start", "^"), ("end", "$")) if sign not in skeleton]
        if lacking:
            where = " and no ".join(lacking)
            yield "warning", f"must_match has no anchor at the {where}: anything may stand there"


def _constant(standard: Standard, compiled: Any) -> Iterator[_Remark]:
    matched = [compiled.search(probe) is not None for probe in _PROBES]
    if not all(matched):
        return
    if standard.match_mode == "must_not_match":
        yield "error", "forbids every value: the pattern is found in anything, also in an empty text"
    elif not standard.required:
        yield "error", "never fails: the pattern is found in anything, also in an empty text"


def _samples(standard: Standard, compiled: Any) -> Iterator[_Remark]:
    samples = standard.samples
    for kind, texts, should_pass in (("positive", samples.positive, True), ("negative", samples.negative, False)):
        if not texts:
            yield "warning", f"has no {kind} sample: nothing shows that the rule does what it says"
        for text in texts:
            if passes(standard, compiled, text) is not should_pass:
                what = "breaks the rule" if should_pass else "passes the rule"
                yield "error", f"{kind} sample {text!r} {what}"
            if not _within_glob(standard, text):
                yield "warning", f"{kind} sample {text!r} is outside of path_glob {standard.path_glob}"


def passes(standard: Standard, compiled: Any, value: str) -> bool:
    """Whether one value passes the pattern of a standard, the path glob aside."""
    found = compiled.search(value) is not None
    return bool(found is (standard.match_mode == "must_match"))


def _within_glob(standard: Standard, sample: str) -> bool:
    field = canonical_field(standard.applies_to, standard.field)
    if standard.path_glob is None or field != path_field(standard.applies_to):
        return True
    try:
        return compile_pattern(glob_pattern(standard.path_glob)).search(sample) is not None
    except PatternError:
        return True


def _speed(standard: Standard) -> Iterator[_Remark]:
    """Time the pattern, as the set that it will be part of, on long values that share its characters."""
    patterns = PatternSet([standard.pattern])
    literals = re.sub(r"\\\w|\{[0-9,]+\}", "", standard.pattern)
    own = "".join(dict.fromkeys(re.findall(r"\w", literals)))[:8] or "a"
    for characters in (own[:2], own, own + "/.-"):
        values = [_pseudo_random(characters, _SPEED_CHARACTERS, seed) for seed in range(_SPEED_RUNS)]
        seconds = min(_seconds(patterns, value.encode()) for value in values)
        if seconds > _SLOW_SECONDS:
            yield "error", f"is slow: {seconds * 1000:.0f} ms for {_SPEED_CHARACTERS} characters; repeat less"
            return


def _seconds(patterns: PatternSet, value: bytes) -> float:
    started = perf_counter()
    patterns.matches(value)
    return perf_counter() - started


def _pseudo_random(characters: str, length: int, seed: int) -> str:
    """The same unordered text each time: a linear congruential generator picks the characters."""
    state, out = seed, []
    for _ in range(length):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        out.append(characters[(state >> 16) % len(characters)])
    return "".join(out)


def field_values(standard: Standard, value: str) -> dict[str, str]:
    """An event's values in which the standard's field has this value, with what follows from a path."""
    field = canonical_field(standard.applies_to, standard.field) or standard.field
    values = {field: value}
    if field == path_field(standard.applies_to):
        derived = {"file_name": file_name_of(value), "extension": extension_of(value)}
        values |= {name: text for name, text in derived.items() if text is not None}
    return values
