"""YAML in, standards out; every mistake is one line that names file, standard and key."""

from datetime import UTC, datetime

import pytest

from streams.errors import UserError
from streams.standards.catalog import load_yaml, parse_yaml
from streams.standards.spec import StandardSpec
from streams.standards.standard import RulesetError, Samples, Standard, standard_id

GOOD = """
defaults: {category: naming, applies_to: filesystem}
standards:
  - code: FS-A-001
    field: file_name
    pattern: '^[a-z]+$'
    severity: low
    effective_from: 2026-01-02T00:00:00+02:00
    samples: {positive: [abc], negative: [ABC]}
"""


def test_a_file_becomes_specs_and_specs_standards():
    (spec,) = parse_yaml(GOOD, "a.yaml")
    standard = spec.to_standard()
    assert standard.id == standard_id("FS-A-001")
    assert (standard.category, standard.status, standard.version) == ("naming", "active", 1)
    assert standard.effective_from == datetime(2026, 1, 1, 22, tzinfo=UTC)
    assert standard.samples == Samples(("abc",), ("ABC",))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("severity:", "severty:"), "standard FS-A-001: severty: is unknown; known are code, kind"),
        (("low", "lowest"), "standard FS-A-001: severity: 'lowest': Input should be"),
        (("    field: file_name\n", ""), "standard FS-A-001: field: Field required"),
        (
            ("[ABC]", "[10]"),
            "standard FS-A-001: samples.negative.0: 10: Input should be a valid string; put it in quotes",
        ),
        (("low", "[low]"), "standard FS-A-001: severity: a list of 1: Input should be"),
        (("2026-01-02T00:00:00+02:00", "2026-13-02"), "is no valid YAML: month must be in 1..12"),
        (("2026-01-02T00:00:00+02:00", "2026-01-02"), "write it with a time and an offset, like 2026-01-02T00:00:00Z"),
        (("2026-01-02T00:00:00+02:00", "9999-01-02T00:00:00Z"), "9999-01-02T00:00:00+00:00: must lie between"),
        (("2026-01-02T00:00:00+02:00", "!!timestamp x"), "is no valid YAML"),
        (("'^[a-z]+$'", '"\\ud800"'), "standard FS-A-001: pattern: '\\ud800': Input should be a valid string"),
        (("severity: low", 'owner: "a\\u001b[31m"'), "owner: 'a\\x1b[31m': must hold printable characters only"),
        (("  - code", "  - " + "[" * 5000 + "\n  - code"), "is no valid YAML"),
        (("severity: low", "matching: whole"), "matching: 'whole': Input should be 'search' or 'full'"),
        (("+02:00", ""), "standard FS-A-001: effective_from: "),
        (("'^[a-z]+$'", "''"), "standard FS-A-001: pattern: ''"),
        (("code: FS-A-001", "code: 'FS A'"), "standard FS A: code: 'FS A'"),
        (("code: FS-A-001", "id: 1"), "standard number 1: code: Field required"),
        (("    severity: low", "    field: host"), "key 'field' stands twice (line 7)"),
        (("defaults: {", "default: {"), "key 'default' is unknown"),
        (("standards:\n", "standards: none\nx:\n"), "must hold `standards:`, a list"),
        (("  - code", "  - [a]\n  - code"), "standard 1 must be a mapping"),
        (("positive: [abc]", "positive: [abc"), "is no valid YAML"),
    ],
)
def test_mistakes_are_named_in_one_line(change, words):
    text = GOOD.replace(*change)
    assert text != GOOD
    with pytest.raises(UserError) as refusal:
        parse_yaml(text, "a.yaml")
    assert str(refusal.value).startswith("a.yaml: ")
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_an_end_before_the_beginning_is_refused():
    text = GOOD.replace("severity: low", "effective_until: 2025-01-01T00:00:00Z")
    with pytest.raises(UserError, match="standard FS-A-001: effective_until must be later than effective_from"):
        parse_yaml(text, "a.yaml")


def test_a_code_twice_is_refused():
    entry = GOOD.split("standards:\n")[1]
    with pytest.raises(UserError, match=r"a\.yaml: standard FS-A-001 stands twice"):
        parse_yaml(GOOD + entry, "a.yaml")


@pytest.mark.parametrize("content", [None, b"\xff\xfe\xfd"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content):
    path = tmp_path / "rules.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"rules\.yaml: cannot be read"):
        load_yaml(path)


def test_an_alias_bomb_costs_nothing_and_is_named_by_its_shape():
    bomb = "a: &a [x, x]\n" + "".join(
        f"{n}: &{n} [*{p}, *{p}, *{p}, *{p}]\n" for p, n in zip("abcdefghi", "bcdefghij", strict=True)
    )
    with pytest.raises(UserError, match="standard 1 must be a mapping, not a list of 4"):
        parse_yaml("defaults:\n" + "".join(f"  {line}\n" for line in bomb.splitlines()) + "standards: [*j]\n", "a.yaml")


def test_a_file_beyond_all_measure_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_bytes(b"#" * (8 * 1024 * 1024 + 1))
    with pytest.raises(UserError, match="is larger than 8 MiB"):
        load_yaml(path)


def test_without_a_status_a_standard_is_active():
    (spec,) = parse_yaml(GOOD, "a.yaml")
    assert spec.status is None
    assert spec.to_standard().status == "active"


ROW = {
    "id": "1",
    "code": "FS-A-001",
    "version": 3,
    "kind": "regex",
    "applies_to": "filesystem",
    "category": "naming",
    "field": "file_name",
    "pattern": "^a$",
    "match_mode": "must_not_match",
    "path_glob": "",
    "required": 1,
    "severity": "low",
    "status": "active",
    "owner": "",
    "description": "",
    "reference": "",
    "samples": '{"positive": ["b"], "negative": ["a"]}',
    "effective_from": datetime(2026, 1, 1),  # noqa: DTZ001 - as the driver gives it
    "effective_until": None,
    "created_at": None,
}


def test_a_row_becomes_a_standard():
    standard = Standard.from_row(ROW)
    assert standard.required is True
    assert standard.path_glob is None
    assert standard.samples == Samples(("b",), ("a",))
    assert standard.effective_from == datetime(2026, 1, 1, tzinfo=UTC)
    assert Standard.from_row({**ROW, "samples": None}).samples == Samples()


@pytest.mark.parametrize("samples", ["[1]", "{", '{"good": []}', '{"positive": [1]}'])
def test_samples_that_are_none_are_refused_by_code(samples):
    with pytest.raises(RulesetError, match="standard FS-A-001: samples must be JSON like"):
        Standard.from_row({**ROW, "samples": samples})


def test_specs_are_strict():
    assert StandardSpec.model_config["extra"] == "forbid"
