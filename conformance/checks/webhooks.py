"""Webhooks: what the source signed is believed, and nothing else."""

from __future__ import annotations

import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from conformance.catalogue import check
from conformance.lab import Lab, Refuted
from conformance.needs import Need
from connectors.contract import Delivery, Inbound
from connectors.errors import WebhookRefused


def _refused(lab: Lab, request: Inbound, what: str) -> None:
    try:
        lab.connect().receive(request)
    except WebhookRefused as error:
        shown = "".join(traceback.format_exception(error))
        lab.expect(
            not any(secret in shown for secret in lab.world.secrets), f"{what} is refused in words with a secret."
        )
        return
    raise Refuted(f"{what} is believed.")


def _told(delivery: Delivery) -> list[tuple[str, str, bool]]:
    notices = [(item.stream, item.source_id, item.deleted) for item in delivery.notices]
    return notices + [(item.stream, item.record.source_id, False) for item in delivery.arrivals]


@check(
    en="A request that the source signed is believed, and says which record it is about.",
    zh="源系统签名的请求被接受，并指明所涉记录。",
)
def signed(lab: Lab) -> None:
    """And nothing is sent to the source for it."""
    (source_id,) = lab.world.insert(lab.stage)
    connector = lab.connect()
    before = len(lab.world.requests())
    told = _told(connector.receive(lab.world.inbound(lab.stage, source_id)))
    lab.expect(told == [(lab.stage.stream, source_id, False)], "It does not name the record that changed.")
    lab.expect(len(lab.world.requests()) == before, "The source is asked before the request is answered.")


@check(
    en="A request that somebody else signed is refused.",
    zh="他人签名的请求被拒绝。",
    grave=True,
)
def forged(lab: Lab) -> None:
    """With another secret, with another system's, with an empty one, and without any signature."""
    (source_id,) = lab.world.insert(lab.stage)
    for secret in ("another-secret-0123456789", "x"):
        _refused(lab, lab.world.inbound(lab.stage, source_id, secret=secret), "A forged request")
    if lab.can(Need.SIGNED):
        bare = replace(lab.world.inbound(lab.stage, source_id), headers={"content-type": "application/json"})
    else:
        bare = lab.world.inbound(lab.stage, source_id, secret="")
    _refused(lab, bare, "A request without a signature")


@check(
    Need.SIGNED,
    en="A body that was altered under a good signature is refused, be it by a single byte.",
    zh="签名有效但正文被改动（哪怕一个字节）的请求被拒绝。",
    grave=True,
)
def altered_body(lab: Lab) -> None:
    """A byte more, a byte less, another record's id."""
    one, other = lab.world.insert(lab.stage, 2)
    good = lab.world.inbound(lab.stage, one)
    for body in (good.body + b" ", good.body[:-1], good.body.replace(one.encode(), other.encode()), b""):
        if body != good.body:
            _refused(lab, replace(good, body=body), "An altered body")


@check(
    Need.WEBHOOK_TIME,
    en="A request that was caught and is sent again days later is refused.",
    zh="被截获后数日重放的请求被拒绝。",
    grave=True,
)
def replayed(lab: Lab) -> None:
    """Signed ten days ago, and ten days ahead."""
    (source_id,) = lab.world.insert(lab.stage)
    for days in (-10, 10):
        at = datetime.now(UTC) + timedelta(days=days)
        _refused(lab, lab.world.inbound(lab.stage, source_id, at=at), f"A request signed {abs(days)} days off")


@check(
    Need.DELIVERY_ID,
    en="The same delivery has the same id each time it is sent, and another one has another.",
    zh="同一投递每次重发标识相同，不同投递标识不同。",
    grave=True,
)
def delivered_twice(lab: Lab) -> None:
    """Signed anew for the second attempt."""
    (source_id,) = lab.world.insert(lab.stage)
    connector, now = lab.connect(), datetime.now(UTC)
    first = connector.receive(lab.world.inbound(lab.stage, source_id, delivery="a-1", at=now))
    again = connector.receive(lab.world.inbound(lab.stage, source_id, delivery="a-1", at=now + timedelta(seconds=2)))
    other = connector.receive(lab.world.inbound(lab.stage, source_id, delivery="a-2", at=now))
    lab.expect(bool(first.id), "A delivery has no id.")
    lab.expect(first.id == again.id, "The same delivery has another id the second time.")
    lab.expect(first.id != other.id, "Two deliveries have one id.")


