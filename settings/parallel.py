"""Where the parts of linking are worked on: ``reconciliation.parallel`` of ltc.yaml."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Parallel(BaseModel):
    """Who compares the names, phones and tax ids of many parties; whoever does it, the result is the same.

    ``off``: this process alone. ``processes``: that many more on this machine. ``dask``: a Dask cluster, through
    Prefect's task runner, in runs under Prefect; others work as with ``off``. Without ``address`` a cluster of
    ``workers`` is started on this machine for the run.
    """

    model_config = ConfigDict(extra="forbid")

    runner: Literal["off", "processes", "dask"] = "off"
    workers: int = Field(2, ge=1, le=256)
    address: str | None = Field(None, pattern=r"^(tcp|tls|ws|wss|ucx)://[^\s@]+$")
    """Of the scheduler of a Dask cluster that runs, such as ``tls://scheduler:8786``."""

    @model_validator(mode="after")
    def _address_of_a_cluster(self) -> Parallel:
        if self.address is not None and self.runner != "dask":
            raise ValueError("address is that of a Dask cluster: it goes with runner: dask")
        return self
