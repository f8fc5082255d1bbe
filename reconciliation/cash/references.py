"""Document numbers in what payers write: exact, several, cleaned of what people and banks add, or damaged.

``hit`` (receipt_id, item_id, level, own, reading) says which items a receipt names, ``own`` by their number, else by
their order's or delivery's. Levels:

- 5 ``exact``: the number as it is, whatever stands around it; or an ISO 11649 reference with right check digits
- 4 ``cleaned``: spaces or other signs inside, leading zeros, no prefix, full width, a range like 1001-1004
- 3 ``look_alike``: the same after O/0, I/1, S/5, B/8, Z/2, G/6 are taken for one another; or its last seven digits
- 2 ``weak``: right, but so short that it may be a date or a quantity; ``last_part``: the last four digits or more of a
  number of those whom the payer pays for
- 1 ``damaged``: cut off, or one character wrong, missing, too many or swapped with its neighbour

Numbers that are given in sequence have no distance: a wrong digit is another customer's number. So only the upper two
levels count without the amount, and the lowest is looked for only among items whose amount agrees. Everything is done
in sets: texts are cut into tokens and these are joined with the items' numbers.
"""

from __future__ import annotations

from reconciliation.linking import normalise
from reconciliation.session import Session

EXACT, CLEANED, LOOK_ALIKE, WEAK, DAMAGED = 5, 4, 3, 2, 1

_DOCUMENTS = (
    "INVOICE|INV|BILL|ORDER|SO|PO|RECHNUNG|RECHNUNGSNR|RE|RG|AUFTRAG|BESTELLUNG|LIEFERSCHEIN|FACTURE|FACTURA|FATTURA|"
    "DOCUMENT|DOC|发票号码|发票号|发票|订单号|订单|送货单|单号|票号|合同号|合同|请求书|請求書"
)
_WORDS = f"{_DOCUMENTS}|NO|NR|NUMBER|REF|编号"
_NEXT = "[A-Z]{1,4}[-.]?[0-9](?:[0-9O]{2}|[0-9O]?/[0-9])"
_GLUE = "(?:[,;+&、]|(?:UND|AND|ET) )"
_LISTED = f"(?:[0-9][A-Z]? *{_GLUE} *|[0-9] +)(?:[0-9][0-9O]{{2}}|{_NEXT})|[0-9] */ *(?:[0-9][0-9O]{{5}}|{_NEXT})"
"""The last digit of a number and the first ones of a number that is listed right behind it."""
_BROKEN_OFF = f"[0-9] *{_GLUE} *[A-Z]{{0,4}}[-.]?[0-9O]{{0,2}}$|(?:ETC|[.][.]|U[.]A|OTHERS|等)[. ]*$"
_LAST_DIGITS = (
    "(?:尾号|(?:^|[^A-Z])(?:INVOICE|INV|RECHNUNG|RG|RE|发票号|发票)[ .:#]*)(?:ENDING )?[ .]*([0-9]{4,6})(?:$|[^0-9])"
)
"""Digits behind a word for invoices or their last digits."""
_MOST_ITEMS = 200
"""A key that more items share names none of them."""


def define(session: Session) -> None:
    """Make the macros that read numbers."""
    normalise.define(session)
    session.run(
        f"""
        CREATE OR REPLACE MACRO cash_last_digits(x) AS regexp_extract(x, '{_LAST_DIGITS}', 1);
        CREATE OR REPLACE MACRO cash_text(x) AS upper(translate(narrow(x), '‐‑–—−', '-----'));
        CREATE OR REPLACE MACRO cash_key(x) AS regexp_replace(cash_text(x), '[^A-Z0-9]+', '', 'g');
        CREATE OR REPLACE MACRO cash_pieces(x) AS regexp_extract_all(x, '[A-Z]+|[0-9]+');
        CREATE OR REPLACE MACRO without_zeros(x) AS coalesce(nullif(ltrim(x, '0'), ''), '0');
        CREATE OR REPLACE MACRO look_alike(x) AS translate(x, 'OQILSBZG', '00115826');
        CREATE OR REPLACE MACRO is_strong(key) AS CASE
            WHEN regexp_matches(key, '[A-Z]') THEN
                regexp_matches(key, '[A-Z].*[A-Z]') AND regexp_matches(key, '[0-9].*[0-9]')
                OR regexp_matches(key, '[0-9].*[0-9].*[0-9].*[0-9]')
            ELSE length(key) >= 6 AND NOT regexp_full_match(
                key, '(?:19|20)[0-9][0-9](?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])?|(?:0[1-9]|[12][0-9]|3[01])'
                '(?:0[1-9]|1[0-2])(?:19|20)?[0-9][0-9]') END;
        CREATE OR REPLACE MACRO check_number(x) AS list_reduce(
            list_transform(string_split(x, ''), lambda c: CASE WHEN c >= 'A' THEN (ascii(c) - 55)::VARCHAR ELSE c END),
            lambda a, b: a || b);
        CREATE OR REPLACE MACRO modulo_97(digits) AS
            (((left(digits, 18)::HUGEINT % 97)::VARCHAR || substr(digits, 19, 34))::HUGEINT % 97);
        CREATE OR REPLACE MACRO is_creditor_reference(x) AS length(x) BETWEEN 5 AND 25
            AND modulo_97(check_number(substr(x, 5) || left(x, 4))) = 1;
        """
    )


