"""What ``ltc check`` says of a Stripe account: which streams the key can read and write, and what it lacks."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.contract import CheckLine, StreamSpec
from connectors.errors import ConnectorError
from connectors.stripe.config import StripeConfig
from connectors.stripe.session import Missing, PermissionMissing, Refused, Session
from connectors.stripe.streams import SOURCES, Source

_NOBODY = "ltc_check"
"""The id of no object: a write to it changes nothing, and is refused for the permission or for the id."""


def lines(session: Session, config: StripeConfig, specs: tuple[StreamSpec, ...]) -> Iterator[CheckLine]:
    """One line for the events, which every stream needs, then one per stream."""
    mode = {True: "live mode", False: "test mode", None: "unknown mode"}[config.live]
    try:
        session.get("/v1/events", {"limit": "1"})
    except PermissionMissing as error:
        rights = ", ".join(error.rights) or "rak_event_read"
        yield CheckLine(
            "events", False, error.message, f"{error.remedy} Changes are read from events: {rights}.", False
        )
    except ConnectorError as error:
        yield CheckLine("events", False, error.message, error.remedy, can_read=False)
        for spec in specs:
            yield CheckLine(spec.name, False, "Not tried: Stripe cannot be read.", error.remedy, False)
        return
    else:
        yield CheckLine("events", True, f"Can be read ({mode}).", can_read=True)
    for spec in specs:
        yield _stream(session, spec, SOURCES[spec.name])


def _stream(session: Session, spec: StreamSpec, source: Source) -> CheckLine:
    try:
        session.get(source.path, {"limit": "1"})
        if source.object == "payout":
            session.get("/v1/balance_transactions", {"limit": "1"})
    except PermissionMissing as error:
        rights = ", ".join(error.rights) or f"rak_{source.permission}_read"
        return CheckLine(spec.name, False, error.message, f"{error.remedy} Permission: {rights}.", False)
    except ConnectorError as error:
        return CheckLine(spec.name, False, error.message, error.remedy, False)
    if not spec.writable:
        return CheckLine(spec.name, True, "Can be read.", can_read=True)
    lacking = _lacks_write(session, source)
    if lacking is None:
        return CheckLine(spec.name, True, "Can be read; its metadata can be written.", "", True, True)
    remedy = f"To write back, give the restricted key {lacking or f'rak_{source.permission}_write'} in Stripe."
    return CheckLine(spec.name, True, "Can be read, not written.", remedy, True, False)


def _lacks_write(session: Session, source: Source) -> str | None:
    """The permission that a write would need, ``""`` if Stripe does not name it; ``None``: none is lacking."""
    try:
        session.post(
            f"{source.path}/{_NOBODY}", [("metadata[ltc]", "")], f"ltc-check-{source.object.replace('_', '-')}"
        )
    except PermissionMissing as error:
        return ", ".join(error.rights)
    except (Missing, Refused):
        return None
    except ConnectorError:
        return ""
    return None
