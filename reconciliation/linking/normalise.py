"""How names, numbers, phones and domains are written the same way, as DuckDB macros."""

from __future__ import annotations

from reconciliation import widths
from reconciliation.session import Session

# Forms of a company, at the end of its name, as tokens without punctuation.
_LEGAL_FORMS = (
    "股份有限公司|有限责任公司|集团有限公司|有限公司|公司|株式会社|有限会社|합자회사|"
    "incorporated|inc|corporation|corp|company|co|limited|ltd|llc|llp|lp|plc|gmbh|mbh|ag|kgaa|kg|ohg|ug|e k|se|"
    "s a s|sas|s a r l|sarl|s a|sa|s p a|spa|s r l|srl|sl|b v|bv|n v|nv|oy|oyj|ab|a s|as|aps|k k|kk|pte|pty|"
    "sdn bhd|bhd|sp z o o|s r o|sro|zrt|kft|holding|group|集团"
)
# Words in front of a document number that say what it is.
_NUMBER_WORDS = (
    "订单号|订单编号|订单|合同号|合同|发票号|发票|报价单号|报价单|报价|编号|单号|"
    "order|sales order|invoice|quotation|quote|number|nr|no|ref|reference|your|our"
)
FREE_MAIL = (
    *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com", "yahoo.co.jp"),
    *("icloud.com", "me.com", "aol.com", "gmx.de", "gmx.net", "web.de", "t-online.de", "mail.com", "proton.me"),
    *("protonmail.com", "qq.com", "foxmail.com", "163.com", "126.com", "yeah.net", "sina.com", "sina.cn", "sohu.com"),
    *("139.com", "189.cn", "aliyun.com", "orange.fr", "free.fr", "laposte.net", "libero.it", "yandex.ru", "mail.ru"),
)


def define(session: Session) -> None:
    """Make the macros in a session."""
    widths.define(session)
    free = ", ".join(f"'{domain}'" for domain in FREE_MAIL)
    session.run(
        f"""
        CREATE OR REPLACE MACRO tokens(x) AS trim(regexp_replace(x, '[^\\p{{L}}\\p{{N}}]+', ' ', 'g'));
        CREATE OR REPLACE MACRO bare_name(x) AS
            regexp_replace(x, '(\\s*(?:\\b(?:{_LEGAL_FORMS})|股份有限公司|有限责任公司|有限公司|公司))+$', '');
        CREATE OR REPLACE MACRO key_name(x) AS nullif(replace(
            coalesce(nullif(trim(bare_name(tokens(strip_accents(lower(narrow(x)))))), ''),
                     tokens(strip_accents(lower(narrow(x))))), ' ', ''), '');
        CREATE OR REPLACE MACRO key_email(x) AS CASE WHEN contains(x, '@') THEN nullif(lower(trim(narrow(x))), '') END;
        CREATE OR REPLACE MACRO key_domain(x) AS CASE
            WHEN regexp_replace(lower(trim(x)), '^(https?://)?(www\\.)?|[/:].*$', '', 'g') IN ({free}) THEN NULL
            ELSE nullif(regexp_replace(lower(trim(x)), '^www\\.', ''), '') END;
        CREATE OR REPLACE MACRO phone_digits(x) AS ltrim(regexp_replace(narrow(x), '[^0-9]', '', 'g'), '0');
        CREATE OR REPLACE MACRO key_phone(digits) AS CASE
            WHEN length(digits) < 7 THEN NULL
            WHEN length(digits) >= 12 AND starts_with(digits, '86') THEN ltrim(substr(digits, 3), '0')
            ELSE digits END;
        CREATE OR REPLACE MACRO compact(x) AS upper(regexp_replace(narrow(x), '[^\\p{{L}}\\p{{N}}]', '', 'g'));
        CREATE OR REPLACE MACRO key_tax_id(x) AS CASE
            WHEN length(compact(x)) >= 6 AND length(replace(compact(x), left(compact(x), 1), '')) > 0 THEN compact(x)
            END;
        CREATE OR REPLACE MACRO bare_number(x) AS
            CASE WHEN regexp_matches(x, '[0-9]')
            THEN regexp_replace(trim(x),
                '^(?i)(?:(?:{_NUMBER_WORDS})[\\s.:：#№-]+|(?:订单号?|合同号?|发票号?|报价单?号?)|#|№)+', '')
            ELSE x END;
        CREATE OR REPLACE MACRO key_number(x) AS nullif(array_to_string(list_transform(
            regexp_extract_all(upper(bare_number(narrow(x))), '\\p{{L}}+|[0-9]+'),
            lambda part: coalesce(nullif(ltrim(part, '0'), ''), '0')), '-'), '');
        CREATE OR REPLACE MACRO only_digits(x) AS nullif(regexp_extract(x, '^(?:\\p{{L}}+-)?([0-9]+)$', 1), '');
        """
    )
