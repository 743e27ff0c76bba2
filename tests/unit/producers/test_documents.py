import hashlib

import pytest

from schemas import Document
from streams.errors import UserError
from streams.producers.documents import parse_metadata, read_document

BOLD = """\
# DevGuide Cockpit: Tech Stack Update

**Document Type:** Technical Implementation (Tier 5)  
**Status:** Active - Supersedes Previous Decision  
**Version:** 1.1.0  

**Date**: 2026-01-02T00:00:00Z

---

**Previous Decision:** not metadata
"""  # noqa: W291 - two spaces at the end are a line break in Markdown


def test_bold_lines_below_the_title():
    assert parse_metadata(BOLD, "f") == {
        "document_type": "Technical Implementation (Tier 5)",
        "status": "Active - Supersedes Previous Decision",
        "version": "1.1.0",
        "date": "2026-01-02T00:00:00Z",
    }


@pytest.mark.parametrize(
    ("text", "metadata"),
    [
        ("", {}),
        ("just text", {}),
        ("# Title\n\nText\n\n**Status:** late", {}),
        ("# Title\n# Second title\n**Status:** late", {}),
        ("**Status:** x", {"status": "x"}),
        ("\n\n# T\r\n**Status:** x\r\n", {"status": "x"}),
        ("**Empty:**\n**A  B:** c: d", {"empty": "", "a_b": "c: d"}),
        ("---\ntitle: x\n---\n**Status:** not here", {"title": "x"}),
        ("---\r\ntitle: x\r\n---\r\n", {"title": "x"}),
        ("---\ntitle: x\n...\ntext", {"title": "x"}),
        ("---\ntitle: x\n---", {"title": "x"}),
        ("---\n---\ntext", {}),
        ("---\nno end", {}),
        ("---\na rule, then text\n---\n", {}),
    ],
)
def test_heads(text, metadata):
    assert parse_metadata(text, "f") == metadata


def test_front_matter_stays_the_text_that_was_written():
    text = """\
---
Document Type: Guide
date: 2026-01-02
updated: 2026-01-02T10:00:00+02:00
odd date: 2026-1-2
version: 1.10
time: 10:30
draft: no
owner:
tags: [a, 'null', 7]
review: {by: [x], on: 2026-01-03}
---
"""
    assert parse_metadata(text, "f") == {
        "document_type": "Guide",
        "date": "2026-01-02",
        "updated": "2026-01-02T10:00:00+02:00",
        "odd_date": "2026-1-2",
        "version": "1.10",
        "time": "10:30",
        "draft": "no",
        "owner": None,
        "tags": ["a", "null", "7"],
        "review": {"by": ["x"], "on": "2026-01-03"},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("---\na: 1\nb: [\n---\n", r"^f:4: the front matter is no valid YAML"),
        ("---\na: 1\n\tb: 2\n---\n", r"^f:3: the front matter is no valid YAML"),
        ("---\na: 1\nb: \x07\n---\n", r"^f:3: .* a character that YAML does not allow"),
        ("---\na: &x [1]\nb: *x\n---\n", r"^f:3: .* aliases are not supported"),
        ("---\na: 1\na: 2\n---\n", r"^f:3: .* key 'a' stands twice"),
        ("---\n[a]: 1\n---\n", r"^f:2: .* found unhashable key"),
        ("---\n- a\n---\n", r"^f:2: the front matter is a list"),
        ("---\na: " + "[" * 5000 + "\n---\n", r"^f:2: .* nests too deep"),
        ("---\nA b: 1\na_b: 2\n---\n", r"^f: the metadata has 'a_b' twice"),
        ("**A:** 1\n**a:** 2\n", r"^f: the metadata has 'a' twice"),
    ],
)
def test_a_broken_head_is_one_line_that_names_file_and_line(text, message):
    with pytest.raises(UserError, match=message) as caught:
        parse_metadata(text, "f")
    assert "\n" not in str(caught.value)


def test_a_document_has_its_path_below_the_base_and_the_hash_of_its_bytes(tmp_path):
    path = tmp_path / "docs" / "a.md"
    path.parent.mkdir()
    content = b"\xef\xbb\xbf" + BOLD.encode()
    path.write_bytes(content)
    document = read_document(path, tmp_path)
    assert isinstance(document, Document)
    assert (document.path, document.sha256) == ("docs/a.md", hashlib.sha256(content).hexdigest())
    assert document.metadata["version"] == "1.1.0"


def test_bytes_that_are_no_text_have_no_metadata(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")
    assert read_document(path, tmp_path).metadata == {}


def test_what_cannot_be_read_is_named(tmp_path):
    (tmp_path / "a.md").write_text("---\n" + "".join(f"k{n}: 1\n" for n in range(101)) + "---\n")
    (tmp_path / "base").mkdir()
    for path, base, message in (
        (tmp_path / "none.md", tmp_path, "none.md: cannot be read: No such file"),
        (tmp_path, tmp_path, "is a folder: name the documents in it"),
        (tmp_path / "a.md", tmp_path / "base", "a.md: is not below .*: name a folder above it with --base"),
        (tmp_path / "a.md", tmp_path, "a.md: metadata: .* is refused"),
    ):
        with pytest.raises(UserError, match=message) as caught:
            read_document(path, base)
        assert "\n" not in str(caught.value)
