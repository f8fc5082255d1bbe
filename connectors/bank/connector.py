"""The connector ``bank``: the transactions of all bank statements in a folder, to be read only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import ClassVar

from pydantic import BaseModel

from connectors.bank.config import BankConfig
from connectors.contract import CheckLine, Connector, Cursor, Page, StreamSpec, Window
from connectors.errors import ConnectorError
from connectors.files.connector import folder_of, puller_of
from connectors.files.folder import Folder
from connectors.files.pulling import Puller

STREAM = "transaction"


class Bank(Connector[BankConfig]):
    """CAMT.053, MT940 and OFX files."""

    name: ClassVar[str] = "bank"
    Config: ClassVar[type[BaseModel]] = BankConfig
    permissions: ClassVar[tuple[str, ...]] = ("to list the folder and to read the files in it",)

    def close(self) -> None:
        """Hang up."""
        if "_folder" in self.__dict__:
            self._folder.close()

    def streams(self) -> Sequence[StreamSpec]:
        """Transactions; a bank takes none back without another one."""
        return [StreamSpec(STREAM, "payment")]

    def check(self) -> Iterable[CheckLine]:
        """What the files hold by account, which statements do not foot, and where some are missing or overlap."""
        from connectors.bank.checking import checked
        from connectors.bank.reading import BankReader

        try:
            yield checked(
                STREAM, self.config, self._folder, self._puller().listed(), BankReader(self.config), self.stats
            )
        except ConnectorError as error:
            yield CheckLine(STREAM, False, error.message, error.remedy, can_read=False, can_write=False)

    def pull(self, stream: str, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        """See ``connectors.files.pulling`` and ``connectors.bank.reading``."""
        if stream != STREAM:
            raise KeyError(stream)
        return self._puller().pages(cursor, window)

    @cached_property
    def _folder(self) -> Folder:
        return folder_of(self.config, self.stats)

    def _puller(self) -> Puller:
        from connectors.bank.reading import BankReader  # the parsers take time to import

        return puller_of(self.config, self._folder, self.config.patterns, BankReader(self.config), self.stats)
