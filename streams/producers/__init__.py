"""What publishes valid events: the times of files, the reading of a clock, the metadata of documents."""

from typing import Any, TypeVar

from pydantic import ValidationError

from schemas.event import Event
from streams.errors import UserError

Model = TypeVar("Model", bound=Event)
_SHOWN_CHARACTERS = 80


def build(model: type[Model], where: str = "", /, **fields: Any) -> Model:
    """An event, or a part of one; a value that the contract refuses is a UserError of one line that names it.

    `where` stands in front of the line, such as the name of the file that the value came from.
    """
    try:
        return model(**fields)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in problem["loc"])
        value = repr(problem["input"])
        shown = value if len(value) <= _SHOWN_CHARACTERS else f"{value[:_SHOWN_CHARACTERS]}…"
        text = problem["msg"].removeprefix("Value error, ")
        raise UserError(f"{where + ': ' if where else ''}{name}: {shown} is refused: {text}") from None
