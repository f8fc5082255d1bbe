"""All that an admin could come to see of a failure: errors with their causes, what a check says, and logs."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from conformance.lab import Lab
from connectors.contract import Connector
from connectors.errors import ConnectorError


def told(lab: Lab, connector: Connector[Any]) -> Iterator[str]:
    """What a pull says if it fails, and what `ltc check` says."""
    try:
        lab.pull(lab.reader(), connector)
    except ConnectorError as error:
        yield from ("".join(traceback.format_exception(error)), str(error), repr(error), repr(vars(error)))
    with suppress(ConnectorError):
        for line in connector.check():
            yield repr(line)
    yield from (repr(connector), repr(connector.config), str(connector.config))


@contextmanager
def logged(texts: list[str]) -> Iterator[None]:
    """Puts what all loggers write, at their lowest level, into ``texts``."""

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            texts.append(self.format(record))

    keeper, root = Keeper(), logging.getLogger()
    before = root.level
    root.addHandler(keeper)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(keeper)
        root.setLevel(before)


def expect_no_secret(lab: Lab, texts: list[str]) -> None:
    """Raise ``Refuted`` if one shows."""
    shown = [secret for secret in lab.world.secrets if any(secret in text for text in texts)]
    lab.expect(not shown, "A secret shows in an error or a log.")
