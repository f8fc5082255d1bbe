"""The wire: simple-salesforce on a session with time-outs, and every failure as one of our errors.

Imported when the first call is made: the library and what it brings along take a quarter of a second to load.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from requests import exceptions as failures
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError, SalesforceOperationError

from connectors.answers import ENCODINGS, LARGEST_ANSWER, PATIENCE, take_in
from connectors.errors import HANGS, ConnectorError, ContractError, TransientError, Unanswered, Unreachable
from connectors.network import AddressRefused
from connectors.rawjson import decode, readable
from connectors.salesforce.adapter import CheckedAdapter, done
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.errors import from_answer, from_token_answer
from connectors.tokens import Grant

_CONNECT_SECONDS = 10.0
_CHUNK_BYTES = 64 * 1024
_VENDOR = ".salesforce.com"
_LIMIT_HEADER = "Sforce-Limit-Info"


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer: its bytes as received, and when the server sent it (HTTP date, ``""`` if it did not say)."""

    status: int
    body: bytes
    date: str


def _warnings_only(record: logging.LogRecord) -> bool:
    """What urllib3 logs below that are addresses with their queries."""
    return record.levelno >= logging.WARNING


for _name in ("urllib3.connection", "urllib3.connectionpool", "simple_salesforce.api", "simple_salesforce.util"):
    logging.getLogger(_name).addFilter(_warnings_only)


class TimedSession(requests.Session):
    """A session that never waits for ever, follows no redirect, takes in no endless answer and tells of every one.

    The certificate authority is given with each request, because the environment (``REQUESTS_CA_BUNDLE``) would
    override the session's; the empty authentication keeps a ``.netrc`` from replacing the bearer token.
    """

    def __init__(self, config: SalesforceConfig, on_answer: Callable[[requests.Response], None]) -> None:
        super().__init__()
        self._timeout = (min(config.timeout_seconds, _CONNECT_SECONDS), config.timeout_seconds)
        self._ca_bundle = str(config.ca_bundle) if config.ca_bundle else None
        self._on_answer = on_answer
        self.auth = _unchanged
        self.headers["Accept-Encoding"] = ENCODINGS
        self.mount("https://", CheckedAdapter(config.network, PATIENCE * config.timeout_seconds))

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **options: Any) -> requests.Response:
        """As in ``requests``, with our defaults. Raises ``ContractError`` for an answer that is too large."""
        options.setdefault("timeout", self._timeout)
        if self._ca_bundle:
            options.setdefault("verify", self._ca_bundle)
        response = super().request(method, url, *args, **{**options, "allow_redirects": False, "stream": True})
        try:
            chunks, encoding = response.iter_content(_CHUNK_BYTES), response.headers.get("Content-Encoding")
            body = take_in(chunks, encoding, _host(response.url), LARGEST_ANSWER, PATIENCE * self._timeout[1])
        except ValueError as error:  # urllib3 takes a negative length for one
            response.close()
            raise failures.ChunkedEncodingError(error) from error
        except BaseException:
            response.close()
            raise
        finally:
            done(response.raw)
        response._content = body  # where requests keeps what it has read
        self._on_answer(response)
        response.headers.pop(_LIMIT_HEADER, None)  # the library would read it as well, and believe it
        return response

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 - the signature of requests
        """Nowhere: requests would read the address even of a redirect that it does not follow."""
        return


