"""How texts of full and half width, and the numbers of products, are written the same way, as DuckDB macros."""

from __future__ import annotations

from reconciliation.session import Session


def define(session: Session) -> None:
    """``narrow(x)``: full-width characters as usual ones; ``sku_key(x)``: what two SKUs share, NULL for a blank one."""
    wide = "".join(chr(0xFF01 + offset) for offset in range(94)) + "\u3000"
    narrow = "".join(chr(0x21 + offset) for offset in range(94)).replace("'", "''") + " "
    session.run(
        f"""
        CREATE OR REPLACE MACRO narrow(x) AS  -- plain ASCII is left as it is
            CASE WHEN strlen(x) = length(x) THEN x ELSE nfc_normalize(translate(x, '{wide}', '{narrow}')) END;
        CREATE OR REPLACE MACRO sku_key(x) AS nullif(upper(trim(narrow(x))), '');
        """
    )