def prepare(session: Session) -> None:
    """Make ``item_key``, the numbers that items go by, and read the texts of all receipts for exact ones."""
    session.run(
        """
        CREATE OR REPLACE TABLE item_key AS
        WITH named AS (
            SELECT item_id, cash_key(number) AS key, true AS own FROM open_items WHERE number IS NOT NULL
            UNION ALL
            SELECT item_id, cash_key(reference), false
            FROM (SELECT item_id, unnest(other_references) AS reference FROM open_items WHERE len(other_references) > 0)
        )
        SELECT key, item_id, own, is_strong(key) AS strong FROM named
        WHERE length(key) >= 3 AND regexp_matches(key, '[0-9]');
        CREATE OR REPLACE TABLE item_digits AS
            SELECT item_id, without_zeros(regexp_extract(key, '([0-9]+)$', 1)) AS digits FROM item_key WHERE own;
        CREATE OR REPLACE TABLE hit (
            receipt_id BIGINT, item_id BIGINT, level TINYINT, own BOOLEAN, reading VARCHAR);
        CREATE OR REPLACE TEMP TABLE text_digits (receipt_id BIGINT, digits VARCHAR);
        """
    )
    crowded = f"SELECT key FROM item_key GROUP BY key HAVING count(*) > {_MOST_ITEMS}"
    if session.value(f"SELECT count(*) FROM ({crowded})"):
        session.run(f"CREATE OR REPLACE TABLE item_key AS SELECT * FROM item_key ANTI JOIN ({crowded}) USING (key)")
    _exact(session)


def _exact(session: Session) -> None:
    """Find the numbers as they are in the texts of all receipts; ``token`` holds what looks like one."""
    session.run(
        """
        CREATE OR REPLACE TABLE token AS
        WITH raw AS (
            SELECT receipt_id, unnest(regexp_extract_all(text, '[A-Z0-9]+(?:[-._/][A-Z0-9]+)*')) AS token FROM receipt
            WHERE text <> ''
        ),
        part AS (
            SELECT receipt_id, token FROM raw WHERE length(token) > 2 AND regexp_matches(token, '[0-9]')
            UNION ALL
            SELECT receipt_id, unnest(string_split(token, '/')) FROM raw WHERE contains(token, '/')
        )
        SELECT receipt_id, regexp_replace(token, '[-._/]', '', 'g') AS key, false AS worded FROM part;
        """
    )
    _worded(session)
    _unknown_numbers(session)
    _strange_numbers(session)
    _creditor_references(session)
    add(
        session,
        f"""
        SELECT t.receipt_id, k.item_id, CASE WHEN k.strong OR t.worded THEN {EXACT} ELSE {WEAK} END AS level, k.own,
            CASE WHEN k.strong OR t.worded THEN 'exact' ELSE 'weak' END AS reading
        FROM token t JOIN item_key k USING (key)
        """,
    )


def _worded(session: Session) -> None:
    """Mark short tokens right behind a word like invoice or 发票号, if there are short numbers at all."""
    if not session.value("SELECT count(*) FROM item_key WHERE NOT strong"):
        return
    session.run(
        f"""
        INSERT INTO token
        SELECT receipt_id, regexp_replace(token, '[^A-Z0-9]', '', 'g'), true
        FROM (SELECT receipt_id, unnest(regexp_extract_all(
                  text, '(?:^|[^A-Z])(?:{_WORDS})[^A-Z0-9]{{0,4}}([0-9][0-9A-Z]*(?:[-./][0-9A-Z]+)?)', 1)) AS token
              FROM receipt WHERE text <> '')
        WHERE length(token) >= 3
        """
    )


def _unknown_numbers(session: Session) -> None:
    """Make ``unknown_number``: receipts with a number behind a word like invoice or order that is no item's."""
    session.run(
        f"""
        CREATE OR REPLACE TABLE unknown_number AS
        WITH said AS (
            SELECT receipt_id, regexp_replace(unnest(regexp_extract_all(
                text, '(?:^|[^A-Z])(?:{_DOCUMENTS})[^A-Z0-9]{{0,4}}([0-9][0-9A-Z]*(?:[-./][0-9A-Z]+)?)', 1)),
                '[^A-Z0-9]', '', 'g') AS key
            FROM receipt WHERE text <> ''
        )
        SELECT DISTINCT receipt_id FROM said ANTI JOIN item_key USING (key) WHERE length(key) >= 5
        """
    )


