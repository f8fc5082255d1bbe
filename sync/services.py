"""What connectors share through the store: tokens and budgets; nothing is imported before one asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.services import Services

if TYPE_CHECKING:
    from connectors.budget import Budget
    from connectors.tokens import TokenVault
    from state.store import Store


def services_of(store: Store) -> Services:
    """Services for all connectors of this process that work on the store. Close them when the work is done."""

    def tokens() -> TokenVault:
        from state.tokens import StoreVault

        return StoreVault(store)

    def budget() -> Budget:
        from state.budgets import StoreBudget

        return StoreBudget(store)

    return Services(tokens, budget)


def without_store() -> Services:
    """Services where the store cannot be opened: no tokens, for one that is got and not kept may end those that are."""

    def tokens() -> TokenVault:
        from connectors.errors import AuthError

        raise AuthError("The store, which keeps the tokens, cannot be opened.", remedy="Correct `store` in ltc.yaml.")

    def budget() -> Budget:
        from connectors.localbudget import LocalBudget

        return LocalBudget()

    return Services(tokens, budget)
