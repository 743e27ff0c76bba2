"""Certificates as a careful operator and a careless one would have them, made anew for every run."""

from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

HOST = "127.0.0.1"
"""The name that every server's certificate has; whoever calls it localhost calls it by a wrong name."""


class Certificates:
    """PEM files under one folder: two authorities, of which servers and clients trust the first."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._ours, self._theirs = trustme.CA(), trustme.CA()

    @cached_property
    def ca(self) -> Path:
        return self._written("ca", self._ours.cert_pem.bytes())

    @cached_property
    def other_ca(self) -> Path:
        return self._written("other-ca", self._theirs.cert_pem.bytes())

    @cached_property
    def server(self) -> Path:
        return self._issued("server", self._ours.issue_cert(HOST))

    @cached_property
    def expired_server(self) -> Path:
        yesterday = datetime.now(UTC) - timedelta(days=1)
        return self._issued("expired-server", self._ours.issue_cert(HOST, not_after=yesterday))

    def client(self, name: str) -> Path:
        return self._issued(name, self._ours.issue_cert(f"{name}.example", common_name=name))

    def foreign_client(self, name: str) -> Path:
        return self._issued(f"{name}-foreign", self._theirs.issue_cert(f"{name}.example", common_name=name))

    def expired_client(self, name: str) -> Path:
        yesterday = datetime.now(UTC) - timedelta(days=1)
        return self._issued(
            f"{name}-expired", self._ours.issue_cert(f"{name}.example", common_name=name, not_after=yesterday)
        )

    def locked_client(self, name: str, password: str) -> Path:
        """A key that opens only with a password."""
        encryption = BestAvailableEncryption(password.encode())
        return self._issued(f"{name}-locked", self._ours.issue_cert(f"{name}.example", common_name=name), encryption)

    def _issued(self, name: str, leaf: trustme.LeafCert, encryption: KeySerializationEncryption | None = None) -> Path:
        key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
        # Java reads no other form of key from a PEM file.
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
        return self._written(name, pem + b"".join(chain.bytes() for chain in leaf.cert_chain_pems))

    def _written(self, name: str, pem: bytes) -> Path:
        path = self._directory / f"{name}.pem"
        path.write_bytes(pem)
        path.chmod(0o600)
        return path
