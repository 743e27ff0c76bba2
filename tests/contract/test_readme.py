"""The README names every setting with its default, and every command that exists."""

import re
from pathlib import Path

from pydantic import SecretStr

from streams.settings import PREFIX, Settings

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_every_setting_stands_in_the_readme_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(COCKPIT_\w+)` \| (?:`(.*?)`)? ?\|", README, re.MULTILINE))
    expected = {}
    for name, field in Settings.model_fields.items():
        default = field.default
        if isinstance(default, SecretStr):
            default = default.get_secret_value()
        expected[PREFIX + name.upper()] = "" if default is None else str(default)
    assert rows == expected
