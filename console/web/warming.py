"""Make ready what the first people at the workbench would wait for."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from reconciliation import trace
from state.failures import StoreError
from sync import process

if TYPE_CHECKING:
    from fastapi import FastAPI


def warm_up(app: FastAPI) -> None:
    """Compile every page, of which the first request for each would take a tenth of a second more, make what traces
    compute in and put findings in their order: one to two seconds' work.

    What is there then stays, so garbage is looked for among what requests make from now on: to look through all of it
    takes 150 ms, for which every page that is being made would wait.
    A store that cannot be reached is left to the requests, which say so.
    """
    desk = app.state.desk
    for name in desk.pages.list_templates(extensions=["j2"]):
        desk.pages.get_template(name)
    trace.warm_up(desk.settings)
    with suppress(StoreError):
        app.state.listings.warm_up()
    process.started()
