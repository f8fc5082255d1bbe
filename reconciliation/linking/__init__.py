"""Which records of different systems are the same thing, and which follow from one another.

Linkers run in the order of ``LINKERS``; each sees what the ones before it found. A further linker, a probabilistic one
say, is a function that adds candidates (see ``reconciliation.linking.candidates``) and takes its place in that list.
"""

from __future__ import annotations

from reconciliation.linking.run import LINKERS, link

__all__ = ["LINKERS", "link"]
