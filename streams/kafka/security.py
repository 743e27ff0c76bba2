"""How every Kafka client of ours connects: one place for bootstrap, TLS and SASL."""

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from streams.errors import UserError
from streams.settings import Settings


def ssl_context(settings: Settings) -> ssl.SSLContext | None:
    """The TLS context towards the brokers (host names are verified), or None for plain text."""
    if not settings.kafka_security.endswith("SSL"):
        return None
    for name in ("kafka_tls_ca", "kafka_tls_certificate", "kafka_tls_key"):
        path = getattr(settings, name)
        if path is not None and not path.is_file():
            raise UserError(f"COCKPIT_{name.upper()}: no such file: {path}")
    if settings.kafka_tls_key and not settings.kafka_tls_certificate:
        raise UserError("COCKPIT_KAFKA_TLS_CERTIFICATE: is empty, but COCKPIT_KAFKA_TLS_KEY is set: set both")
    try:
        context = ssl.create_default_context(cafile=settings.kafka_tls_ca)
        if settings.kafka_tls_certificate:
            # Without a password of ours OpenSSL would ask for one at the terminal.
            context.load_cert_chain(settings.kafka_tls_certificate, settings.kafka_tls_key, password="")
    except (ssl.SSLError, OSError) as error:
        raise UserError(
            f"COCKPIT_KAFKA_TLS_*: cannot load the certificates: {error.strerror or error.__class__.__name__}"
        ) from None
    return context


def client_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments for any aiokafka client (producer, consumer, admin)."""
    options: dict[str, Any] = {
        "bootstrap_servers": [broker.strip() for broker in settings.kafka_bootstrap.split(",")],
        "security_protocol": settings.kafka_security,
        "ssl_context": ssl_context(settings),
    }
    if settings.kafka_security.startswith("SASL"):
        if not settings.kafka_sasl_username:
            raise UserError("COCKPIT_KAFKA_SASL_USERNAME: is empty, but COCKPIT_KAFKA_SECURITY asks for SASL: set both")
        options |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_sasl_username,
            "sasl_plain_password": settings.kafka_sasl_password.get_secret_value(),
        }
    return options


@contextmanager
def client_log_silenced() -> Iterator[None]:
    """Keep the client's own log away from a person at a terminal: what matters is in our one line."""
    log = logging.getLogger("aiokafka")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)
