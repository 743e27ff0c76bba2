"""Values that no field of a kind may have, and the outermost ones that it may: ids, names, times, numbers, paths."""

from tests.bad_input.case import INVALID, MISSING, STORED, Raw, Variant

INT64_MAX, UINT64_MAX = 2**63 - 1, 2**64 - 1


def bad(label: str, value: object, said: str = "") -> Variant:
    return label, value, INVALID, said


def fine(label: str, value: object) -> Variant:
    return label, value, STORED, ""


NO_STRING = (
    bad("missing", MISSING, "Field required"),
    bad("null", None, "valid string"),
    bad("a number", 5, "valid string, got 5"),
    bad("true", True, "valid string"),
    bad("an array", ["a"], "got a JSON array of 1"),
    bad("an object", {"a": 1}, "got a JSON object of 1"),
)

UUIDS = (
    *NO_STRING,
    bad("empty", ""),
    bad("no UUID", "not-a-uuid", "got 'not-a-uuid'"),
    bad("without dashes", "0b1f7b4e6a534b1c9a552f5a1c1d9e11"),
    bad("in braces", "{0b1f7b4e-6a53-4b1c-9a55-2f5a1c1d9e11}"),
    bad("as URN", "urn:uuid:0b1f7b4e-6a53-4b1c-9a55-2f5a1c1d9e11"),
    bad("newline at its end", "0b1f7b4e-6a53-4b1c-9a55-2f5a1c1d9e11\n"),
    bad("SQL behind it", "0b1f7b4e-6a53-4b1c-9a55-2f5a1c1d9e11' OR '1'='1"),
    bad("digits of another script", "٠b1f7b4e-6a53-4b1c-9a55-2f5a1c1d9e11"),
    bad("a megabyte of it", "0b1f7b4e-" * 50_000, "(str)"),
)

NAMES = (
    *NO_STRING,
    bad("empty", ""),
    bad("a newline", "a\nb"),
    bad("a carriage return", "a\rb"),
    bad("a tab", "a\tb"),
    bad("a NUL", "a\0b"),
    bad("an escape", "\x1b[31mred"),
    bad("DEL", "a\x7f"),
    fine("a right-to-left override", "gnp\u202eexe.a"),
    fine("an emoji", "host-🚀"),
    fine("a joined family of emoji", "👩‍👩‍👧"),
    fine("a noncharacter", "a\uffffb"),
    fine("a C1 control", "a\x9bb"),
    fine("a line separator", "a\u2028b"),
    fine("quotes and a backslash", "a'b\"c\\d"),
    fine("SQL", "x'; DROP TABLE filesystem_timestamps; -- "),
    fine("markup", "<script>alert(1)</script>"),
)

