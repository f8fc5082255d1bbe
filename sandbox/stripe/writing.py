"""What programs may do through the API: create, change, act; each call with the parameters that it knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.stripe.account import Account
from sandbox.stripe.errors import invalid
from sandbox.stripe.forms import integer
from sandbox.stripe.store import Json

Form = dict[str, Any]

_CHANGEABLE: dict[str, tuple[str, ...]] = {
    "customer": ("metadata", "description", "name", "email", "phone"),
    "charge": ("metadata", "description"),
    "invoice": ("metadata", "description"),
    "refund": ("metadata",),
    "dispute": ("metadata",),
    "payout": ("metadata",),
    "credit_note": ("metadata", "memo"),
}


def create(account: Account, kind: str, form: Form) -> Json:
    """A new object. Raises ``StripeError``."""
    makers: dict[str, Callable[[Account, Form], Json]] = {
        "customer": _customer,
        "charge": _charge,
        "refund": _refund,
        "invoice": _invoice,
        "payout": _payout,
        "credit_note": _credit_note,
    }
    if kind not in makers:
        raise invalid(f"Objects of this kind cannot be created: {kind}")
    return makers[kind](account, form)


def change(account: Account, kind: str, key: str, form: Form) -> Json:
    """New values of fields. Raises ``StripeError``."""
    account.get(kind, key)
    _only(form, _CHANGEABLE.get(kind, ()))
    return account.update(kind, key, form)


def act(account: Account, kind: str, key: str, action: str, form: Form) -> Json:
    """One of the calls that have an address of their own. Raises ``StripeError``."""
    actions: dict[tuple[str, str], Callable[[], Json]] = {
        ("charge", "capture"): lambda: account.capture(key, _amount(form, "amount", optional=True)),
        ("invoice", "finalize"): lambda: account.finalize(key),
        ("invoice", "pay"): lambda: account.get("invoice", account.pay(key)["invoice"]),
        ("invoice", "void"): lambda: account.end_invoice(key, "void"),
        ("invoice", "mark_uncollectible"): lambda: account.end_invoice(key, "uncollectible"),
        ("dispute", "close"): lambda: account.close_dispute(key, won=False),
        ("payout", "cancel"): lambda: account.move_payout(key, "canceled"),
    }
    if (kind, action) not in actions:
        raise invalid(f"Unrecognized request URL: {kind} {action}")
    account.get(kind, key)
    return actions[kind, action]()


def delete(account: Account, kind: str, key: str) -> Json:
    """Raises ``StripeError`` for what cannot be deleted."""
    account.get(kind, key)
    if kind == "customer":
        return account.delete_customer(key)
    if kind == "invoice":
        return account.delete_invoice(key)
    raise invalid(f"Objects of this kind cannot be deleted: {kind}")


def _customer(account: Account, form: Form) -> Json:
    _only(form, ("name", "email", "phone", "description", "metadata"))
    return account.customer(**form)


def _charge(account: Account, form: Form) -> Json:
    _only(form, ("amount", "currency", "customer", "source", "description", "metadata", "capture"))
    if "customer" in form:
        account.get("customer", form["customer"], "customer", 400)
    rest = {name: form[name] for name in ("customer", "source", "description", "metadata") if name in form}
    capture = form.get("capture", "true") != "false"
    return account.charge(_amount(form, "amount") or 0, _needed(form, "currency"), capture=capture, **rest)


def _refund(account: Account, form: Form) -> Json:
    _only(form, ("charge", "amount", "reason", "metadata"))
    rest = {name: form[name] for name in ("reason", "metadata") if name in form}
    return account.refund(_needed(form, "charge"), _amount(form, "amount", optional=True), **rest)


def _invoice(account: Account, form: Form) -> Json:
    _only(form, ("customer", "currency", "description", "metadata"))
    rest = {name: form[name] for name in ("description", "metadata") if name in form}
    return account.invoice(_needed(form, "customer"), currency=form.get("currency", "usd"), draft=True, **rest)


def _payout(account: Account, form: Form) -> Json:
    _only(form, ("amount", "currency", "metadata"))
    rest = {"metadata": form["metadata"]} if "metadata" in form else {}
    return account.pay_out_by_hand(_amount(form, "amount") or 0, _needed(form, "currency"), **rest)


def _credit_note(account: Account, form: Form) -> Json:
    _only(form, ("invoice", "amount"))
    return account.credit(_needed(form, "invoice"), _amount(form, "amount") or 0)


def _only(form: Form, known: tuple[str, ...]) -> None:
    unknown = [name for name in form if name not in (*known, "expand")]
    if unknown:
        raise invalid(f"Received unknown parameter: {unknown[0]}", unknown[0], "parameter_unknown")
    form.pop("expand", None)


def _needed(form: Form, name: str) -> str:
    if not form.get(name):
        raise invalid(f"Missing required param: {name}.", name, "parameter_missing")
    return str(form[name])


def _amount(form: Form, name: str, *, optional: bool = False) -> int | None:
    if optional and name not in form:
        return None
    return integer(_needed(form, name), name)