@check(
    Need.EDIT,
    Need.ORDER,
    en="Requests that arrive in another order bring the record to its newest state all the same.",
    zh="乱序到达的请求仍使记录达到最新状态。",
    grave=True,
)
def reordered(lab: Lab) -> None:
    """What is hinted at is read; what is brought whole has a version that tells."""
    (source_id,) = lab.world.insert(lab.stage)
    connector = lab.connect()
    old = connector.receive(lab.world.inbound(lab.stage, source_id, delivery="old"))
    lab.world.advance(60.0)
    lab.world.edit(lab.stage, source_id, {lab.stage.text: "the newest words"})
    new = connector.receive(lab.world.inbound(lab.stage, source_id, delivery="new"))
    reader = lab.reader()
    for delivery in (new, old):
        for arrival in delivery.arrivals:
            before = reader.held.get(source_id)
            if before is None or (arrival.record.version or 0) >= (before.version or 0):
                reader.held[source_id] = arrival.record
        wanted = [notice.source_id for notice in delivery.notices if not notice.deleted]
        for part in connector.fetch(lab.stage.stream, wanted) if wanted else ():
            reader.held.update({record.source_id: record for record in part})
    held = reader.held.get(source_id)
    shown = held is not None and lab.world.fields(lab.stage, held.body) == lab.shown()[source_id]
    lab.expect(shown, "In the end the record is not as the source shows it.")


@check(
    Need.DELETE,
    Need.DELETION_EVENT,
    en="A request that tells of a deletion says so.",
    zh="告知删除的请求被识别为删除。",
)
def deletion_told(lab: Lab) -> None:
    """The record is gone by then."""
    (source_id,) = lab.world.insert(lab.stage)
    lab.world.delete(lab.stage, source_id)
    told = _told(lab.connect().receive(lab.world.inbound(lab.stage, source_id, event="deleted")))
    lab.expect(
        told in ([(lab.stage.stream, source_id, True)], [(lab.stage.stream, source_id, False)]),
        "It does not name the record that is gone.",
    )


@check(
    Need.EVENTS,
    en="An event that we do not know is taken in and ignored, so that the source does not send it for ever.",
    zh="未知事件被接收并忽略，避免源系统无限重发。",
)
def unknown_event(lab: Lab) -> None:
    """Signed like any other."""
    (source_id,) = lab.world.insert(lab.stage)
    told = _told(lab.connect().receive(lab.world.inbound(lab.stage, source_id, event="unknown")))
    lab.expect(not told, "It is taken for a change of a record.")


@check(
    Need.BRINGS,
    en="The record that a request brings is the one that the source shows, and holds no secret.",
    zh="请求带来的记录与源系统一致，且不含密钥。",
    grave=True,
)
def brought_whole(lab: Lab) -> None:
    """With Chinese, characters beyond the basic plane, and quotes."""
    for text in ("上海仪表有限公司", '𠮷野家 "quoted" \\ 🧾'):
        (source_id,) = lab.world.insert(lab.stage, values={lab.stage.text: text})
        brought = lab.connect().receive(lab.world.inbound(lab.stage, source_id)).arrivals
        lab.expect([item.record.source_id for item in brought] == [source_id], "It does not bring the record.")
        body = brought[0].record.body
        shown = lab.world.fields(lab.stage, body) == lab.shown()[source_id]
        lab.expect(shown, "The record is not as the source shows it.")
        lab.expect(not any(secret.encode() in body for secret in lab.world.secrets), "The record holds a secret.")


@check(
    en="What is no request of the source at all is refused as such, and ends nothing.",
    zh="完全不是源系统请求的内容按拒绝处理，不引发其他错误。",
)
def no_request(lab: Lab) -> None:
    """Nothing, text, JSON of another kind, cut, of another encoding, nested without end."""
    (source_id,) = lab.world.insert(lab.stage)
    good = lab.world.inbound(lab.stage, source_id)
    for body in (
        b"",
        b"hello",
        b"null",
        b"[]",
        b"42",
        b'"x"',
        good.body[:20],
        "公司".encode("gb18030"),
        b"[" * 100_000,
    ):
        _refused(lab, replace(good, body=body), f"{body[:12]!r}")
