"""What failures of HTTP mean: errors of the client library and answers by their status, as our errors."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from connectors.errors import (
    HANGS,
    AuthError,
    ConnectorError,
    ContractError,
    Throttled,
    TransientError,
    Unanswered,
    Unreachable,
)
from connectors.rawjson import shape


def from_httpx(error: Exception, host: str) -> ConnectorError:
    """Our error for any error httpx raises; never shows the URL's query, the headers or the request's body."""
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError | httpx.InvalidURL | UnicodeError):
        return ContractError(
            f"The request to {host} cannot be sent ({type(error).__name__}).",
            remedy="Check the address and the credentials for characters that do not belong there.",
        )
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return ContractError(
            f"The certificate of {host} is not trusted.",
            remedy="Set SSL_CERT_FILE to the PEM file of its authority, or check that nothing stands in between.",
        )
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError):
        return Unreachable(
            f"{host} cannot be reached.", remedy="Check the address, the network and whether the system is up."
        )
    if isinstance(error, httpx.TimeoutException):
        return Unanswered(f"{host} did not answer in time.", remedy=HANGS)
    if isinstance(error, httpx.TransportError):
        return TransientError(
            f"The connection to {host} broke ({type(error).__name__}).", remedy="It is tried again on the next run."
        )
    return ContractError(
        f"{host} answered in a way HTTP does not allow ({type(error).__name__}).",
        remedy="Check the base URL; a proxy may have answered.",
    )


def retry_after(response: httpx.Response) -> float | None:
    """Seconds that ``Retry-After`` asks for, as a number or until an HTTP date; ``None`` without a readable one."""
    value = response.headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (moment - datetime.now(UTC)).total_seconds() if moment.tzinfo else math.nan
    return max(0.0, seconds) if math.isfinite(seconds) else None


def by_status(response: httpx.Response) -> ConnectorError | None:
    """The error an HTTP status means where the vendor's own format says nothing; ``None`` for 2xx."""
    status = response.status_code
    if 200 <= status < 300:
        return None
    host = response.request.url.netloc.decode()
    if status in (401, 403):
        return AuthError(
            f"{host} refused our credentials (HTTP {status}).",
            remedy="Check the credentials and their permissions.",
        )
    wait = retry_after(response) if status == 429 or status >= 500 else None
    if status == 429:
        return Throttled(
            f"{host} answered HTTP {status}.", remedy="It is tried again on the next run.", retry_after=wait
        )
    if status >= 500:
        return TransientError(
            f"{host} answered HTTP {status}.", remedy="It is tried again on the next run.", retry_after=wait
        )
    return ContractError(
        f"{host} answered HTTP {status}, which is not documented for this call.",
        remedy="Report it with the sample.",
        sample=shape(response.content),
    )
