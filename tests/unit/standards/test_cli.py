"""`cockpit standards` on files, without a database."""

import pytest
import typer
from typer.testing import CliRunner

from streams.cli import standards
from streams.errors import UserError

GOOD = """
standards:
  - code: FS-A-001
    applies_to: filesystem
    category: naming
    field: file_name
    path_glob: '**/*.py'
    pattern: '^[a-z]+\\.py$'
    description: Modules are lower-case.
    samples: {positive: [abc.py], negative: [ABC.py]}
"""


@pytest.fixture
def run(tmp_path):
    app = typer.Typer()
    standards.register(app)
    file = tmp_path / "rules.yaml"

    def call(text, *arguments):
        file.write_text(text, encoding="utf-8")
        return CliRunner().invoke(app, ["standards", *(str(file) if a == "FILE" else a for a in arguments)])

    return call


def test_lint_of_a_good_file(run):
    result = run(GOOD, "lint", "FILE")
    assert result.exit_code == 0
    assert "1 standards, 0 errors, 0 warnings" in result.output


def test_lint_of_a_bad_file_exits_1_and_names_the_standard(run):
    result = run(GOOD.replace("^[a-z]+", "^(?=a)"), "lint", "FILE")
    assert result.exit_code == 1
    assert "error: FS-A-001: RE2 cannot run lookaround" in result.output


@pytest.mark.parametrize(
    ("arguments", "output", "code"),
    [
        (["--value", "abc.py", "--path", "/x/abc.py"], "pass: FS-A-001", 0),
        (["--value", "Abc.py", "--path", "/x/Abc.py"], "fail: FS-A-001: file_name 'Abc.py' does not match", 1),
        (["--value", "Abc", "--path", "/x/Abc"], "not_applicable: FS-A-001", 0),
        (["--value", "Abc.py"], "fail: FS-A-001: file_name 'Abc.py' does not match", 1),  # no path, no glob
        ([], "2 samples, 0 wrong", 0),
    ],
)
def test_test_holds_values_and_samples_against_a_standard(run, arguments, output, code):
    result = run(GOOD, "test", "FS-A-001", "--file", "FILE", *arguments)
    assert output in result.output
    assert result.exit_code == code


def test_test_without_a_code_runs_all_samples(run):
    result = run(GOOD.replace("[ABC.py]", "[abc.py]"), "test", "--file", "FILE")
    assert "wrong: FS-A-001: 'abc.py' passes" in result.output
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["test", "FS-B-001", "--file", "FILE"], "standard FS-B-001: there is no regex standard with this code"),
        (["test", "--file", "FILE", "--value", "a"], "--value: name the standard that it is held against"),
        (["lint", "/nowhere.yaml"], "/nowhere.yaml: cannot be read"),
    ],
)
def test_mistakes_of_a_person_are_user_errors(run, arguments, words):
    result = run(GOOD, *arguments)
    assert isinstance(result.exception, UserError)
    assert words in str(result.exception)


def test_apply_refuses_what_has_errors_before_it_asks_a_database(run):
    result = run(GOOD.replace("file_name", "file_nam"), "apply", "FILE", "--yes")
    assert isinstance(result.exception, UserError)
    assert "nothing was applied" in str(result.exception)
