"""``python -m bench.matching``: measure cash application on generated years of business."""

from __future__ import annotations

from bench.matching.run import main

raise SystemExit(main())
