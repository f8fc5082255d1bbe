"""Parts of a reconciliation as tasks on a Dask cluster, where ``reconciliation.parallel`` asks for one."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from reconciliation import spread
from settings.errors import SettingsError
from settings.parallel import Parallel
from yamlfiles.problems import Problem


@task(name="part", cache_policy=NO_CACHE, persist_result=False)
def _part(packed: bytes) -> bytes:
    work, part = pickle.loads(packed)  # noqa: S301  # by ourselves, below; Dask itself sends nothing else
    return pickle.dumps(work(part))


@contextmanager
def as_set(parallel: Parallel) -> Iterator[None]:
    """Let a Dask cluster do what falls into parts in the block, if the settings say so; else change nothing.

    It is connected, or started, when the first part is there. Raises ``SettingsError`` without ``prefect-dask``.
    """
    if parallel.runner != "dask":
        yield
        return
    try:
        from prefect_dask.task_runners import DaskTaskRunner  # heavy, and an extra
    except ImportError as error:
        what = "asks for Dask, which is not installed here"
        raise SettingsError([Problem("reconciliation.parallel", what, "pip install 'ltc-sync[dask]'")]) from error
    with ExitStack() as started, spread.by(_Cluster(DaskTaskRunner, parallel, started)):
        yield


class _Cluster:
    """A spread over a cluster that is there from the first part on."""

    def __init__(self, runner: Any, parallel: Parallel, started: ExitStack) -> None:
        own = {"n_workers": parallel.workers, "threads_per_worker": 1, "dashboard_address": None}
        where: dict[str, Any] = {"address": parallel.address} if parallel.address else {"cluster_kwargs": own}
        self._make: Callable[[], Any] = partial(runner, **where)
        self._workers = parallel.workers
        self._started = started
        self._runner: Any = None

    def __call__(self, work: Callable[[Any], Any], parts: Iterable[Any]) -> Iterator[Any]:
        return map(pickle.loads, spread.ahead(self._submit, self._workers)(work, parts))

    def _submit(self, work: Callable[[Any], Any], part: Any) -> spread.Pending:
        if self._runner is None:
            self._runner = self._started.enter_context(self._make())
        # As bytes: Prefect searches parameters for results of other tasks, value by value.
        pending: spread.Pending = self._runner.submit(_part, {"packed": pickle.dumps((work, part))})
        return pending
