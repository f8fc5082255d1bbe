"""Starting a tap: its settings, catalog and state in files of its own, and what is left of them at its end."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from connectors.contract import CallStats
from connectors.errors import ContractError
from connectors.singer import process
from connectors.singer.catalog import Catalog, Entry
from connectors.singer.config import SingerConfig, StreamConfig
from connectors.singer.failures import Hidden
from connectors.singer.private import PrivateFolder
from connectors.singer.process import TapProcess

_MOST_CATALOG = 256 * 1024 * 1024
_BEGIN = "Set `start_date_setting` to the one of its settings that says so, for most taps start_date."
_BEGIN_WITHOUT_FILE = (
    "Set `start_date_setting` to the one of its settings that says so, for most taps start_date (with `config` instead "
    "of `config_file`)."
)


class Run:
    """One run of a tap for one stream; ``close`` ends it and removes its files."""

    def __init__(self, tap: TapProcess, entry: Entry | None, folder: PrivateFolder, given: _Given) -> None:
        self.tap = tap
        self.entry = entry
        """The stream in the catalog; ``None`` for a tap without one."""
        self._folder = folder
        self._given = given

    def finish(self) -> None:
        """Wait for the tap's end. Raises what ``TapProcess.finish`` raises, and for settings that would be lost."""
        self.tap.finish()
        self._given.check_unchanged()

    def close(self) -> None:
        """End the tap if it still runs; safe to call twice."""
        self.tap.close()
        self._folder.close()


class Taps:
    """Runs a tap as configured, as often as wanted."""

    def __init__(self, config: SingerConfig, stats: CallStats) -> None:
        self._config = config
        self._stats = stats
        self._variables = process.environment(
            {name: value.get_secret_value() for name, value in config.environment.items()}
        )
        # Addresses of proxies may hold passwords, too.
        proxies = [value for name, value in self._variables.items() if name.lower().endswith("_proxy")]
        self._secret_variables = [*(self._variables[name] for name in config.environment), *proxies]
        self._catalog: Catalog | None = None
        self._lock = threading.Lock()

    def find(self) -> str:
        """Where the tap is; raises ``ContractError`` if it is not there."""
        return process.find(self._config.executable, self._variables)

    def catalog(self) -> Catalog:
        """The catalog as configured, or as the tap discovers it, once. Raises what a run of the tap raises."""
        with self._lock:
            if self._catalog is None:
                self._catalog = self._from_file(self._config.catalog) if self._config.catalog else self._discovered()
            return self._catalog

    def start(
        self,
        stream: StreamConfig,
        state: str | None = None,
        *,
        since: datetime | None = None,
        timeout: float | None = None,
    ) -> Run:
        """Start the tap for one stream, from that state or from that time on, or from the beginning.

        Raises ``ContractError`` for a catalog that lacks the stream and for a ``since`` that the tap cannot be told,
        and whatever discovery raises.
        """
        catalog, entry = None, None
        if self._config.catalog_argument != "none":
            catalog = self.catalog()
            entry = catalog.entry(stream.stream)
        folder = PrivateFolder()
        try:
            given = self._given(folder, since)
            options = ["--config", str(given.path)]
            if catalog is not None:
                selected = catalog.selecting(stream, legacy=self._config.catalog_argument == "properties")
                options += [f"--{self._config.catalog_argument}", str(folder.write("catalog.json", selected))]
            if state is not None and since is None:
                options += ["--state", str(folder.write("state.json", state.encode()))]
            return Run(self._started(options, given, timeout), entry, folder, given)
        except BaseException:
            folder.close()
            raise

    def _discovered(self) -> Catalog:
        with closing(PrivateFolder()) as folder:
            given = self._given(folder, None)
            options = ["--config", str(given.path), "--discover"]
            with closing(self._started(options, given, limit=_MOST_CATALOG)) as tap:
                lines, size = [], 0
                for line in tap.lines():
                    lines.append(line)
                    size += len(line)
                    if size > _MOST_CATALOG:
                        raise ContractError(f"{tap.name} printed a catalog of more than {_MOST_CATALOG} bytes.")
                tap.finish()
                given.check_unchanged()
                return Catalog(b"\n".join(lines), f"{tap.name} --discover")

    def _from_file(self, path: Path) -> Catalog:
        try:
            body = path.read_bytes()
        except OSError as error:
            raise ContractError(
                f"The catalog {path} cannot be read: {error.strerror}.",
                remedy="Correct `catalog`, or leave it out to have the tap asked.",
            ) from None
        return Catalog(body, str(path))

    def _given(self, folder: PrivateFolder, since: datetime | None) -> _Given:
        """The tap's settings as a file."""
        config = self._config
        if since is not None and (config.start_date_setting is None or config.config_file is not None):
            raise ContractError(
                "The tap cannot be told where to begin.",
                remedy=_BEGIN_WITHOUT_FILE if config.config_file else _BEGIN,
            )
        if config.config_file is not None:
            return _Given(config.config_file, None, _in_file(config.config_file))
        settings = dict(config.config or {})
        if since is not None and config.start_date_setting is not None:
            settings[config.start_date_setting] = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        content = msgspec.json.encode(settings)
        return _Given(folder.write("config.json", content), settings, settings)

    def _started(
        self, options: Sequence[str], given: _Given, timeout: float | None = None, limit: int | None = None
    ) -> TapProcess:
        self._stats.calls += 1
        return TapProcess(
            [self._config.executable, *self._config.arguments, *options],
            self._variables,
            timeout=timeout or self._config.timeout_seconds,
            line_limit=limit or self._config.line_limit,
            hidden=Hidden(given.secrets, self._secret_variables),
            stats=self._stats,
        )


class _Given:
    """The file with the tap's settings, and what is in it."""

    def __init__(self, path: Path, ours: dict[str, Any] | None, secrets: Any) -> None:
        self.path = path
        self.secrets = secrets
        """Everything in it counts as secret: which values came from references is not known here."""
        self._ours = ours

    def check_unchanged(self) -> None:
        """A tap may write new settings into its file (docs/SPEC.md, Config); in ours they would be lost.

        Raises ``ContractError`` that names them.
        """
        if self._ours is None:
            return
        try:
            found = msgspec.json.decode(self.path.read_bytes())
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = {}
        before = msgspec.json.decode(msgspec.json.encode(self._ours))
        if found == before:
            return
        now = found if isinstance(found, dict) else {}
        names = sorted(name for name in {*now, *before} if now.get(name) != before.get(name))
        raise ContractError(
            f"The tap wrote new settings ({', '.join(names)}), which are lost when it ends.",
            remedy="Put its settings into a file of its own that it may write to, and name that as `config_file`.",
        )


def _in_file(path: Path) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise ContractError(
            f"The tap's settings {path} cannot be read: {error.strerror}.", remedy="Correct `config_file`."
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ContractError(f"The tap's settings {path} are not JSON.", remedy="Correct the file.") from None
