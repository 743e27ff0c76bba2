"""How long a pattern takes for a long value: RE2 is linear, but a rule can make that line steep. No I/O."""

import re
from functools import cache, lru_cache
from time import thread_time

from streams.standards.patterns import PatternSet
from streams.standards.standard import Standard

CHARACTERS = 4096
_RUNS = 3
"""A value of 4,096 characters takes an ordinary pattern some 10 µs, and the first time, while the engine builds
its states, some 100 µs. A pattern whose states never fit takes milliseconds every time, and every file waits.
Processor time counts, and of that the least of three runs, so that a busy machine accuses nobody."""


def slowest_seconds(standard: Standard) -> float:
    """Of the long values that share the pattern's characters, the slowest; raises PatternError if it does not compile.

    The pattern is timed as the set that it will be part of, once in a process.
    """
    return _slowest_seconds(standard.pattern, standard.expression)


@lru_cache(maxsize=20_000)
def _slowest_seconds(pattern: str, expression: str) -> float:
    patterns = PatternSet([expression])
    literals = re.sub(r"\\\w|\{[0-9,]+\}", "", pattern)
    own = "".join(dict.fromkeys(re.findall(r"\w", literals)))[:8] or "a"
    worst = 0.0
    for characters in (*own, own[:2], own, own + "/.-"):
        table = (characters * 128)[:128]
        values = [_noise(seed).translate(table) for seed in range(_RUNS)]
        worst = max(worst, min(_seconds(patterns, value.encode()) for value in values))
    return worst


def _seconds(patterns: PatternSet, value: bytes) -> float:
    started = thread_time()
    patterns.matches(value)
    return thread_time() - started


@cache
def _noise(seed: int) -> str:
    """The same unordered text each time: a linear congruential generator picks from 128 characters."""
    state, out = seed, []
    for _ in range(CHARACTERS):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        out.append(chr((state >> 16) % 128))
    return "".join(out)
