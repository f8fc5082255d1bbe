"""Document numbers that are not written as they are: cleaned, in part, damaged. For levels see ``references``."""

from __future__ import annotations

from reconciliation.cash.groups import AHEAD
from reconciliation.cash.references import CLEANED, DAMAGED, EXACT, LOOK_ALIKE, WEAK, add
from reconciliation.session import Session

READINGS = {"exact": EXACT, "cleaned": WEAK, "damaged": DAMAGED}
"""What a rule calls for → the lowest level that it takes."""
_INVOICES = "(?:INVOICES|RECHNUNGEN|FACTURES|FACTURAS|FATTURE)"
_MONTH = (
    f"(?:^|[^0-9A-Z/.-])(?:0?[1-9]|1[0-2])/[0-9][0-9] +{_INVOICES}"
    f"|{_INVOICES} +(?:0?[1-9]|1[0-2])/[0-9][0-9](?:$|[^0-9A-Z/.-])"
)
"""A month that is paid for: its digits are no number's."""
_DATED = (
    "(?:^|[^0-9A-Z/.-])(?:(?:0?[1-9]|[12][0-9]|3[01])[/.-])?(?:0?[1-9]|1[0-2])[/.-](?:19|20)[0-9][0-9](?:$|[^0-9A-Z/.-])"
    "|(?:^|[^0-9A-Z/.-])(?:19|20)[0-9][0-9](?:年|[/.-](?:0?[1-9]|1[0-2])(?:$|[^0-9A-Z/.-]))"
)
"""A month or a day with its year: the year is not the end of a number."""
_MOST_PIECES = 6
_MOST_WINDOWS = 60
_RANGE = 50


def read(session: Session, least: int) -> None:
    """Find in ``hit`` what receipts that are not settled yet name, down to a level; exact ones are there already.

    What was read down to that level before is not read again: what is left is part of what was left then.
    """
    known = int(session.value("SELECT coalesce(getvariable('read_to'), 0)")) or EXACT
    if least < EXACT <= known:
        _cleaned(session)
    if least < WEAK <= known:
        _damaged(session)
    session.run(f"SET VARIABLE read_to = {min(least, known)}")


def forget(session: Session) -> None:
    """Let all be read again: items are open that were settled when the texts were read."""
    session.run("SET VARIABLE read_to = 0")


def read_endings(session: Session) -> None:
    """Look for last digits again, if they were looked for: more is known of who pays for whom."""
    if EXACT > int(session.value("SELECT coalesce(getvariable('read_to'), 0)")) > 0:
        _last_parts(session)


