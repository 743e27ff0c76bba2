"""The errors that decide what happens next.

    CockpitError
    ├── UserError           somebody's mistake: one line, exit code 2, never a traceback
    ├── RetriableError      infrastructure is away: wait and try the same again, dead-letter nothing
    └── PermanentError      this data will never be taken: dead-letter it and go on

Anything else is a bug: its record is dead-lettered as `internal_error`, and past a limit of those the
worker stops (see `streams.pipeline`).
"""


class CockpitError(Exception):
    """Base of every error raised on purpose."""


class UserError(CockpitError):
    """A mistake of the person at the command line: the text names the field, the value and the remedy."""


class RetriableError(CockpitError):
    """The database or Kafka cannot take work now; the same work may succeed later."""


class PermanentError(CockpitError):
    """The database refuses this data, however often it is sent."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code
