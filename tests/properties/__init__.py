"""Properties that hold for whatever Hypothesis thinks of."""

from __future__ import annotations

from hypothesis import HealthCheck, settings


def examples(count: int) -> settings:
    """So many examples, different ones each run; a failing one is printed so that it can be run again."""
    quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=count, deadline=None, print_blob=True, suppress_health_check=quiet)
