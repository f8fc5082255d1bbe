"""Keep what each order's delivery, billing and payment come to, so that a trace need not compute it again."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from reconciliation import code, states
from reconciliation.frame import definitions
from reconciliation.parts import parts
from state import frames, order_states
from state.order_states import NAMES, Seen

if TYPE_CHECKING:
    from reconciliation.frame import Frame
    from reconciliation.rules import Rules
    from state.store import Store

_SAME = " AND ".join(f"k.{name} = o.{name}" for name in NAMES)


def inputs(rules: Rules) -> str:
    """What the states depend on beside records and links: 16 hex digits for rules and code. They know no time."""
    return hashlib.blake2b(f"{definitions(rules)}\n{code.fingerprint()}".encode(), digest_size=8).hexdigest()


def keep(store: Store, frame: Frame, moment: Seen) -> None:
    """Write what has changed of them, and that all of them are of this moment. Raises ``StoreError``."""
    states.prepare(frame)
    with store.reading() as connection:
        kept = frames.reader(connection, order_states.QUERY)
        casts = ", ".join(("record_id::BIGINT AS record_id", *(f"{name}::VARCHAR AS {name}" for name in NAMES)))
        frame.take("kept_states", kept, f"SELECT {casts} FROM incoming")
    changed = f"""
        SELECT o.order_id, {", ".join(f"o.{name}" for name in NAMES)} FROM order_states o
        ANTI JOIN kept_states k ON k.record_id = o.order_id AND {_SAME}
    """
    gone = frame.rows("SELECT record_id FROM kept_states k ANTI JOIN order_states o ON o.order_id = k.record_id")
    with store.transaction() as connection:
        order_states.write(connection, (), [record_id for (record_id,) in gone])
        for some in parts(frame, changed, "order_id"):
            order_states.write(connection, some, ())
        order_states.mark(connection, moment)