def _cleaned(session: Session) -> None:
    """Find numbers that are written differently, in what receipts are not settled yet."""
    pieces = session.value(
        f"""
        SELECT least(max(len(cash_pieces(cash_text(number)))) + 1, {_MOST_PIECES}) FROM open_items
        WHERE number IS NOT NULL
        """
    )
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE item_form AS
        WITH cut AS (
            SELECT k.item_id, k.own, k.strong, k.key, cash_pieces(k.key) AS joined,
                cash_pieces(cash_text(i.number)) AS pieces
            FROM item_key k JOIN open_items i USING (item_id) SEMI JOIN rest_item r ON r.item_id = k.item_id
        ),
        form AS (
            SELECT 'C' || key AS form, item_id, own, strong FROM cut
            UNION ALL
            SELECT 'Z' || array_to_string(list_transform(pieces, lambda p: without_zeros(p)), '-'), item_id, own, strong
            FROM cut WHERE own
            UNION ALL
            SELECT 'Z' || array_to_string(list_transform(joined, lambda p: without_zeros(p)), '-'), item_id, own, strong
            FROM cut WHERE NOT own
            UNION ALL
            SELECT 'D' || without_zeros(regexp_extract(key, '^[A-Z]*([0-9]+)$', 1)), item_id, own,
                length(without_zeros(regexp_extract(key, '^[A-Z]*([0-9]+)$', 1))) >= 6
            FROM cut WHERE regexp_matches(key, '^[A-Z]*[0-9]{{4,}}$')
            UNION ALL
            SELECT 'E' || array_to_string(list_transform(pieces[2:], lambda p: without_zeros(p)), '-'), item_id, own,
                length(key) >= 7
            FROM cut WHERE own AND len(pieces) > 2 AND regexp_matches(key, '^[A-Z]+[0-9]{{4,}}$')
        )
        SELECT form, item_id, bool_or(own) AS own, bool_or(strong) AS strong FROM form WHERE length(form) >= 4
        GROUP BY ALL;
        CREATE OR REPLACE TEMP TABLE text_pieces AS
        SELECT receipt_id, cash_pieces(regexp_replace(text, '{_MONTH}', ' ', 'g'))[:{_MOST_WINDOWS}] AS pieces
        FROM receipt SEMI JOIN rest_receipt USING (receipt_id) WHERE regexp_matches(text, '[0-9]');
        """
    )
    session.run(
        """
        CREATE OR REPLACE TEMP TABLE text_form (receipt_id BIGINT, form VARCHAR);
        CREATE OR REPLACE TEMP TABLE text_digits (receipt_id BIGINT, digits VARCHAR)
        """
    )
    for width in range(1, int(pieces or 1) + 1):
        session.run(
            f"""
            INSERT INTO text_form
            WITH placed AS (
                SELECT receipt_id, pieces, unnest(range(1, len(pieces) - {width - 2})) AS place FROM text_pieces
                WHERE len(pieces) >= {width}
            ),
            gram AS (
                SELECT receipt_id, pieces[place:place + {width - 1}] AS gram FROM placed
            )
            SELECT DISTINCT receipt_id, unnest([
                'C' || array_to_string(gram, ''),
                'Z' || array_to_string(list_transform(gram, lambda p: without_zeros(p)), '-'),
                'D' || CASE WHEN regexp_full_match(array_to_string(gram, ''), '[0-9]+')
                    THEN without_zeros(array_to_string(gram, '')) END,
                'E' || CASE WHEN len(gram) > 1 AND regexp_full_match(array_to_string(gram, ''), '[0-9]+')
                    THEN array_to_string(list_transform(gram, lambda p: without_zeros(p)), '-') END
            ]) FROM gram WHERE regexp_matches(array_to_string(gram, ''), '[0-9]')
            """
        )
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE undated_pieces AS
        SELECT receipt_id, CASE WHEN regexp_matches(text, '{_DATED}') THEN cash_pieces(regexp_replace(
            regexp_replace(text, '{_MONTH}', ' ', 'g'), '{_DATED}', ' ', 'g'))[:{_MOST_WINDOWS}] ELSE pieces END
            AS pieces
        FROM text_pieces JOIN receipt USING (receipt_id)
        """
    )
    for width in (1, 2):
        session.run(
            f"""
            INSERT INTO text_digits
            SELECT DISTINCT receipt_id, array_to_string(pieces[place:place + {width - 1}], '') AS digits FROM (
                SELECT receipt_id, pieces, unnest(range(1, len(pieces) - {width - 2})) AS place FROM undated_pieces
                WHERE len(pieces) >= {width})
            WHERE regexp_full_match(digits, '[0-9]{{4,14}}')
            """
        )
    add(
        session,
        f"""
        SELECT t.receipt_id, f.item_id, CASE WHEN f.strong THEN {CLEANED} ELSE {WEAK} END AS level, f.own,
            CASE WHEN f.strong THEN 'cleaned' ELSE 'weak' END AS reading
        FROM text_form t JOIN item_form f USING (form)
        """,
    )
    _ranges(session)
    _look_alikes(session)
    _last_parts(session)
    _last_parts_of_anybody(session)


def _look_alikes(session: Session) -> None:
    """Find numbers that are right but for letters and digits that look alike."""
    add(
        session,
        f"""
        WITH own AS (
            SELECT look_alike(key) AS form, item_id, own FROM item_key SEMI JOIN rest_item USING (item_id)
            WHERE strong AND length(key) >= 6
        )
        SELECT t.receipt_id, o.item_id, {LOOK_ALIKE} AS level, o.own, 'look_alike' AS reading
        FROM (
            SELECT DISTINCT receipt_id, look_alike(key) AS form FROM token SEMI JOIN rest_receipt USING (receipt_id)
        ) t JOIN own o USING (form)
        """,
    )


