"""Who runs a command, for the logs of what people did."""

import os
import pwd

from streams.errors import UserError

_CHARACTERS = 255


def actor_of(option: str | None) -> str:
    """The name given with --actor, else the user that the system knows."""
    if option is None:
        try:
            return pwd.getpwuid(os.getuid()).pw_name
        except KeyError:  # a container may run as a number without a name
            return f"uid {os.getuid()}"
    if not option.strip() or not option.isprintable() or len(option) > _CHARACTERS:
        raise UserError(f"--actor: must be a name of 1 to {_CHARACTERS} printable characters")
    return option.strip()


def reason_of(option: str | None, needed_for: str = "") -> str:
    """The text given with --reason; raises UserError where one is needed and none is given."""
    text = " ".join((option or "").split())
    if not text and needed_for:
        raise UserError(f"--reason: say why: {needed_for} needs a reason, which the history keeps")
    if not text.isprintable() or len(text) > 1000:
        raise UserError("--reason: must be at most 1,000 printable characters")
    return text
