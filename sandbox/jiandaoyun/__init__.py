"""A stand-in for the open API v5 of 简道云 Jiandaoyun: forms, rows, business codes, limits, people.

from sandbox.jiandaoyun import start

with start(world) as server:
    config = server.config          # what the connector's Config takes
    server.people.edit(data_id, {"status": "跟进中"})
"""

from sandbox.jiandaoyun.seed import APP_ID, LEAD_ALIASES, LEAD_ENTRY_ID, lead_form, native_data_id, seed
from sandbox.jiandaoyun.server import API_KEY, JiandaoyunServer, start

__all__ = [
    "API_KEY",
    "APP_ID",
    "LEAD_ALIASES",
    "LEAD_ENTRY_ID",
    "JiandaoyunServer",
    "lead_form",
    "native_data_id",
    "seed",
    "start",
]
