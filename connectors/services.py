"""What a connector may use of its surroundings without knowing them: tokens and allowances that others share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.budget import Budget
    from connectors.tokens import TokenVault


@dataclass(slots=True)
class Services:
    """``tokens`` keeps access tokens, ``budget`` gives out calls; each is made when it is first used.

    Whoever opens a connector sets ``Connector.services`` before its first call. A connector reads them no sooner than
    that, and keeps none across calls.
    """

    make_tokens: Callable[[], TokenVault]
    make_budget: Callable[[], Budget]
    _tokens: TokenVault | None = None
    _budget: Budget | None = None

    @property
    def tokens(self) -> TokenVault:
        """Where access tokens are kept."""
        if self._tokens is None:
            self._tokens = self.make_tokens()
        return self._tokens

    @property
    def budget(self) -> Budget:
        """Where calls are asked for."""
        if self._budget is None:
            self._budget = self.make_budget()
        return self._budget

    def close(self) -> None:
        """Give back what was taken and not used; it may be used again afterwards."""
        budget, self._budget = self._budget, None
        if budget is not None:
            budget.close()


@cache
def in_process() -> Services:
    """The services of a connector that works alone: shared by this process, kept in memory."""

    def tokens() -> TokenVault:
        from connectors.tokens import LocalVault

        return LocalVault()

    def budget() -> Budget:
        from connectors.localbudget import LocalBudget

        return LocalBudget()

    return Services(tokens, budget)
