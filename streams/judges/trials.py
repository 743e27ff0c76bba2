"""What a rule can be tried on: the values of one file, reading or document, from an event. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from schemas.event import Event
from schemas.events import ClockReading, FilesystemTimestamps, Submission
from streams.errors import UserError
from streams.judges.standards import document_values, file_values, reading_values
from streams.standards.fields import AppliesTo, Values

_MODELS: dict[AppliesTo, type[Event]] = {
    "filesystem": FilesystemTimestamps,
    "clock": ClockReading,
    "submission": Submission,
}


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing that rules are held against; `path` is what path globs look at."""

    values: Values
    path: str | None
    subject: str


def trials_of(event: Event) -> list[Trial]:
    """All that an event is judged by, in its order."""
    if isinstance(event, FilesystemTimestamps):
        return [
            Trial(file_values(file, event), file.file_path, f"{event.host}:{file.file_path}") for file in event.files
        ]
    if isinstance(event, ClockReading):
        return [Trial(reading_values(event), None, event.component_name)]
    assert isinstance(event, Submission)
    return [Trial(document_values(document, event), document.path, document.path) for document in event.documents]


def trials_of_lines(applies_to: AppliesTo, lines: Iterable[str], name: str) -> Iterator[Trial]:
    """The trials of events that stand one a line; raises UserError naming file, line and field."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            event = _MODELS[applies_to].model_validate_json(line)
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(map(str, problem["loc"])) or "the line"
            raise UserError(
                f"{name}: line {number}: {field}: {problem['msg']}: it must be an event for {applies_to}"
            ) from None
        yield from trials_of(event)
