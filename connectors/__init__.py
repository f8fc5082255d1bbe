"""Talk to source systems: the contract, the HTTP kit, and one folder per system."""

import sys

# httpx imports rich, pygments and click for a command line of its own that nobody here uses, a sixth of our start-up
# time; it does without where its module for that cannot be imported.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
