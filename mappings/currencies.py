"""ISO 4217: how many decimals each currency has."""

from __future__ import annotations

from mappings.errors import Unusable

_BY_EXPONENT = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD "
        "CDF CHE CHF CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP "
        "GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD "
        "MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR "
        "PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP "
        "TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG ZWL"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

EXPONENTS: dict[str, int] = {code: exponent for exponent, codes in _BY_EXPONENT.items() for code in codes.split()}
"""Currency code → number of decimals of its minor unit."""


def exponent(currency: str | None) -> int | None:
    """Decimals of a currency, ``None`` for none; raises ``Unusable`` for a code that is not ISO 4217."""
    if currency is None:
        return None
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise Unusable(_instead(currency)) from None


def _instead(written: str) -> str:
    """What is wrong with a text that is no code, and what to do if it is a currency's name."""
    from mappings.currency_names import code_of  # only for a record that is refused

    try:
        return f"means {code_of(written)}, but is not its code of ISO 4217; use the transform `currency_name`"
    except Unusable:
        return "is not a currency code of ISO 4217"
