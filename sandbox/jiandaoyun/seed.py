"""The demo company's lead form 线索登记, filled from the generated world."""

from __future__ import annotations

from sandbox.jiandaoyun import values
from sandbox.jiandaoyun.forms import Form, Row, Widget
from sandbox.world.records import FormLead, World, native_id

APP_ID = "6530a1f2c4d5e6f708192a3b"
LEAD_ENTRY_ID = "6530a2b3c4d5e6f708192a3c"
_SUBMITTED_BY = "guest"

_FIELDS = (
    ("lead_no", "sn", "线索编号"),
    ("contact_name", "text", "联系人"),
    ("company_name", "text", "公司名称"),
    ("email", "text", "邮箱"),
    ("phone", "phone", "手机"),
    ("country", "text", "国家/地区"),
    ("source", "combo", "线索来源"),
    ("campaign", "text", "市场活动"),
    ("submitted_at", "datetime", "提交时间"),
    ("status", "combo", "线索状态"),
    ("conversion_note", "text", "转化结果"),
)
LEAD_ALIASES = tuple(alias for alias, _, _ in _FIELDS)
"""Field names of the lead form."""


def lead_form() -> Form:
    """The empty form."""
    widgets = [
        Widget(f"_widget_17000000000{number:02d}", kind, label, alias)
        for number, (alias, kind, label) in enumerate(_FIELDS, 1)
    ]
    return Form(APP_ID, LEAD_ENTRY_ID, "线索登记", widgets)


def native_data_id(lead: FormLead) -> str:
    """The data id of a lead of the world: 8 hex digits of its second, 16 of its key; ascends with the second."""
    return f"{int(lead.submitted_at.timestamp()):08x}{native_id('jiandaoyun lead', lead.key, 16)}"


def seed(form: Form, world: World) -> None:
    """Fill the form with every lead of the world; serial numbers are the world's keys."""
    ids = {widget.alias: widget.id for widget in form.widgets}
    for lead in world.form_leads:
        data_id = native_data_id(lead)
        form.rows[data_id] = _row(lead, data_id, ids)
        form.touch(values.iso(lead.updated_at))
    form.order = sorted(form.rows)
    form.serial = len(form.rows)


def _row(lead: FormLead, data_id: str, ids: dict[str, str]) -> Row:
    row: Row = {
        "_id": data_id,
        "creator": values.user(_SUBMITTED_BY),
        "updater": values.user(_SUBMITTED_BY),
        "deleter": None,
        "createTime": values.iso(lead.submitted_at),
        "updateTime": values.iso(lead.updated_at),
        "deleteTime": None,
        ids["lead_no"]: lead.key,
        ids["submitted_at"]: values.iso(lead.submitted_at),
        ids["phone"]: {"phone": lead.phone, "verified": False} if lead.phone else None,
    }
    for name in ("contact_name", "company_name", "email", "country", "source", "campaign", "status", "conversion_note"):
        row[ids[name]] = getattr(lead, name)
    return row