def _strange_numbers(session: Session) -> None:
    """Make ``strange_number``: receipts with a token that is written like the numbers here and is none of them.

    Like them: the same letters and as many digits, and, of numbers without letters, the same first two digits.
    ``unread_number`` holds those as well that have only as many digits, look-alike characters taken for digits;
    telephones and other numbers of that length are among them.
    """
    shape = """CASE WHEN regexp_matches({0}, '[A-Z]') THEN regexp_replace({0}, '[0-9]', '9', 'g')
        ELSE left({0}, 2) || length({0}) END"""
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE other_token AS
            SELECT DISTINCT receipt_id, key FROM token ANTI JOIN item_key USING (key);
        CREATE OR REPLACE TABLE strange_number AS
        SELECT DISTINCT receipt_id FROM other_token t
        SEMI JOIN (SELECT DISTINCT {shape.format("key")} AS shape FROM item_key WHERE length(key) >= 5) l
            ON l.shape = {shape.format("t.key")};
        CREATE OR REPLACE TABLE unread_number AS
        SELECT receipt_id FROM strange_number
        UNION
        SELECT receipt_id FROM other_token t
        SEMI JOIN (SELECT DISTINCT length(regexp_extract(key, '[0-9]+$')) AS digits FROM item_key) l
            ON l.digits = length(t.key)
        WHERE length(t.key) >= 6 AND regexp_full_match(look_alike(t.key), '[0-9]+')
        """
    )


def listed(session: Session) -> None:
    """Make ``listing`` (receipt_id, members): what is left of receipts whose text lists several numbers, and how many.

    Whatever these are: a list of which only some could be read names more than what was read. One that breaks off
    has one more.
    """
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE listing AS
        SELECT receipt_id, 1 + len(regexp_extract_all(text, '{_LISTED}'))
            + regexp_matches(text, '{_BROKEN_OFF}')::INTEGER AS members
        FROM receipt SEMI JOIN rest_receipt USING (receipt_id)
        WHERE regexp_matches(text, '{_LISTED}|{_BROKEN_OFF}')
        """
    )


def _creditor_references(session: Session) -> None:
    """ISO 11649: RF, two check digits, up to 21 characters, often in blocks of four; what it holds is a token."""
    session.run(
        """
        INSERT INTO token
        WITH word AS (
            SELECT receipt_id, regexp_extract_all(text, '[A-Z0-9]+') AS words FROM receipt
            WHERE regexp_matches(text, '(?:^|[^A-Z0-9])RF[0-9][0-9]')
        ),
        start AS (
            SELECT receipt_id, words, unnest(range(1, len(words) + 1)) AS place FROM word
        ),
        long AS (
            SELECT receipt_id, unnest([array_to_string(words[place:place + more], '') FOR more IN range(0, 7)])
                AS reference
            FROM start WHERE regexp_matches(words[place], '^RF[0-9][0-9]')
        )
        SELECT DISTINCT receipt_id, substr(reference, 5), true FROM long
        WHERE length(reference) BETWEEN 5 AND 25 AND is_creditor_reference(reference)
        """
    )


def add(session: Session, found: str) -> None:
    """Add hits; of several readings of one item, and of several items with the same digits, the best counts.

    Pairs that people have cut are left out.
    """
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE incoming_hit AS
            SELECT receipt_id, item_id, max(level)::TINYINT AS level, bool_or(own) AS own,
                arg_max(reading, level) AS reading
            FROM ({found}) f ANTI JOIN forbidden USING (receipt_id, item_id) GROUP BY ALL
        """
    )
    session.run("SET VARIABLE cases = ''")
    if not session.value("SELECT count(*) FROM hit"):
        session.run("INSERT INTO hit SELECT * FROM incoming_hit")
        return
    session.run(
        """
        DELETE FROM hit USING incoming_hit n
        WHERE hit.receipt_id = n.receipt_id AND hit.item_id = n.item_id AND hit.level < n.level;
        INSERT INTO hit SELECT n.* FROM incoming_hit n ANTI JOIN hit USING (receipt_id, item_id)
        ANTI JOIN (
            SELECT h.receipt_id, b.item_id, h.level FROM hit h SEMI JOIN incoming_hit i ON i.receipt_id = h.receipt_id
            JOIN item_digits a ON a.item_id = h.item_id
            JOIN item_digits b ON b.digits = a.digits AND b.item_id <> a.item_id WHERE h.own
        ) better ON better.receipt_id = n.receipt_id AND better.item_id = n.item_id AND better.level > n.level
        """
    )
