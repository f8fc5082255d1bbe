"""The Jiandaoyun connector: each configured form is a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from pydantic import BaseModel

from connectors.budget import Allowance
from connectors.contract import (
    Change,
    CheckLine,
    Connector,
    Cursor,
    Deletes,
    Delivery,
    Inbound,
    Page,
    PushResult,
    RawRecord,
    StreamSpec,
    Webhooks,
    WebhookSpec,
    Window,
)
from connectors.errors import ConnectorError, ContractError
from connectors.jiandaoyun.api import PATIENCE, Api, FormId, Widgets, head
from connectors.jiandaoyun.codes import FormAddressError
from connectors.jiandaoyun.config import FormConfig, JiandaoyunConfig
from connectors.jiandaoyun.scan import Scanner
from connectors.jiandaoyun.write import WRITABLE_TYPES, Writer, as_record
from connectors.retry import RetryPolicy

_MOST_IDS = 100
_ALIAS_REMEDY = "Set them as aliases in the form (扩展功能 › 数据推送 › 设置字段别名), or change the mapping."


class Jiandaoyun(Connector[JiandaoyunConfig]):
    """Rows of ordinary forms; those of the preset CRM suite are closed to the API."""

    name: ClassVar[str] = "jiandaoyun"
    Config: ClassVar[type[BaseModel]] = JiandaoyunConfig
    patience: ClassVar[RetryPolicy] = PATIENCE
    permissions: ClassVar[tuple[str, ...]] = (
        "an API key for the app (密钥管理), allowed its form and data interfaces (表单接口, 数据接口)",
        "this machine in the key's IP whitelist, if it has one",
    )
    answer_seconds: ClassVar[float] = 2.0

    def __init__(self, config: JiandaoyunConfig) -> None:
        super().__init__(config)
        self._api = Api(config, self.stats, lambda: self.services)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def allowances(self) -> Sequence[Allowance]:
        """Of the company."""
        return self._api.allowances()

    def streams(self) -> Sequence[StreamSpec]:
        """One stream per configured form."""
        return [
            StreamSpec(
                name,
                form.entity,
                deletes=Deletes.SWEEP,
                writable=form.writable_fields,
                webhooks=Webhooks.HINT if self.config.webhook_secret else Webhooks.NONE,
            )
            for name, form in self.config.forms.items()
        ]

    def check(self) -> Iterable[CheckLine]:
        """Per form: whether it can be read, which fields are missing, whether what we write back is writable."""
        for name, form in self.config.forms.items():
            try:
                yield self._checked(name, form)
            except FormAddressError as error:
                remedy = f"{error.remedy} {self._forms_seen(form)}".strip()
                yield CheckLine(name, False, error.message, remedy, can_read=False, can_write=False)
            except ConnectorError as error:
                yield CheckLine(name, False, error.message, error.remedy, can_read=False, can_write=False)

    def pull(self, stream: str, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        """See ``connectors.jiandaoyun.scan``."""
        scanner = Scanner(
            self._api,
            self._address(stream),
            window,
            page_size=self.config.page_size,
            full_scan_seconds=self.config.full_scan_minutes * 60.0,
        )
        return scanner.pages(cursor)

    def ids(self, stream: str) -> Iterator[Sequence[str]]:
        """Every data id, with one small field of each row."""
        form, size = self._address(stream), self.config.page_size
        # Without `fields` the whole row is sent; which system fields may be named there is not documented.
        fields = [widget.name for widget in self._api.widgets(form).widgets if widget.type != "subform"][:1]
        after: str | None = None
        while True:
            found = [head(row).id for row in self._api.rows(form, after, size, fields or None)]
            if found and after is not None and found[0] <= after:
                raise ContractError("Rows did not come in ascending order of data id.", remedy="Run it again.")
            yield found
            if len(found) < size:
                return
            after = found[-1]

    def webhook(self) -> WebhookSpec:
        """See ``connectors.jiandaoyun.webhook``."""
        from connectors.jiandaoyun.webhook import SIGNATURE

        return WebhookSpec(SIGNATURE)

    def receive(self, request: Inbound) -> Delivery:
        """See ``connectors.jiandaoyun.webhook``."""
        from connectors.jiandaoyun import webhook  # most runs take no webhooks in, and it takes time to import

        streams = {self._address(name): name for name in self.config.forms}
        return webhook.delivery(self.config.webhook_secret, streams, request, datetime.now(UTC))

    def fetch(self, stream: str, ids: Sequence[str]) -> Iterator[Sequence[RawRecord]]:
        """One call for each hundred rows."""
        form = self._address(stream)
        for start in range(0, len(ids), _MOST_IDS):
            part = ids[start : start + _MOST_IDS]
            yield [as_record(row) for row in self._api.rows_of(form, part)]

    def push(self, stream: str, changes: Sequence[Change]) -> Iterator[PushResult]:
        """See ``connectors.jiandaoyun.write``."""
        if not changes:
            return
        form = self._address(stream)
        allowed = self.config.forms[stream].writable_fields
        writer = Writer(self._api, form, self._api.widgets(form).by_name(), allowed)
        yield from writer.apply(changes)

    def _address(self, stream: str) -> FormId:
        form = self.config.forms[stream]
        return FormId(form.app_id or self.config.app_id or "", form.entry_id)

    def _checked(self, name: str, form: FormConfig) -> CheckLine:
        address = self._address(name)
        widgets = self._api.widgets(address)
        self._api.rows(address, None, 1)
        known = widgets.by_name()
        missing = [field for field in form.expected_fields if field not in known]
        unwritable = [
            field for field in form.writable_fields if field not in known or known[field].type not in WRITABLE_TYPES
        ]
        detail = f"readable, {len(known):,} fields"
        remedy = ""
        if missing:
            detail += f"; missing: {', '.join(missing)}"
            remedy = f"{_ALIAS_REMEDY} Fields without an alias: {_nameless(widgets)}."
        if unwritable:
            detail += f"; not writable: {', '.join(unwritable)}"
        # Whether the key may write shows only when something is written.
        return CheckLine(name, True, detail, remedy, can_read=True, can_write=False if unwritable else None)

    def _forms_seen(self, form: FormConfig) -> str:
        """The forms that the key sees in the app, to choose from."""
        try:
            found = self._api.forms(form.app_id or self.config.app_id or "")
        except ConnectorError:
            return ""
        shown = ", ".join(f"{name} = {entry_id}" for entry_id, name in list(found.items())[:10])
        return f"Forms this key sees there: {shown}." if shown else ""


def _nameless(widgets: Widgets) -> str:
    found = [f"{widget.label} ({widget.widgetName})" for widget in widgets.widgets if widget.name == widget.widgetName]
    return ", ".join(found[:20]) or "none"
