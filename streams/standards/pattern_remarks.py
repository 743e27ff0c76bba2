"""What is wrong with a pattern, in words that the author of a rule understands. No I/O."""

import re
from collections.abc import Iterator
from typing import Any, Literal

from streams.standards.fields import canonical_field, possible_values, unheld_characters
from streams.standards.patterns import PatternError
from streams.standards.reach import branches, can_be_found
from streams.standards.speed import CHARACTERS, slowest_seconds
from streams.standards.standard import Standard

Level = Literal["error", "warning"]
Remark = tuple[Level, str]

_SLOW_SECONDS = 0.001
_UNBEARABLE_SECONDS = 0.02

_CONSTRUCTS = (
    (r"\(\?(=|!|<=|<!|<$)", "lookaround", "split it into two standards, one must_match and one must_not_match"),
    (r"\(\?>", "an atomic group", "a plain group does the same here, because RE2 never backtracks"),
    (r"\(\?P=|\\[1-9]|\\k", "a backreference", "RE2 cannot compare two parts of a value; write the alternatives out"),
    (r"\(\?(P>|&|R|[0-9+-])", "recursion", "RE2 has no nesting patterns; write the levels out"),
    (r"repetition operator: .*\+$", "a possessive quantifier", "leave the second + out: RE2 never backtracks"),
    (r"escape sequence: \\Z", r"\Z", r"write $ or \z, which both mean the very end"),
    (r"escape sequence: \\[uUN]", r"\u", r"write the character itself, or \x{1F600} with its number"),
    (r"escape sequence: \\[hHRXKGcelL]", "an escape of PCRE", r"write the characters out, for instance [ \t] for \h"),
    (r"repetition size", "a repetition of more than 1,000", "write {1,1000} or check the length elsewhere"),
    (r"\(\?#", "a comment", "say it in the description"),
    (r"\(\?[a-zA-Z]*x", "the flag x", "write the pattern without blanks and comments"),
    (r"\(\?\(|\(\?\|", "a conditional or branch reset", "write the alternatives out"),
    (r"too large", "a pattern that large", "use smaller repetition counts"),
)
_PROBES = (
    "a",
    "Z",
    "0",
    "-",
    "/",
    "\\",
    "é",
    "☃",
    " ",
    "x" * 5000,
    "/" * 300,
    "a b/C.d~",
    "\u202e",
    "1.0.0",
    "/srv/repo/src/a.py",
    "_[]{}$^",
)
"""Values so different that hardly a rule means to pass, or to refuse, all of them."""

_RARE_PROBES = ("", "\n", "\x01", "a\nb")

_TRAPS = (
    (
        r"(?<!\[)\[:\^?\w+:\](?!\])",
        "is read as a set of the letters of that name: write [[:alpha:]], with two brackets",
    ),
    (r"\[A-z", "A-z holds also [ \\ ] ^ _ and `: write A-Za-z"),
    (r"\{,\d+\}", "RE2 reads {,n} as the characters themselves: write {0,n}"),
    (r"\\[<>]", r"\< and \> are the characters < and > here: write \b for the edge of a word"),
    (
        r"(?<!\\)\.(py|md|json|ya?ml|txt|csv|sql|js|ts|html|xml|toml|sh|log|key|pem|env)\b",
        "the dot is any character: write \\.",
    ),
)


def refused(standard: Standard, reason: str) -> Remark:
    """Why RE2 cannot run the pattern."""
    for signs, name, remedy in _CONSTRUCTS:
        if re.search(signs, reason):
            return "error", f"RE2 cannot run {name} ({reason}): {remedy}"
    if re.search(r"\(\?P=|\\k<", standard.pattern):
        return "error", f"RE2 cannot run a backreference ({reason}): write the alternatives out"
    return "error", f"the pattern does not compile: {reason}"


def remarks(standard: Standard, compiled: Any) -> Iterator[Remark]:
    """Everything to remark on a pattern that RE2 runs; `compiled` is its expression."""
    yield from _traps(standard)
    never = _never(standard, compiled)
    if never:
        yield "warning", never
    else:
        yield from _anchors(standard)
        yield from _always(standard, compiled)
    yield from _speed(standard)


