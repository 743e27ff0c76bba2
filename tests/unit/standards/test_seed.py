"""Every standard that ships does what its samples say, and leaves honest trees and documents alone."""

from collections import Counter

import pytest

from schemas.findings import SEVERITIES
from streams.standards.catalog import seed_standards
from streams.standards.fields import path_field
from streams.standards.lint import field_values, lint
from streams.standards.ruleset import Ruleset
from streams.standards.spec import StandardSpec
from tests.unit.standards.rules import NOW, ruleset

SPECS = seed_standards()
REGEXES = [spec for spec in SPECS if spec.kind == "regex"]
ALL = Ruleset.compile([spec.to_standard() for spec in SPECS], 1, NOW)

CLEAN_PATHS = [
    "/srv/repo/src/a.py",
    "src/a.py",
    "/usr/share/doc/x/README.md",
    "/usr/lib/python3/dist-packages/certifi/cacert.pem",
    "/usr/lib/python3.11/__pycache__/abc.cpython-311.pyc",
    "/usr/include/c++/12/bits/stl_map.h",
    "/srv/app/node_modules/@angular/core/index.d.ts",
    "/home/a/My Documents/meeting notes (final).md",
    "/usr/lib/systemd/system/system-systemd\\x2dcryptsetup.slice",
    "/etc/ssl/certs/NetLock_Arany_=Class_Gold=_Főtanúsítvány.pem",
    "/usr/share/man/man5/core.5",
    "/home/a/.ssh/id_rsa.pub",
    "/srv/repo/.env.example",
    "/srv/repo/.git/HEAD",
    "/srv/repo/docs/ARTIFACT_16_TECH_STACK_UPDATE.md",
    "/srv/repo/docs/decisions/0001-record-decisions.md",
    "/srv/repo/streams/store/migrations/0001_standards.sql",
    "/srv/repo/deploy/k8s/base/kustomization.yaml",
    "/srv/repo/tests/unit/__init__.py",
]
SEED_DOCUMENT = {
    "path": "docs/ARTIFACT_16_TECH_STACK_UPDATE.md",
    "submission_id": "sub-2026-0001",
    "submitter": "docs-team",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "metadata.version": "1.1.0",
    "metadata.status": "Active - Supersedes Previous PostgreSQL Decision",
    "metadata.date": "2026-01-02T00:00:00Z",
}


def verdict(spec: StandardSpec, sample: str) -> list[str]:
    """The rule's results for a sample, by way of the engine that judges events."""
    standard = spec.to_standard()
    values = field_values(standard, sample)
    path = values.get(path_field(spec.applies_to) or "") or inside(spec, sample)
    return [result.status for result in ruleset(standard).check(spec.applies_to, values, path)]


def inside(spec: StandardSpec, sample: str) -> str:
    """A path that is within the glob of a rule on a file's name."""
    folder = "migrations" if "migrations" in (spec.path_glob or "") else "docs"
    return f"/srv/{folder}/{sample if spec.field == 'file_name' else 'README.md'}"


@pytest.mark.parametrize("spec", REGEXES, ids=lambda spec: spec.code)
def test_samples_pass_and_violate_as_they_say(spec):
    assert spec.samples.positive
    assert spec.samples.negative
    for sample in spec.samples.positive:
        assert verdict(spec, sample) in (["pass"], ["not_applicable"]), sample
    assert ["pass"] in [verdict(spec, sample) for sample in spec.samples.positive]
    for sample in spec.samples.negative:
        assert verdict(spec, sample) == ["fail"], sample


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.code)
def test_every_seed_standard_is_documented_and_lints_without_an_error(spec):
    assert len(spec.description) > 20
    assert spec.owner
    assert spec.to_standard().status == "active"
    assert [message for message in lint(spec.to_standard()) if message.level == "error"] == []


def test_the_seed_is_as_wide_as_promised():
    assert len(REGEXES) >= 30
    assert len({spec.category for spec in REGEXES}) >= 6
    assert max(Counter(spec.code for spec in SPECS).values()) == 1


def test_the_judges_find_their_built_in_standards():
    assert set(ALL.builtins) == {
        "TS-MTIME-AFTER-CTIME",
        "TS-CTIME-REGRESSED",
        "TS-MTIME-CHANGED-CTIME-NOT",
        "TS-CTIME-FUTURE",
        "TS-RETROACTIVE-MTIME",
        "TS-MTIME-REGRESSED",
        "TS-ATIME-REGRESSED",
        "TS-CONTENT-HIDDEN",
        "TS-TOUCH-T-MINUTE",
        "TS-WHOLE-SECOND",
        "TS-TOUCH-BOTH",
        "TS-TOUCH-R",
        "TS-SENTINEL",
        "TS-BIRTH-AFTER-MTIME",
        "TS-MTIME-FUTURE",
        "TS-ATIME-FUTURE",
        "TS-BACKDATED-NEW",
        "TS-BURST",
        "GIT-FUTURE-COMMIT",
        "GIT-MTIME-BEFORE-COMMIT",
        "GIT-MTIME-EQUALS-COMMIT",
        "GIT-SAME-SHA-MTIME-BACK",
        "GIT-ROLLBACK",
        "CAP-SKEW",
        "TS-CLOCK-ROUTE",
        "TS-TIME-OUT-OF-RANGE",
        "TS-PATH-REPLACED",
        "TS-DIR-SWAP",
        "CLK-OFFSET",
        "CLK-OFFSET-WARN",
        "CLK-BOUND",
        "CLK-CAUSALITY",
        "CLK-UNSYNCHRONISED",
        "CLK-STRATUM",
        "CLK-STEP",
        "CLK-STALE",
        "CLK-ROOTDIST",
        "CLK-JITTER",
        "CLK-OUTLIER",
        "CLK-REFERENCE-SUSPECT",
        "CLK-RATE",
        "CLK-PROTOCOL-CHANGED",
        "CLK-LOCALREF",
        "SUB-CONFLICT",
    }


@pytest.mark.parametrize("path", CLEAN_PATHS)
def test_honest_paths_raise_nothing_of_medium_or_more(path):
    values = {"file_path": path, "host": "build-07", "git_commit_sha": None}
    serious = [
        result.standard.code
        for result in ALL.violations("filesystem", values, path)
        if SEVERITIES.index(result.standard.severity) >= SEVERITIES.index("medium")
    ]
    assert serious == []


def test_the_seed_document_passes_every_standard_for_submissions():
    results = ALL.check("submission", SEED_DOCUMENT, SEED_DOCUMENT["path"])
    assert [result.message for result in results if result.status == "fail"] == []
    assert [result.standard.code for result in results] == sorted(
        spec.code for spec in REGEXES if spec.applies_to == "submission"
    )


def test_only_version_status_and_date_are_required():
    bare = {key: value for key, value in SEED_DOCUMENT.items() if not key.startswith("metadata.")}
    failed = ALL.violations("submission", bare, bare["path"])
    assert [result.standard.field for result in failed] == ["metadata.version", "metadata.status", "metadata.date"]
    assert all("is missing" in result.message for result in failed)


@pytest.mark.parametrize(
    ("component", "protocol"), [("api-gateway", "NTP"), ("ptp-grandmaster", "PTP"), ("browser-7", "Browser")]
)
def test_an_honest_reading_passes_every_standard_for_clocks(component, protocol):
    values = {"component_name": component, "protocol": protocol, "reference_id": "A9FEA97B", "stratum": "2"}
    assert ALL.violations("clock", values, None) == []
