"""The metadata that a Markdown document carries at its head, and the hash of its bytes.

Two forms: YAML front matter between `---` lines, or lines `**Key:** value` right below the title. Values stay
the text that was written: 1.10 is not 1.1, `no` is not false, and whether a date is in ISO 8601 is for a
standard to judge, so nothing here may tidy it up.
"""

import hashlib
import re
from pathlib import Path, PurePath
from typing import Any

import yaml

from schemas import Document
from streams.errors import UserError
from streams.producers import build
from streams.producers.files import canonical_path

_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_BOLD_LINE = re.compile(r"\*\*(?P<key>[^*:]+)(?::\*\*|\*\*:)(?P<value>.*)")
_TITLE = re.compile(r"#[ \t]")
_FIRST_LINE = 2
"""Of the front matter within its file."""
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


def read_document(path: Path, base: Path) -> Document:
    """One document of a submission; its path is relative to `base`, with forward slashes.

    Raises:
        UserError: the file cannot be read, is not below `base`, or its front matter is broken.
    """
    try:
        content = path.read_bytes()
    except IsADirectoryError:
        raise UserError(f"{path}: is a folder: name the documents in it") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None
    try:
        relative = PurePath(canonical_path(path)).relative_to(base.resolve())
    except ValueError:
        raise UserError(f"{path}: is not below {base}: name a folder above it with --base") from None
    return build(
        Document,
        str(path),
        path=relative.as_posix(),
        sha256=hashlib.sha256(content).hexdigest(),
        metadata=parse_metadata(content.decode("utf-8-sig", errors="replace"), str(path)),
    )


def parse_metadata(text: str, name: str) -> dict[str, Any]:
    """The metadata of a document's text; {} where it has none. `name` stands in errors.

    Keys are lower case with underscores: `Document Type` is `document_type`.
    """
    if (front := _FRONT_MATTER.match(text)) is not None:
        values = _load(front[1], name)
        if isinstance(values, dict):
            return _by_key(values.items(), name)
        if isinstance(values, list):
            raise UserError(f"{name}:{_FIRST_LINE}: the front matter is a list: write `key: value` lines")
    return _by_key(_bold_lines(text), name)


def _by_key(pairs: Any, name: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    for key, value in pairs:
        plain = "_".join(str(key or "").lower().split())
        if plain in metadata:
            raise UserError(f"{name}: the metadata has {plain!r} twice: keep one of them")
        metadata[plain] = value
    return metadata


def _bold_lines(text: str) -> list[tuple[str, str]]:
    """The pairs between the title and the first line that is neither blank nor `**Key:** value`."""
    pairs = []
    titled = False
    for line in text.splitlines():
        if not line.strip():
            continue
        match = _BOLD_LINE.match(line)
        if match:
            pairs.append((match["key"], match["value"].strip()))
        elif pairs or titled or not _TITLE.match(line):
            break
        titled = True
    return pairs


class _TextLoader(yaml.BaseLoader):
    """Every scalar is its text, but for a null; no aliases, with which a few lines can stand for gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not supported: write the value out", mark)
        return super().compose_node(parent, index)

    def construct_scalar(self, node: Any) -> Any:
        text = super().construct_scalar(node)
        return None if node.style is None and text in _NULLS else text

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} stands twice", key.start_mark)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
        return super().construct_mapping(node, deep)


def _load(text: str, name: str) -> Any:
    try:
        return yaml.load(text, Loader=_TextLoader)  # noqa: S506 - a BaseLoader, which makes nothing but text
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line if error.problem_mark else 0
        what = error.problem or error.context or "cannot be parsed"
    except yaml.reader.ReaderError as error:
        line, what = text.count("\n", 0, error.position), "a character that YAML does not allow"
    except RecursionError:
        line, what = 0, "nests too deep"
    raise UserError(f"{name}:{line + _FIRST_LINE}: the front matter is no valid YAML: {' '.join(what.split())}")
