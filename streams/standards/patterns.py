"""RE2, the only regex engine that meets a rule: linear in the value, whatever a rule's author writes.

A pattern is searched for as written, where its author anchors with ^ and $, or must match the whole value. Unlike in
Python's `re`, `$` is the end of the value only, and not also the place before a newline at the end.
"""

import re
from collections.abc import Callable, Sequence

import re2

MAX_PATTERN_CHARACTERS = 4096
_ONE_PATTERN_BYTES = 8 << 20
_SET_BASE_BYTES = 1 << 20
_SET_BYTES_PER_PATTERN = 2 << 10
_SET_MAX_BYTES = 1 << 30
"""Memory that a set may take for its program and its cache of states. Measured: 10,000 patterns of usual size
compile in 20 MiB and 20,000 different paths then fit the cache; a set that does not compile gets four times as
much and tries again, and the cache fills only as far as values demand."""

_HEAVY_PROGRAM = 500
"""Instructions; ordinary patterns have some dozens."""


class PatternError(ValueError):
    """RE2 refuses a pattern; the text is RE2's own, without the pattern."""


def options(max_bytes: int = _ONE_PATTERN_BYTES) -> re2.Options:
    """UTF-8, quiet, and no more memory than given."""
    chosen = re2.Options()
    chosen.log_errors = False
    chosen.never_nl = False
    chosen.max_mem = max_bytes
    return chosen


_OPTIONS = options()


def compile_pattern(pattern: str) -> re2._Regexp:
    """Compile one pattern; raises PatternError with the reason."""
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise PatternError(f"is {len(pattern)} characters long; the limit is {MAX_PATTERN_CHARACTERS}")
    return _compile(pattern)


_QUOTED_OR_ESCAPED = re.compile(r"\\Q.*?(\\E|\Z)|\\.", re.DOTALL)


def whole_value(pattern: str) -> str:
    """The pattern that is found exactly where this one, which compiles, matches the value from start to end."""
    quote = r"\E" if any(match.group(1) == "" for match in _QUOTED_OR_ESCAPED.finditer(pattern)) else ""
    return rf"\A(?:{pattern}{quote})\z"


def compile_expression(pattern: str, matching: str) -> re2._Regexp:
    """Compile a pattern as it will be asked, by `matching` search or full; raises PatternError with the reason."""
    compiled = compile_pattern(pattern)
    return _compile(whole_value(pattern)) if matching == "full" else compiled


def _compile(pattern: str) -> re2._Regexp:
    try:
        return re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        reason = error.args[0] if error.args else "refused"
        raise PatternError(reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)) from None
    except UnicodeEncodeError:
        raise PatternError("holds a lone surrogate, which is no valid Unicode text") from None


class PatternSet:
    """Many patterns, searched for in one pass over a value, or in two where some of them are heavy."""

    __slots__ = ("_passes", "quick", "size")

    def __init__(self, patterns: Sequence[str]) -> None:
        """Compile the patterns, each of which compiles by itself; raises PatternError if not together."""
        self.size = len(patterns)
        heavy = {index for index, pattern in enumerate(patterns) if is_heavy(pattern)}
        groups = ([index for index in range(self.size) if index not in heavy], sorted(heavy))
        self._passes = [
            (_engine(_compiled_set([patterns[index] for index in group])), group if heavy else None)
            for group in groups
            if group
        ]
        self.quick = tuple(
            [(match, len(group)) for (match, _), group in zip(self._passes, filter(None, groups), strict=True)]
        )
        """Each pass by itself: the engine's own function, and how many patterns it looks for."""

    def matches(self, value: bytes) -> Sequence[int]:
        """The indices of the patterns that are found in the value, in no particular order."""
        found: list[int] = []
        for match, group in self._passes:
            if indices := match(value):
                found += indices if group is None else [group[index] for index in indices]
        return found


def _engine(compiled: re2.Set) -> Callable[[bytes], Sequence[int]]:
    """The set's own function without the wrapper that encodes text for it: a fifth less for every question."""
    match: Callable[[bytes], Sequence[int]] = compiled._set.Match
    return match


def is_heavy(pattern: str) -> bool:
    """Whether a pattern, which compiles, counts far, as `[^/]{256}` does.

    Its states, one a count, multiply with those of every pattern in the same set. Measured: the 25 shipped
    rules on paths cost 2.3 µs with that one among them, 0.7 + 0.7 µs apart.
    """
    return "{" in pattern and _compile(pattern).programsize > _HEAVY_PROGRAM


def _compiled_set(patterns: Sequence[str]) -> re2.Set:
    max_bytes = _SET_BASE_BYTES + _SET_BYTES_PER_PATTERN * len(patterns)
    while True:
        compiled = re2.Set.SearchSet(options(max_bytes))
        for pattern in patterns:
            compiled.Add(pattern)
        try:
            compiled.Compile()
        except re2.error:
            max_bytes *= 4
            if max_bytes > _SET_MAX_BYTES:
                raise PatternError(
                    f"{len(patterns)} patterns together need more than {_SET_MAX_BYTES >> 20} MiB; "
                    "use smaller repetition counts"
                ) from None
        else:
            return compiled


_GLOB_TOKEN = re.compile(r"\*\*/\*(?!\*)|\*\*/|\*\*|\*|\?|\[[!^]?\]?[^\]]*\]|\{|\}|,|\\.|.", re.DOTALL)
_ANYTHING = ("**/*", "**")
_WILDCARDS = {
    "**/*": ".*",
    "**": ".*",
    "**/": "(?:.*/)?",
    "*": "[^/]*",
    "?": "[^/]",
    "{": "(?:",
    "}": ")",
}


def glob_pattern(glob: str) -> str:
    """Translate a path glob: `*` and `?` stay within a segment, `**` crosses, `[a-z]`, `[!a]`, `{a,b}`.

    `**/` also stands for nothing, so that `**/*.py` takes `a.py`. What a glob leaves open at its ends is left
    unanchored instead of written as `.*`: thousands of those in one set would multiply its states. Raises
    PatternError for a glob that is not closed.
    """
    tokens = _GLOB_TOKEN.findall(glob)
    start, end = "^", "$"
    if tokens and tokens[0] in _ANYTHING:
        start, tokens = "", tokens[1:]
    elif tokens and tokens[0] == "**/":
        start, tokens = "(?:^|/)", tokens[1:]
    if tokens and tokens[-1] in _ANYTHING:
        end, tokens = "", tokens[:-1]
    translated = f"(?s){start}(?:{_translate(glob, tokens)}){end}"
    try:
        compile_pattern(translated)
    except PatternError as error:
        raise PatternError(f"path_glob {glob!r} {error}") from None
    return translated


def _translate(glob: str, tokens: Sequence[str]) -> str:
    out: list[str] = []
    depth = 0
    for part in tokens:
        depth += (part == "{") - (part == "}")
        if depth < 0:
            raise PatternError(f"path_glob {glob!r} closes a brace that was not opened")
        out.append("|" if part == "," and depth else _WILDCARDS.get(part) or _character(part))
    if depth:
        raise PatternError(f"path_glob {glob!r} does not close its brace")
    return "".join(out)


def _character(token: str) -> str:
    if len(token) > 1 and token[0] == "[":
        negated = token[1] in "!^"
        body = token[2:-1] if negated else token[1:-1]
        body = re.sub(r"[\\\[\]^]", r"\\\g<0>", body)
        return f"[^/{body}]" if negated else f"[{body}]"
    return str(re2.escape(token[1] if len(token) > 1 and token[0] == "\\" else token))
