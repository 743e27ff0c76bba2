"""Write JSON Schema and AsyncAPI from the models: `python -m schemas.generate [--check]`.

With `--check` nothing is written; the first file that differs from what the models say is named, with exit
code 1.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from schemas.asyncapi import TOPICS, Topic, document

GENERATED = Path(__file__).parent / "generated"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def contents() -> dict[str, str]:
    """The text of every generated file by its name."""
    files = {f"{topic.name}.schema.json": _text(json_schema(topic)) for topic in TOPICS}
    files["asyncapi.json"] = _text(document())
    return files


def json_schema(topic: Topic) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a topic's values."""
    schema = topic.model.model_json_schema(mode=topic.mode)
    return {"$schema": DIALECT, "$id": f"urn:cockpit:schemas:{topic.name}", **schema}


def first_difference() -> str | None:
    """The name of the first generated file that is missing, stale, or generated no more."""
    expected = contents()
    for name, text in sorted(expected.items()):
        path = GENERATED / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            return name
    return next((path.name for path in sorted(GENERATED.iterdir()) if path.name not in expected), None)


def _text(value: dict[str, Any]) -> str:
    # The models' own order is the readable one, and as stable as the models are.
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or with `--check` compare them; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m schemas.generate", description="Write schemas/generated/.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file differs")
    if parser.parse_args(arguments).check:
        if name := first_difference():
            sys.stderr.write(f"schemas/generated/{name} differs from the models: run python -m schemas.generate\n")
            return 1
        return 0
    GENERATED.mkdir(exist_ok=True)
    for name, text in contents().items():
        (GENERATED / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
