"""TLS towards the database: the server's certificate and host name are verified, and nothing is sent before that."""

import ssl
from typing import Any

from aiomysql import Connection
from pymysql.constants import CLIENT
from pymysql.err import OperationalError

from streams.errors import UserError
from streams.settings import DatabaseAddress


class NotOffered(OperationalError):
    """The server has no TLS, or somebody on the way says so."""


def context(address: DatabaseAddress) -> ssl.SSLContext | None:
    """What a connection to this address is to verify; None for plain text. Raises UserError for a bad `ca=`."""
    if not address.tls:
        return None
    try:
        return ssl.create_default_context(cafile=address.ca)
    except (OSError, ssl.SSLError) as error:
        text = error.strerror or error.__class__.__name__
        raise UserError(f"COCKPIT_DATABASE_URL: ca={address.ca}: cannot be read as a PEM file: {text}") from None


_authenticate = Connection._request_authentication


async def _authenticate_encrypted(connection: Any) -> None:
    # The driver goes on in plain text where a server does not offer TLS, and some of its ways of logging in then send
    # the password as it is: whoever stands in between would only have to take the offer away.
    if connection._ssl_context is not None and not connection.server_capabilities & CLIENT.SSL:
        raise NotOffered(2026, "tls=true, and the server offers no TLS")
    await _authenticate(connection)


Connection._request_authentication = _authenticate_encrypted
