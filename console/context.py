"""What the commands share: settings, store, language, each loaded when first used."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.spoken import of_the_environment

if TYPE_CHECKING:
    from console.i18n import Texts
    from settings.model import Settings
    from state.store import Store


class App:
    """One call of ``ltc``; use it as a context manager, so that the store is closed."""

    def __init__(self, config: Path, lang: str | None = None) -> None:
        self.config = config
        self._lang = lang
        self._opened: Store | None = None

    def __enter__(self) -> App:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._opened is not None:
            self._opened.close()

    @cached_property
    def settings(self) -> Settings:
        """The settings of ltc.yaml; raises ``SettingsError``."""
        from console import configured

        return configured.load(self.config)

    @property
    def store(self) -> Store:
        """The database, which must be there; raises ``StoreError``, with `ltc sync` as the remedy if it is not."""
        return self._store(create=False)

    @property
    def new_store(self) -> Store:
        """The database, made if it is not there; raises ``StoreError``."""
        return self._store(create=True)

    def _store(self, create: bool) -> Store:
        if self._opened is None:
            from sync.opening import open_for

            self._opened = open_for(self.settings, create)
        return self._opened

    @cached_property
    def locale(self) -> str:
        """``en`` or ``zh-CN``: from ``--lang``, else ltc.yaml, else (before there is one) the environment."""
        if self._lang is None and not self.config.exists():
            return of_the_environment()
        return self._lang or self.settings.locale

    @property
    def spoken(self) -> str:
        """The same for errors; what the environment says where ltc.yaml cannot be read or names no language."""
        from settings import SettingsError

        try:
            if self._lang is None and self.config.exists() and "locale" not in self.settings.model_fields_set:
                return of_the_environment()
            return self.locale
        except (SettingsError, OSError):
            return of_the_environment()

    @property
    def chosen_locale(self) -> str | None:
        """The one of ``--lang``."""
        return self._lang

    @cached_property
    def texts(self) -> Texts:
        """The words of the locale."""
        from console.i18n import texts

        return texts(self.locale)

    @cached_property
    def actor(self) -> str:
        """Who works here, for the audit: ``LTC_ACTOR``, else the login name."""
        try:
            return os.environ.get("LTC_ACTOR") or getpass.getuser()
        except (KeyError, OSError):  # a container's user without a name
            return "ltc"

    def systems(self, names: tuple[str, ...]) -> list[str] | None:
        """The systems asked for, ``None`` for all; raises ``click.UsageError`` for one ltc.yaml does not name."""
        unknown = [name for name in names if name not in self.settings.systems]
        if unknown:
            known = ", ".join(self.settings.systems)
            raise click.UsageError(f"{self.config} names no system {unknown[0]!r}. It names: {known}.")
        return list(names) or None


pass_app: Callable[[Callable[..., Any]], Callable[..., Any]] = click.make_pass_decorator(App)
"""Gives a command the ``App`` as its first argument."""
