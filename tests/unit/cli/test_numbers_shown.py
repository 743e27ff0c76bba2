"""Numbers of evidence beside what a person reads."""

import pytest

from streams.cli.numbers_shown import shown


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("mtime_ns", 1_425_988_800_123_456_789, "1425988800123456789 (2015-03-10T12:00:00.123456789Z)"),
        ("mtime_ns", -1, "-1 (1969-12-31T23:59:59.999999999Z)"),
        ("mtime_ns", -(2**63), f"{-(2**63)} (1677-09-21T00:12:43.145224192Z)"),
        ("mtime_ns", 2**63 - 1, f"{2**63 - 1} (2262-04-11T23:47:16.854775807Z)"),
        ("captured_at_us", 1_795_650_407_677_503, "1795650407677503 (2026-11-25T23:46:47.677503000Z)"),
        ("until_us", 10**18, f"{10**18}"),
        ("delta_ns", 35_000_000_000, "35000000000 (35 s)"),
        ("step_ns", -1_500_000_000, "-1500000000 (-1.5 s)"),
        ("margin_ns", 1, "1 (0.000000001 s)"),
        ("delta_ns", 3_600_000_000_001, "3600000000001 (3,600.000000001 s)"),
        ("partition", 7, "7"),
        ("dry_run", True, "True"),
        ("hint", "a\nb", "a\\nb"),
    ],
)
def test_moments_and_spans(name: str, value: object, text: str) -> None:
    assert shown(name, value) == text
