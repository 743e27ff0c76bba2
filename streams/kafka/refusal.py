"""Why the brokers refuse us, told apart from brokers that are away: waiting mends only the latter.

The client's own error says no more than that it could not bootstrap, so each broker is called once more.
"""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import suppress

from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from streams.errors import CockpitError, RetriableError, UserError
from streams.kafka.security import client_options
from streams.settings import Settings

_ANSWER_MS = 10_000
_ALERT_SECONDS = 2.0
_ABOUT_US = ("certificate", "unknown ca")
"""What stands in the TLS alert of a broker that does not take our certificate, or has got none."""


async def why_unreachable(settings: Settings, error: KafkaError) -> CockpitError:
    """What to raise when a client could not connect: UserError where a broker refuses us, RetriableError where not."""
    if reason := await _refusal(settings):
        return UserError(reason)
    text = " ".join(str(error).split())
    return RetriableError(f"COCKPIT_KAFKA_BOOTSTRAP: no broker answers at {settings.kafka_bootstrap}: {text}")


async def _refusal(settings: Settings) -> str | None:
    """One line that names the setting to mend, from the first broker that refuses us; None where none does."""
    options = client_options(settings)
    for broker in options.pop("bootstrap_servers"):
        host, _, port = broker.rpartition(":")
        try:
            connection = await create_conn(host, int(port), request_timeout_ms=_ANSWER_MS, **options)
        except (OSError, KafkaError, TimeoutError) as error:
            reason = _reason(error, settings)
            if reason is None and options["ssl_context"] is not None:
                reason = _reason(await _alert(host, int(port), options["ssl_context"]), settings)
            if reason:
                return f"{reason} (broker {broker})"
        else:
            connection.close()
    return None


async def _alert(host: str, port: int, context: ssl.SSLContext) -> BaseException | None:
    """What the broker says after the handshake to one who says nothing: an answer to a request may overtake it."""
    try:
        async with asyncio.timeout(_ALERT_SECONDS):
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
            try:
                await reader.read(1)
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError) as error:
        return error
    return None


def _reason(error: BaseException | None, settings: Settings) -> str | None:
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            what = cause.verify_message or cause.reason
            return f"COCKPIT_KAFKA_TLS_CA: TLS: {what}: check the CA, the broker's certificate and its host name"
        if isinstance(cause, ssl.SSLError):
            alert = (cause.reason or "").lower().replace("_", " ")
            if any(words in alert for words in _ABOUT_US):
                return (
                    f"COCKPIT_KAFKA_TLS_CERTIFICATE: the broker does not take our certificate: {alert}:"
                    " give one that its CA has signed and that has not expired"
                )
        if isinstance(cause, SaslAuthenticationFailed | AuthenticationFailedError):
            return (
                f"COCKPIT_KAFKA_SASL_PASSWORD: the broker refuses the user {settings.kafka_sasl_username!a}:"
                " wrong user, password or mechanism"
            )
        if isinstance(cause, UnsupportedSaslMechanismError | IllegalSaslStateError):
            return (
                f"COCKPIT_KAFKA_SASL_MECHANISM: the broker does not take {settings.kafka_sasl_mechanism} here:"
                " check the mechanism and the port"
            )
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
