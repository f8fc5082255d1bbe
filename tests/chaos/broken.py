"""Take one protection away at a time: the simulator must see the difference.

Each switch names what it breaks, a profile in which that shows, and the kind of fault that must be reported. The table
in ``docs/reliability.md`` is written from here: ``python -m tests.chaos --table``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b as _blake2b
from typing import Any, NamedTuple
from unittest.mock import patch

from connectors.contract import Outcome, PushResult
from connectors.errors import ConnectorError
from state import cursors, landing, outbox, runs, sweep
from state.clock import to_us
from sync import create, fetch, making, pull, push
from sync import judge as judging
from tests.chaos import connector, source
from tests.chaos.connector import Sim


class Switch(NamedTuple):
    """One protection that can be taken away."""

    breaks: str
    profile: str
    shows: str
    """The kind of fault that it leads to."""
    broken: Callable[[], Any]
    """A context in which it is."""


def _no_overlap() -> Any:
    return patch.object(connector, "OVERLAP", 0)


def _greater_than() -> Any:
    return patch.object(connector, "behind", lambda item: [item["stamp"], "~"])


def _no_tombstones() -> Any:
    whole = connector.Sim._span

    def deaf(self: Sim, *args: Any, **named: Any) -> Iterator[Any]:
        for page in whole(self, *args, **named):
            yield type(page)(page.records, page.cursor, page.complete)

    return patch.object(Sim, "_span", deaf)


def _cursor_first() -> Any:
    """The order of many home-made syncs: remember how far we got, then store what we got."""

    def pages(work: Any, client: Any, mapper: Any, stream: Any, cursor: Any, _stored: Any, window: Any) -> None:
        for page in client.pull(stream.name, cursor, window):
            covered = to_us(window.until) if page.complete else None
            named: Any = {"complete": page.complete, "covered_until": covered, "run_id": work.run_id}
            with work.transaction() as connection:
                cursors.write(connection, stream.id, page.cursor, fence=work.fence, **named)
            with work.transaction() as connection:
                ids: Any = {"run_id": work.run_id, "deleted_ids": page.deleted_ids}
                landing.apply(connection, stream, mapper, page.records, **ids)
            work.page({})

    return patch.object(pull, "_pull", pages)


def _no_intent() -> Any:
    """What is sent is not written down before."""

    def note(self: Any, items: Any) -> Any:
        with self.work.transaction() as connection:
            found = dict(outbox.bases(connection, [item.record_id for item in items]))
        return {item.source_id: (item, found[item.record_id]) for item in items if item.record_id in found}

    return patch.object(push._Pusher, "_note", note)


def _resend() -> Any:
    """A write that timed out is simply sent again."""
    return patch.object(connector, "RESEND_UNSAFE", True)


def _whole_batch() -> Any:
    """A batch that was answered is taken for carried out, whatever the answer says of its parts."""
    return patch.object(Sim, "_part", lambda _self, change, _told: PushResult(change.source_id, Outcome.APPLIED))


def _no_echo_log() -> Any:
    return patch.object(judging.Judge, "is_echo", lambda *_: False)


def _no_brake() -> Any:
    return patch.object(judging.Judge, "quarrel", lambda *_: "")


def _no_base() -> Any:
    """Two-way instead of three-way: whatever the target shows is taken for ours."""
    return patch.object(judging.Judge, "_contested", lambda *_: False)


@contextmanager
def _last_writer_wins() -> Iterator[None]:
    """Write whatever was planned over whatever is there."""

    def write(self: Sim, stream: str, change: Any) -> Any:
        headers = {"idempotency-key": change.idempotency_key}
        answer = self._http.request("PATCH", f"/{stream}/{change.source_id}", json=change.values, headers=headers)
        return self.applied(change, answer)

    traits = source.Traits.__init__

    def unconditional(self: Any, **given: Any) -> None:
        traits(self, **{**given, "conditional": False})

    with patch.object(Sim, "_write", write), patch.object(source.Traits, "__init__", unconditional):
        yield


def _no_hash() -> Any:
    """Every record received is taken for a new version."""

    def digest(body: bytes, digest_size: int) -> Any:
        count[0] += 1
        return _blake2b(body + str(count[0]).encode(), digest_size=digest_size)

    count = [0]
    return patch.object(landing, "blake2b", digest)


def _half_a_list() -> Any:
    """A sweep believes a list of ids that broke off."""
    whole = Sim.ids

    def half(self: Sim, stream: str) -> Iterator[Any]:
        try:
            yield from whole(self, stream)
        except ConnectorError:
            return

    return patch.object(Sim, "ids", half)


@contextmanager
def _no_fence() -> Iterator[None]:
    """A worker that hung and was taken over goes on as if nothing had happened."""
    with (
        patch.object(runs.Lease, "renew", lambda *_: None),
        patch.object(cursors, "_WRITE", cursors._WRITE.partition(" WHERE ")[0]),
    ):
        yield


def _no_note() -> Any:
    """A new record is sent without having been noted."""

    def note(self: Any, items: Any) -> Any:
        return {item.key: item for item in items}

    return patch.object(making._Maker, "_note", note)


def _no_patience() -> Any:
    """A new record that was not answered and is not there yet is sent again at once."""
    return patch.object(making, "LATEST_US", 0)


@contextmanager
def _no_look() -> Iterator[None]:
    """Nobody looks whether a record is there before it is created, be it in the source or among what was pulled."""
    with (
        patch.object(Sim, "find", lambda *_: {}),
        patch.object(Sim, "_known", lambda *_: None),
        patch.object(create, "recognise", lambda *_: None),
    ):
        yield


def _no_version_guard() -> Any:
    """What is received last is taken for the newest."""
    whole = landing._is_news

    def news(head: Any, digest: bytes, version: Any, writes: Any, counts: Any) -> bool:
        return whole(head._replace(version=None), digest, version, writes, counts)

    return patch.object(landing, "_is_news", news)


def _late_deletion() -> Any:
    """A deletion that a webhook tells of is believed, though the record has come back since."""
    return patch.object(fetch, "_came_back", lambda *_: False)


def _lagging_return() -> Any:
    """A record that a read by id still shows is taken for one that has come back."""
    return patch.object(fetch, "_is_alive", lambda *_: True)


def _lagging_list() -> Any:
    """A record that a list does not show yet is taken for deleted."""
    return patch.object(sweep, "_FRESH_US", 0)


SWITCHES: dict[str, Switch] = {
    "no-overlap": Switch("no overlap: a pull begins where the last one ended", "pull", "lost", _no_overlap),
    "greater-than": Switch("`>` instead of `>=` for equal time stamps", "pull", "lost", _greater_than),
    "no-tombstones": Switch("reported deletions are passed over", "pull", "lost", _no_tombstones),
    "half-a-list": Switch("a sweep believes a list that broke off", "pull", "lost", _half_a_list),
    "cursor-first": Switch("the cursor is committed before the page", "pull", "lost", _cursor_first),
    "no-hash": Switch("no recognition by content", "pull", "doubled", _no_hash),
    "no-intent": Switch("nothing is noted before a send", "push", "overwritten", _no_intent),
    "resend": Switch("a timed-out change is sent again at once", "push", "doubled", _resend),
    "whole-batch": Switch("a batch carried out in part is taken for done", "push", "stuck", _whole_batch),
    "post-again": Switch("a timed-out POST is sent again at once", "create", "doubled", _resend),
    "no-note": Switch("nothing is noted before a POST", "create", "doubled", _no_note),
    "no-look": Switch("nobody looks for a record before it is created", "create", "doubled", _no_look),
    "no-patience": Switch("a lost POST is given up while it may still arrive", "create", "doubled", _no_patience),
    "last-writer-wins": Switch("unconditional writes", "push", "overwritten", _last_writer_wins),
    "no-base": Switch("two-way instead of three-way comparison", "push", "overwritten", _no_base),
    "no-echo-log": Switch("no log of our own writes", "loop", "stuck", _no_echo_log),
    "no-brake": Switch("no brake for loops in which every cycle succeeds", "loop", "stuck", _no_brake),
    "no-guard": Switch("what comes last is taken for the newest version", "hooks", "overwritten", _no_version_guard),
    "late-deletion": Switch("a deletion told late is believed of what has come back", "hooks", "lost", _late_deletion),
    "lagging-read": Switch("a lagging read brings back what is deleted", "hooks", "lost", _lagging_return),
    "lagging-list": Switch("a lagging list deletes what was read by its id", "hooks", "lost", _lagging_list),
    "no-fence": Switch("no fencing of a worker that was taken over", "crowd", "overwritten", _no_fence),
}
