"""Values that are kept back, as people read them: "text of 12 characters" for ``<str of 12>``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from console.i18n import Texts

_SHAPE = re.compile(r"<(str|int|Decimal|bool|list|dict)(?: of (\d+))?>")
"""As ``mappings.errors.shown`` writes it."""
_WHOLE = re.compile(r"<(\d+) bytes>")
"""What is shown of a record that could not be used as a whole."""


def told(texts: Texts, value: Any) -> Any:
    """The value in words if only its type and length are told; else as it is."""
    if isinstance(value, str) and (whole := _WHOLE.fullmatch(value)):
        return texts("mapping_editor.shape.bytes", count=whole[1])
    found = _SHAPE.fullmatch(value) if isinstance(value, str) else None
    return texts(f"mapping_editor.shape.{found[1].lower()}", count=found[2]) if found else value