class Transport:
    """One org: tokens and calls, without retries. Raises only ``connectors.errors``."""

    def __init__(
        self, config: SalesforceConfig, *, on_usage: Callable[[str], None], on_bytes: Callable[[int], None]
    ) -> None:
        self._config = config
        self._on_usage = on_usage
        self._on_bytes = on_bytes
        self._session = TimedSession(config, self._seen)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def login(self) -> Grant:
        """A fresh token. Salesforce does not tell when it ends, so it is used until it is refused."""
        config = self._config
        url = f"{config.login_url or config.instance_url}/services/oauth2/token"
        form = {
            "grant_type": "client_credentials",
            "client_id": config.client_id,
            "client_secret": config.client_secret.get_secret_value(),
        }
        host = _host(url)
        try:
            response = self._session.post(url, data=form)
        except failures.RequestException as error:
            found = from_requests(error, host)
            if isinstance(found, TransientError):
                found.sent = False  # the call that needed the token was not
            raise found from error
        content = _parsed(response)
        token = content.get("access_token") if isinstance(content, dict) else None
        if response.status_code != 200 or not isinstance(token, str):
            raise from_token_answer(response.status_code, content, host)
        return Grant(token, detail={"instance": _instance(content.get("instance_url"), config.instance_url)})

    def library(self, grant: Grant) -> Salesforce:
        """The library with a token.

        It is given a token instead of the credentials, so that its own 401 retry, which drops headers, is off.
        """
        library = Salesforce(
            session_id=grant.access_token,
            instance_url=grant.detail["instance"],
            version=self._config.api_version,
            session=self._session,
        )
        library.headers.pop("X-PrettyPrint", None)  # a third of the bytes would be white space
        return library

    def send(
        self,
        library: Salesforce,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One call; ``path`` is relative to the API version, or starts with ``/services``."""
        url = f"https://{library.sf_instance}{path}" if path.startswith("/") else f"{library.base_url}{path}"
        host = library.sf_instance
        try:
            response = library._call_salesforce(
                method, url, params=params, data=body, headers=dict(headers or {}), name=path
            )
        except SalesforceError as error:
            raise from_answer(error.status, error.content, host) from error
        except SalesforceOperationError as error:
            raise ContractError("A bulk operation failed that was never asked for.", remedy="Report it.") from error
        except failures.RequestException as error:
            raise from_requests(error, host) from error
        return Answer(response.status_code, readable(response.content), response.headers.get("Date", ""))

    def _seen(self, response: requests.Response) -> None:
        self._on_bytes(len(response.content))
        usage = response.headers.get(_LIMIT_HEADER)
        if usage:
            self._on_usage(usage)


def from_requests(error: failures.RequestException, host: str) -> ConnectorError:
    """Our error for any error that requests raises; never shows the URL's query or the request's body."""
    if isinstance(error, failures.SSLError):
        return ContractError(
            f"The certificate of {host} is not trusted.",
            remedy="Set ca_bundle to the PEM file of its authority, or check that nothing stands in between.",
        )
    if isinstance(error, failures.ConnectTimeout | failures.ProxyError) or _never_connected(error):
        return Unreachable(f"{host} cannot be reached.", remedy="Check instance_url, the network and the proxy.")
    if isinstance(error, failures.Timeout):
        return Unanswered(f"{host} did not answer in time.", remedy=HANGS)
    broken = (failures.ConnectionError, failures.ChunkedEncodingError, failures.ContentDecodingError)
    if isinstance(error, broken):
        return TransientError(
            f"The connection to {host} broke ({type(error).__name__}).", remedy="It is tried again on the next run."
        )
    return ContractError(
        f"{host} cannot be spoken to ({type(error).__name__}).", remedy="Check instance_url and the proxy settings."
    )


def _never_connected(error: failures.RequestException) -> bool:
    """Whether the request cannot have left us: urllib3 found no address or no listener."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return type(reason).__name__ in ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError")


def _parsed(response: requests.Response) -> Any:
    try:
        return decode(response.content)
    except ContractError:
        return response.text


def _instance(given: Any, configured: str) -> str:
    """Where the token is sent from now on: where ltc.yaml says, or where Salesforce says that the org has moved."""
    ours = urlsplit(configured).hostname or ""
    try:
        named = urlsplit(given) if isinstance(given, str) else urlsplit("")
        host, port = named.hostname, named.port
    except ValueError as error:
        raise ContractError(
            f"{ours} named an address that is none along with the token.", remedy="Report it."
        ) from error
    if not host or named.netloc == urlsplit(configured).netloc:
        return configured
    if named.scheme == "https" and port is None and all(f".{name}".endswith(_VENDOR) for name in (host, ours)):
        return f"https://{host}"
    raise AddressRefused(
        f"{ours} wants the org's token to be sent to another host.",
        remedy="Set instance_url to the org's My Domain address.",
    )


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
