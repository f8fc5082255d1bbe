"""Tax ids and telephone numbers in one form, with what their check digits and numbering plans say.

Numbers of tax and their check digits are those of the package python-stdnum, numbering plans those of phonenumbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import NamedTuple

from reconciliation.linking.spelling import folded

_OTHER_SCHEMES = {
    "AU": "abn",
    "BR": "cnpj",
    "CH": "uid",
    "GB": "vat",
    "JP": "cn",
    "KR": "brn",
    "MX": "rfc",
    "NO": "orgnr",
    "RU": "inn",
    "SG": "uen",
    "TR": "vkn",
    "TW": "ubn",
    "US": "ein",
}
"""Country → the module of python-stdnum for its companies' number, where one company has one number.

Not India: its GST number is one for each state.
"""
_EU = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "EL",
        "ES",
        "FI",
        "FR",
        "HR",
        "HU",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
        "XI",
    ]
)
_NOT_ALNUM = re.compile(r"[^\w]|_")
_NOT_DIGIT = re.compile(r"[^0-9]")
_EXTENSION = re.compile(r"(?:转|分机|ext\.?|x|#|durchwahl).*$")
_ADDED = {"CH": re.compile("(?:MWST|TVA|IVA|TPV)$"), "JP": re.compile("^T(?=[0-9]{13}$)"), "NO": re.compile("MVA$")}
"""What is written around a number to say that it is for value-added tax."""
_SHORTEST_TAX_ID = 6
_SHORTEST_PHONE = 7
_USCC_LENGTH = 18
_CHINA = "86"
_LONGEST_IN_CHINA = 11


class TaxId(NamedTuple):
    """A tax id; ``scheme`` says whose check digits it passes (CN, DE, EL …; ``key`` is without them), empty if none."""

    key: str
    scheme: str


class Phone(NamedTuple):
    """A number: its national part without leading zeros, and the calling code of its country, empty if unknown."""

    national: str
    country: str


def tax_id(text: str, country: str | None) -> TaxId | None:
    """A tax id as one would write it with nothing between its signs; ``country`` (ISO 3166-1 alpha-2) helps to read it.

    ``None`` for what is too short or one sign repeated, as placeholders are.
    """
    compact = _NOT_ALNUM.sub("", folded(text)).upper()
    if len(compact) < _SHORTEST_TAX_ID or len(set(compact)) == 1:
        return None
    if len(compact) == _USCC_LENGTH and _passes(_module("cn.uscc"), compact):
        return TaxId(compact, "CN")
    for prefix in (compact[:2].replace("GR", "EL"), _eu_code(country)):
        if prefix in _EU:
            bare = compact[2:] if compact[:2] in (prefix, "GR") else compact
            if _passes(_module("eu.vat"), prefix + bare):
                return TaxId(bare, prefix)
    other = (country or "").upper()
    if other in _OTHER_SCHEMES:
        module = _module(f"{other.lower()}.{_OTHER_SCHEMES[other]}")
        bare = _ADDED[other].sub("", compact) if other in _ADDED else compact
        if _passes(module, bare):
            number = _NOT_ALNUM.sub("", str(module.compact(bare))).upper()
            return TaxId(re.sub(rf"^{other}(?=[0-9])", "", number), other)
    return TaxId(compact, "")


def has_wrong_check_digits(text: str, country: str | None) -> bool:
    """Whether a tax id has the form of its country's numbers, and not their check digits.

    False for one that has another form, or is of a country whose numbers are not known.
    """
    from stdnum.exceptions import InvalidChecksum

    found = tax_id(text, country)
    if found is None or found.scheme:
        return False
    code, wrong = (country or "").upper(), []
    if len(found.key) == _USCC_LENGTH and code in ("", "CN"):
        wrong.append((_module("cn.uscc"), found.key))
    for prefix in {found.key[:2].replace("GR", "EL"), _eu_code(country)} & _EU:
        bare = found.key[2:] if found.key[:2] in (prefix, "GR") else found.key
        wrong.append((_module("eu.vat"), prefix + bare))
    if code in _OTHER_SCHEMES:
        bare = _ADDED[code].sub("", found.key) if code in _ADDED else found.key
        wrong.append((_module(f"{code.lower()}.{_OTHER_SCHEMES[code]}"), bare))
    return any(_why_not(module, number) is InvalidChecksum for module, number in wrong)


def _why_not(module: ModuleType, number: str) -> type[Exception] | None:
    """Which fault the package finds in a number."""
    from stdnum.exceptions import ValidationError

    try:
        module.validate(number)
    except ValidationError as error:
        return type(error)
    return None


def _eu_code(country: str | None) -> str:
    code = (country or "").upper()
    return "EL" if code == "GR" else code


def _passes(module: ModuleType, number: str) -> bool:
    valid: Callable[[str], bool] = module.is_valid
    return valid(number)


@cache
def _module(name: str) -> ModuleType:
    from importlib import import_module  # each country is a module, and most are never needed

    return import_module(f"stdnum.{name}")


def phone(text: str, country: str | None) -> Phone | None:
    """A telephone number by the numbering plan of its country; ``country`` counts where the number names none."""
    from phonenumbers import NumberParseException, national_significant_number, parse

    written = _EXTENSION.sub("", folded(text)).strip()
    digits = _NOT_DIGIT.sub("", written)
    if len(digits) < _SHORTEST_PHONE:
        return None
    if written.startswith("00"):
        written = f"+{digits.lstrip('0')}"
    elif digits.startswith(_CHINA) and len(digits) > _LONGEST_IN_CHINA and not written.startswith("+"):
        written = f"+{digits}"
    try:
        found = parse(written, (country or "").upper() or None)
    except NumberParseException:
        return Phone(digits.lstrip("0"), "") if digits.strip("0") else None
    return Phone(national_significant_number(found).lstrip("0"), str(found.country_code))