def _traps(standard: Standard) -> Iterator[Remark]:
    plain = re.sub(r"\\\\", "xx", standard.pattern)
    for signs, text in _TRAPS:
        if found := re.search(signs, plain):
            yield "warning", f"{found.group()!r} may not mean what it seems to: {text}"
    if plain.strip() not in ("", plain):
        where = "begins" if plain[0].isspace() else "ends"
        yield "warning", f"the pattern {where} with blank space, which is part of it: put it in quotes, not in a block"
    if re.search(r"\(\?[a-zA-Z]*m", plain):
        yield "warning", "with the flag m, ^ and $ are the ends of every line: write \\A and \\z for those of the value"


_CLASS_OR_ESCAPE = re.compile(r"\\Q.*?(?:\\E|\Z)|\\[Az]|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]", re.DOTALL)


def _skeleton(pattern: str) -> str:
    """The pattern with every class and escaped character as `x`, so that ^ and $ are anchors."""
    anchors = {r"\A": "^", r"\z": "$"}
    return _CLASS_OR_ESCAPE.sub(lambda match: anchors.get(match.group(), "x"), pattern)


def _anchors(standard: Standard) -> Iterator[Remark]:
    if standard.match_mode != "must_match" or standard.matching == "full":
        return
    parts = [_skeleton(part) for part in branches(standard.pattern)]
    lacking = [
        f"{name} ({sign})" for name, sign in (("start", "^"), ("end", "$")) if not all(sign in part for part in parts)
    ]
    if not lacking:
        return
    where = " and no ".join(lacking)
    text = (
        f"must_match has no anchor at the {where}: anything may stand there; write `matching: full` if the whole counts"
    )
    if len(parts) > 1 and any(sign in part for part in parts for sign in "^$"):
        text = f"an anchor stands in some alternatives of | only, so that there is none at the {where}: write ^(a|b)$"
    yield "warning", text


def _never(standard: Standard, compiled: Any) -> str | None:
    """What is to be said of a pattern that no value of its field can hold."""
    whose, found = "", True
    field = canonical_field(standard.applies_to, standard.field) or standard.field
    if values := possible_values(standard.applies_to, field):
        whose = f" in {field}, which is one of {', '.join(values[:5])}{'…' if len(values) > 5 else ''}"
        found = any(compiled.search(value) for value in values)
    try:
        if found and not can_be_found(standard.expression):
            whose, found = ": something stands after the end ($) or before the start (^), or a set is empty", False
        unheld = unheld_characters(standard.applies_to, field)
        if found and unheld and not can_be_found(standard.expression, unheld):
            holds = f"never holds {' or '.join(unheld)}" if len(unheld) < 5 else "holds hexadecimal digits only"
            whose, found = f" in {field}, which {holds}", False
    except PatternError:  # too large to walk through: nothing is known, so nothing is said
        pass
    if found:
        return None
    effect = "every value breaks the rule" if standard.match_mode == "must_match" else "no value ever breaks the rule"
    return f"never matches{whose}: {effect}"


def _always(standard: Standard, compiled: Any) -> Iterator[Remark]:
    field = canonical_field(standard.applies_to, standard.field) or standard.field
    probes = possible_values(standard.applies_to, field) or _PROBES
    if not all(compiled.search(probe) for probe in probes):
        return
    if probes is not _PROBES:
        what = f"always matches: it is found in every value that {field} may have"
        if standard.match_mode == "must_match":
            return
    elif all(compiled.search(probe) for probe in _RARE_PROBES):
        what = "always matches: it is found in anything, also in an empty text"
    else:
        what = "always matches: it is found in anything but an empty text or one with control characters"
    if standard.match_mode == "must_not_match":
        yield "warning", f"{what}: the rule forbids every value"
    elif not standard.required:
        yield "warning", f"{what}: the rule never fails"


def _speed(standard: Standard) -> Iterator[Remark]:
    try:
        worst = slowest_seconds(standard)
    except PatternError as error:
        yield "error", f"the pattern does not compile for use: {error}"
        return
    if worst > _SLOW_SECONDS:
        text = f"is slow: {worst * 1000:.0f} ms for {CHARACTERS} characters, and every event waits: repeat less"
        yield "error" if worst > _UNBEARABLE_SECONDS else "warning", text