def _last_parts(session: Session) -> None:
    """Find last digits of numbers, four or more, for those whom the payer pays for.

    Behind a word like invoice or 尾号 they are meant as such.
    """
    add(
        session,
        f"""
        SELECT d.receipt_id, k.item_id, CASE WHEN length(d.digits) >= 7 OR k.own AND length(d.digits) = length(
                cash_last_digits(r.text)) THEN {LOOK_ALIKE} ELSE {WEAK} END AS level,
            k.own, 'last_part' AS reading
        FROM text_digits d JOIN receipt r USING (receipt_id) JOIN payer p ON p.payer = r.party
        JOIN item x ON x.party = p.customer SEMI JOIN rest_item i ON i.item_id = x.item_id
        JOIN item_key k ON k.item_id = x.item_id
        WHERE length(k.key) > length(d.digits) AND ends_with(k.key, d.digits)
        """,
    )


def _last_parts_of_anybody(session: Session) -> None:
    """Find the last digits, seven or more, of any number in texts of payers whom nobody knows."""
    for length in (7, 8, 9, 10):
        add(
            session,
            f"""
            SELECT d.receipt_id, k.item_id, {LOOK_ALIKE} AS level, k.own, 'last_part' AS reading
            FROM (SELECT * FROM text_digits SEMI JOIN (SELECT receipt_id FROM receipt WHERE party IS NULL)
                  USING (receipt_id) WHERE length(digits) = {length} AND is_strong(digits)) d
            JOIN (SELECT * FROM item_key SEMI JOIN rest_item USING (item_id) WHERE own AND length(key) > {length}) k
                ON right(k.key, {length}) = d.digits
            """,
        )


