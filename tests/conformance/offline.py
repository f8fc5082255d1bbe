"""Connectors to folders, programs and senders that are wrong in one thing, each with the world that it is tried in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from conformance.world import Wish
from connectors.contract import Connector, Cursor, Delivery, Inbound, Page, RawRecord, Window
from connectors.errors import ConnectorError, ContractError
from connectors.files.connector import Files
from connectors.google_ads_leads.connector import GoogleAdsLeads
from connectors.rawjson import decode
from connectors.singer.connector import Singer
from connectors.singer.running import Run, Taps
from sandbox.files.conformance import FilesWorld
from sandbox.google_ads_leads.conformance import GoogleAdsLeadsWorld
from sandbox.singer.conformance import SingerWorld


class WrongFiles(Files):
    """``wrong`` is the one thing that a subclass does wrong."""

    wrong: ClassVar[str] = ""

    def pull(self, stream: str, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        folder = Path(str(self.config.folder))
        if self.wrong == "follows links":
            for path in folder.iterdir():
                if path.is_symlink():
                    content = path.read_bytes()
                    path.unlink()
                    path.write_bytes(content)
                    os.utime(path, (0, 0))
        known = set((cursor or {}).get("files", {}))
        gone = known - {path.name for path in folder.iterdir()}
        for page in super().pull(stream, cursor, window):
            if page.rejected and self.wrong == "stops at what it cannot use":
                raise ContractError("There is something in it that cannot be used.")
            if gone and self.wrong == "takes what is gone for deleted":
                page = replace(page, deleted_ids=[record.source_id for record in page.records])
            if self.wrong == "tells when it read":
                page = replace(page, records=[_with(record, window) for record in page.records])
            yield page


def _with(record: RawRecord, window: Window) -> RawRecord:
    return replace(record, body=record.body[:-1] + f',"read":"{window.until}"}}'.encode())


class WrongFilesWorld(FilesWorld):
    """The folder, before a connector that is wrong."""

    wrong: ClassVar[str] = ""

    def kind(self) -> type[Connector[Any]]:
        return type("Wrong", (WrongFiles,), {"wrong": self.wrong})

    def config(self, wish: Wish) -> dict[str, Any]:
        hasty = {"settle_seconds": 0} if self.wrong == "does not wait until a file has settled" else {}
        return super().config(wish) | hasty


class WrongSinger(Singer):
    """``wrong`` is the one thing that a subclass does wrong."""

    wrong: ClassVar[str] = ""

    def pull(self, stream: str, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        if self.wrong == "leaves the program behind":
            self.behind = self._taps.start(self.config.streams[stream])
            next(self.behind.tap.lines(), None)  # it is at work, however slow the machine
        if self.wrong == "does not end what hangs":
            self._taps.start = self._endless  # type: ignore[method-assign]
        last = cursor or {}
        try:
            for page in super().pull(stream, cursor, window):
                last = page.cursor
                yield page
        except ConnectorError as error:
            if self.wrong == "takes any end for the end":
                yield Page([], last, complete=True)
            elif self.wrong == "tells what it knows":
                raise ContractError(f"It failed with {self.config.config}.") from None
            elif self.wrong == "takes every failure for a lasting one":
                raise ContractError(error.message) from None
            else:
                raise

    def _endless(self, *given: Any, **more: Any) -> Run:
        """A run that is left alone where it should be ended."""
        self.behind = Taps.start(self._taps, *given, **more)
        self._end, self.behind.tap.close = self.behind.tap.close, lambda: None  # type: ignore[method-assign]
        return self.behind

    def close(self) -> None:
        if hasattr(self, "_end"):
            self._end()
        elif hasattr(self, "behind"):
            self.behind.close()


class WrongSingerWorld(SingerWorld):
    """The source and its tap, before a connector that is wrong."""

    wrong: ClassVar[str] = ""

    def kind(self) -> type[Connector[Any]]:
        return type("Wrong", (WrongSinger,), {"wrong": self.wrong})


class WrongLeads(GoogleAdsLeads):
    """``wrong`` is the one thing that a subclass does wrong."""

    wrong: ClassVar[str] = ""

    def receive(self, request: Inbound) -> Delivery:
        if self.wrong == "looks into a request before it believes it":
            decode(request.body)
        if self.wrong == "believes everybody":
            key = self.config.webhook_secret
            assert not isinstance(key, list)
            told = decode(request.body) | {"google_key": key.get_secret_value()}
            request = replace(request, body=_encode(told))
        delivery = super().receive(request)
        if self.wrong == "keeps the key":
            arrivals = [replace(item, record=replace(item.record, body=request.body)) for item in delivery.arrivals]
            return replace(delivery, arrivals=arrivals)
        return delivery


def _encode(told: Any) -> bytes:
    import json

    return json.dumps(told).encode()


class WrongLeadsWorld(GoogleAdsLeadsWorld):
    """The form, before a connector that is wrong."""

    wrong: ClassVar[str] = ""

    def kind(self) -> type[Connector[Any]]:
        return type("Wrong", (WrongLeads,), {"wrong": self.wrong})

    def fields(self, stage: Any, body: bytes) -> dict[str, Any]:
        if self.wrong == "keeps the key":
            return {stage.text: decode(body)["user_column_data"][0]["string_value"]}
        return super().fields(stage, body)
