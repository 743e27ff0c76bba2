"""Runs commands as a person does, in this process (a second of start is saved) or in one of their own."""

import contextlib
import io
import os
import sys
from dataclasses import dataclass

import pytest

from streams.__main__ import main


@dataclass(frozen=True)
class Told:
    """What a person saw, and the exit code."""

    code: int
    output: str
    errors: str

    @property
    def line(self) -> str:
        return self.errors.partition("\n")[0]


def fresh_environment(given: dict[str, str]) -> dict[str, str]:
    """Ours, with these settings and no others."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith("COCKPIT_")}
    return {**rest, **{name: value for name, value in given.items() if value}}


def told(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], *arguments: str, terminal: bool = False) -> Told:
    """Run one command of `cockpit` with these settings and no others; `terminal`: as if somebody looked at it."""
    for name in [name for name in os.environ if name.startswith("COCKPIT_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        if value:
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setattr(sys, "argv", ["cockpit", *arguments])
    output, errors = _Screen(terminal), _Screen(terminal)
    code = 0
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    return Told(code, output.text(), errors.text())


class _Screen(io.TextIOWrapper):
    def __init__(self, terminal: bool) -> None:
        self._bytes = io.BytesIO()
        self._terminal = terminal
        super().__init__(self._bytes, encoding="utf-8", write_through=True, newline="")

    def isatty(self) -> bool:
        return self._terminal

    def text(self) -> str:
        return self._bytes.getvalue().decode()