def _damaged(session: Session) -> None:
    """Find what is left of numbers, in what receipts are not settled yet, among the payer's items of that amount.

    Or less the discount that was still allowed. With their letters in front or without, and billed by then. What is
    another item's number as it stands is not damaged, unless that item is of a customer whom the payer does not pay for
    and of another amount: then that number was not meant. Only what ends the text is cut off.
    """
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE agreeing AS
        WITH owed AS (
            SELECT r.receipt_id, i.item_id, k.key, k.own
            FROM rest_receipt s JOIN receipt r USING (receipt_id) JOIN payer p ON p.payer = r.party
            JOIN item i ON i.party = p.customer AND i.currency = r.currency
            JOIN rest_item l ON l.item_id = i.item_id AND (l.rest = s.rest OR l.rest > s.rest AND i.discount_rate > 0
                AND l.rest - round(l.rest * i.discount_rate)::BIGINT = s.rest
                AND r.received_on <= i.discount_until + getvariable('grace_days')::INTEGER)
            JOIN item_key k ON k.item_id = i.item_id
            WHERE (i.issued_on > r.received_on + {AHEAD}) IS NOT true
        )
        FROM owed UNION
        SELECT receipt_id, item_id, regexp_extract(key, '^[A-Z]+([0-9]{{6,}})$', 1) AS digits, own FROM owed
        WHERE digits <> '';
        CREATE OR REPLACE TEMP TABLE as_it_stands AS
        WITH said AS (SELECT DISTINCT t.receipt_id, t.key FROM token t SEMI JOIN agreeing USING (receipt_id)),
        form AS (
            SELECT item_id, key, own FROM item_key
            UNION
            SELECT item_id, regexp_extract(key, '^[A-Z]+([0-9]{{6,}})$', 1) AS digits, own FROM item_key
            WHERE digits <> ''
        )
        SELECT t.receipt_id, t.key, f.item_id, p.payer IS NOT NULL OR x.open = s.rest OR NOT f.own AS meant
        FROM said t JOIN form f ON f.key = t.key JOIN item x ON x.item_id = f.item_id
        JOIN receipt r ON r.receipt_id = t.receipt_id JOIN rest_receipt s ON s.receipt_id = t.receipt_id
        LEFT JOIN payer p ON p.payer = r.party AND p.customer = x.party
        """
    )
    session.run(
        """
        CREATE OR REPLACE TEMP TABLE repaired AS
        WITH judged AS (
            SELECT a.receipt_id, a.item_id, a.own, t.key, CASE
                WHEN length(t.key) < 5 THEN NULL
                WHEN abs(length(a.key) - length(t.key)) <= 1 AND damerau_levenshtein(a.key, t.key) <= 1 THEN 'typing'
                WHEN starts_with(a.key, t.key) AND ends_with(regexp_replace(r.text, '[^A-Z0-9]', '', 'g'), t.key)
                    THEN 'cut_off'
                END AS reading
            FROM agreeing a JOIN token t USING (receipt_id) JOIN receipt r ON r.receipt_id = a.receipt_id
            ANTI JOIN (FROM as_it_stands WHERE meant) m ON m.receipt_id = t.receipt_id AND m.key = t.key
        )
        SELECT * FROM judged WHERE reading IS NOT NULL;
        CREATE OR REPLACE TEMP TABLE not_meant AS
            SELECT DISTINCT s.receipt_id, s.item_id FROM repaired d JOIN as_it_stands s USING (receipt_id, key);
        DELETE FROM hit USING not_meant n WHERE hit.receipt_id = n.receipt_id AND hit.item_id = n.item_id
        """
    )
    add(session, f"SELECT receipt_id, item_id, {DAMAGED} AS level, own, reading FROM repaired")


def _ranges(session: Session) -> None:
    """``INV-1001 - 1004``, ``1001 bis 1004``, ``1001至1004``: all numbers between, where both ends are numbers."""
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE in_range AS
        WITH found AS (
            SELECT receipt_id, unnest(regexp_extract_all(text,
                '[A-Z0-9][A-Z0-9._/-]*[0-9]\\s*(?:-|\\bTO\\b|\\bBIS\\b|\\bTHRU\\b|\\bTHROUGH\\b|~|至|到)\\s*'
                '[A-Z0-9._/-]*[0-9]+')) AS range
            FROM receipt SEMI JOIN rest_receipt USING (receipt_id)
            WHERE regexp_matches(text, '[0-9]\\s*(?:-|TO|BIS|THRU|THROUGH|~|至|到)\\s*[A-Z0-9._/-]*[0-9]')
        ),
        ends AS (
            SELECT receipt_id, regexp_extract(range,
                '^([A-Z0-9._/-]*?)([0-9]+)\\s*(?:-|TO|BIS|THRU|THROUGH|~|至|到)\\s*(?:[A-Z0-9._/-]*?[^0-9])?([0-9]+)$',
                ['head', 'first', 'last']) AS e
            FROM found
        ),
        numbered AS (
            SELECT receipt_id, e.head AS head, e.first AS first, CASE WHEN length(e.last) < length(e.first)
                THEN left(e.first, length(e.first) - length(e.last)) || e.last ELSE e.last END AS last
            FROM ends WHERE length(e.first) BETWEEN 2 AND 15 AND length(e.last) BETWEEN 1 AND 15
        )
        SELECT DISTINCT receipt_id, head, first, last, unnest(range(first::BIGINT, last::BIGINT + 1)) AS n
        FROM numbered WHERE last::BIGINT - first::BIGINT BETWEEN 1 AND {_RANGE};
        CREATE OR REPLACE TEMP TABLE range_hit AS
        WITH number AS (
            SELECT *, regexp_replace(head, '[^A-Z0-9]', '', 'g')
                || lpad(n::VARCHAR, greatest(length(first), length(n::VARCHAR))::INTEGER, '0') AS key
            FROM in_range
        ),
        form AS (
            SELECT *, unnest(['C' || key, 'D' || CASE WHEN head = '' THEN without_zeros(key) END]) AS form FROM number
        )
        SELECT n.receipt_id, f.item_id, f.own, n.n = n.first::BIGINT AS is_first, n.n = n.last::BIGINT AS is_last,
            n.first, n.last, n.head
        FROM form n JOIN item_form f USING (form);
        """
    )
    add(
        session,
        f"""
        SELECT h.receipt_id, h.item_id, {CLEANED} AS level, h.own, 'range' AS reading
        FROM range_hit h SEMI JOIN (
            SELECT receipt_id, head, first, last FROM range_hit GROUP BY ALL
            HAVING bool_or(is_first) AND bool_or(is_last)
        ) USING (receipt_id, head, first, last)
        """,
    )
