"""Ids derived from what caused a row, so that a replay writes the same row and changes nothing."""

import hashlib
from uuid import NAMESPACE_URL, uuid5

NAMESPACE = uuid5(NAMESPACE_URL, "devguide-cockpit/cockpit-streams")
_PREFIX = NAMESPACE.bytes
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
"""The variant of RFC 9562 in the two upper bits of the digit."""


def derived_id(*cause: object) -> str:
    """The uuid5 of the cause's parts, joined by NUL, as 36 characters."""
    return id_of("\0".join([str(part) for part in cause]))


def id_of(name: str) -> str:
    """`str(uuid5(NAMESPACE, name))` at a quarter of its cost: there is one for every row."""
    digest = hashlib.sha1(_PREFIX + name.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{_VARIANT[digest[16]]}{digest[17:20]}-{digest[20:32]}"


def digest_of(text: str) -> str:
    """sha1 of a text of any length, as 40 hexadecimal digits."""
    return hashlib.sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def path_key(host: str, file_path: str) -> bytes:
    """16 bytes that stand for one path of one host in the index of newest records."""
    return hashlib.sha256(f"{host}\0{file_path}".encode("utf-8", "surrogatepass")).digest()[:16]


def fingerprint(standard_code: str, subject: str, field: str) -> str:
    """32 hex digits that name one incident: which standard, of what, in which field."""
    return hashlib.sha256(f"{standard_code}\0{subject}\0{field}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