TIMES = (
    bad("missing", MISSING, "Field required"),
    bad("seconds since the epoch", 1_700_000_000, "must be an RFC 3339 time with an offset"),
    bad("milliseconds in a string", "1700000000000", "RFC 3339"),
    bad("a fraction", 1.5, "RFC 3339"),
    bad("an object", {"$date": 1}, "RFC 3339"),
    bad("empty", "", "RFC 3339"),
    bad("in words", "yesterday", "RFC 3339"),
    bad("a date alone", "2026-11-20", "RFC 3339"),
    bad("without offset", "2026-11-20T10:00:00", "RFC 3339"),
    bad("with a zone's name", "2026-11-20T10:00:00 Europe/Berlin", "RFC 3339"),
    bad("with offset and zone in brackets", "2026-11-20T10:00:00+01:00[Europe/Berlin]", "RFC 3339"),
    bad("a blank for the T", "2026-11-20 10:00:00Z", "RFC 3339"),
    bad("a comma for the point", "2026-11-20T10:00:00,5Z", "RFC 3339"),
    bad("ISO 8601 basic form", "20261120T100000Z", "RFC 3339"),
    bad("ISO 8601 week", "2026-W47-5T10:00:00Z", "RFC 3339"),
    bad("an offset of hours only", "2026-11-20T10:00:00+01", "RFC 3339"),
    bad("an offset without colon", "2026-11-20T10:00:00+0100", "RFC 3339"),
    bad("of a mail", "Fri, 20 Nov 2026 10:00:00 +0100", "RFC 3339"),
    bad("American", "11/20/2026 10:00 AM", "RFC 3339"),
    bad("digits of another script", "٢٠٢٦-11-20T10:00:00Z", "RFC 3339"),
    bad("full-width digits", "２０２６-11-20T10:00:00Z", "RFC 3339"),
    bad("a newline at its end", "2026-11-20T10:00:00Z\n", "RFC 3339"),
    bad("ten digits of a second", "2026-11-20T10:00:00.1234567890Z", "RFC 3339"),
    bad("a minus for the year", "-2026-11-20T10:00:00Z", "RFC 3339"),
    bad("a year of five digits", "12026-11-20T10:00:00Z", "RFC 3339"),
    bad("the 30th of February", "2026-02-30T00:00:00Z"),
    bad("the 29th of February in no leap year", "2027-02-29T00:00:00Z"),
    bad("month 13", "2026-13-01T00:00:00Z"),
    bad("day 0", "2026-11-00T00:00:00Z"),
    bad("hour 24", "2026-11-20T24:00:00Z"),
    bad("minute 60", "2026-11-20T10:60:00Z"),
    bad("a leap second", "2026-12-31T23:59:60Z"),
    bad("an offset of 24 hours", "2026-11-20T10:00:00+24:00"),
    bad("year 0", "0000-01-01T00:00:00Z"),
    bad("year 1", "0001-01-01T00:00:00Z", "must lie between"),
    bad("year 1 with an offset that leaves it", "0001-01-01T00:00:00+14:00"),
    bad("the last second of all, west of Greenwich", "9999-12-31T23:59:59-12:00"),
    bad("the epoch itself", "1970-01-01T00:00:00Z", "must lie between"),
    bad("before the epoch by its offset", "1970-01-01T00:00:01+00:01", "must lie between"),
    bad("one second after 2038", "2038-01-19T03:14:08Z", "must lie between"),
    fine("the first second", "1970-01-01T00:00:01Z"),
    fine("the last microsecond", "2038-01-19T03:14:07.999999Z"),
    fine("nanoseconds", "2026-11-20T10:00:00.123456789Z"),
    fine("small letters", "2026-11-20t10:00:00z"),
    fine("an unknown offset", "2026-11-20T10:00:00-00:00"),
    fine("the easternmost offset", "2026-11-20T10:00:00+14:00"),
    fine("a leap day", "2028-02-29T23:59:59Z"),
    fine("in an hour that summer time skips", "2026-03-29T02:30:00+01:00"),
)

INTEGERS = (
    bad("missing", MISSING, "Field required"),
    bad("null", None),
    bad("true", True),
    bad("a fraction", 1.5),
    bad("a whole number with a point", Raw("1.0")),
    bad("an exponent", Raw("1e3")),
    bad("1e999", Raw("1e999")),
    bad("NaN", Raw("NaN")),
    bad("Infinity", Raw("-Infinity")),
    bad("an array", [1]),
    bad("an object", {"value": 1}),
    bad("2**63", 2**63),
    bad("-2**63 - 1", -(2**63) - 1),
    bad("2**64", 2**64),
    bad("30 digits", 10**30),
    bad("4,300 digits", Raw("9" * 4300)),
)

NANOSECONDS = (
    *INTEGERS,
    bad("a word", "soon"),
    bad("an empty string", ""),
    bad("blanks around digits", " 1"),
    bad("a plus", "+1"),
    bad("hexadecimal", "0x10"),
    bad("underscores", "1_000"),
    bad("full-width digits", "１２"),
    bad("a fraction in a string", "1.5"),
    bad("2**63 in a string", str(2**63), "valid integer, got '9223372036854775808'"),
    bad("20 digits in a string", "1" * 20),
    bad("a newline behind digits", "1\n"),
    fine("the least", -(2**63)),
    fine("the most", INT64_MAX),
    fine("the least in a string", str(-(2**63))),
    fine("minus zero in a string", "-0"),
    fine("leading zeros in a string", "007"),
    fine("1901", -2_177_452_800_000_000_000),
    fine("the year 2262", 9_223_372_036_000_000_000),
    fine("zero", 0),
    fine("one nanosecond before the epoch", -1),
)

PATHS = (
    *NO_STRING,
    bad("empty", ""),
    bad("a NUL", "/a\0b", "must not contain NUL"),
    bad("4,097 bytes", "/" + "x" * 4096),
    bad("4,097 bytes in two-byte characters", "/" + "é" * 2048, "4096 bytes of UTF-8"),
    bad("400,000 bytes", "/" * 400_000),
)

HASHES = (
    bad("a number", 5),
    bad("empty", ""),
    bad("too short", "abc"),
    bad("no hexadecimal digits", "z" * 64),
    bad("one digit too many", "a" * 65),
    bad("a newline at its end", "a" * 64 + "\n"),
    bad("0x in front", "0x" + "a" * 62),
)
