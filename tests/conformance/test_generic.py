"""A stand-in is made of any manifest: however it pages, writes times, proves who it is and says no."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance import catalogue
from conformance.generic.world import world_of
from conformance.runner import Run, Status
from conformance.worlds import NoWorld
from conformance.worlds import world_of as found

SHOP = yaml.safe_load(Path(__file__).with_name("shop.yaml").read_text())
_TELLING = (
    "initial-pull",
    "full-last-page",
    "times-at-the-cursor",
    "killed-after-every-page",
    "deleted-while-paging",
    "late-commit",
    "wrong-credentials",
    "token-ends",
    "fifty-threads-one-token",
    "quota-used-up",
    "error-inside-a-success",
    "changed-at-the-last-moment",
    "refused-in-part",
    "answer-lost",
    "deletions-are-told",
    "sweep-is-complete",
    "forged",
)
"""Checks that look at what differs between manifests."""
_LISTED = {"since": "{since}", "until": "{until}", "size": "{size}"}
_OAUTH = {
    "token_url": "https://login.example/oauth/token",
    "client_id": "{config.client}",
    "client_secret": "{config.token}",
}
_SIGNED = {
    "headers": {
        "X-Time": "{timestamp}",
        "X-Sign": "{hmac('sha256', config.token, join('', [timestamp, method, path, query, body]), 'hex')}",
    }
}


def _list(**query: str) -> dict[str, Any]:
    return {"get": "/orders", "query": {**_LISTED, **query}}


KINDS: dict[str, dict[str, Any]] = {
    "pages by number": {"list": _list(page="{page}"), "paging": {"by": "page", "size": 100}},
    "pages by number, told the last": {
        "list": _list(page="{page}"),
        "paging": {"by": "page", "size": 100, "more": "paging.has_more", "start": 0},
    },
    "offset": {"list": _list(begin="{offset}"), "paging": {"by": "offset", "size": 100}},
    "cursor in the body of a POST": {
        "list": {
            "post": "/orders/search",
            "body": {"filter": [["changed", ">=", "{since}"]], "at": "{cursor}", "n": "{size}"},
        },
        "paging": {"by": "cursor", "size": 100, "next": "meta.cursor"},
    },
    "cursor in a header": {
        "list": _list(cursor="{cursor}"),
        "paging": {"by": "cursor", "size": 100, "next_header": "X-Next"},
    },
    "link header": {"list": _list(), "paging": {"by": "link", "size": 100}},
    "next address in the answer": {
        "list": _list(),
        "paging": {"by": "link", "size": 100, "next": "links.next"},
    },
    "last id": {"list": _list(after="{last_id}"), "paging": {"by": "last_id", "size": 100}},
    "deep records, two keys, a flag for deletions": {
        "records": "data.orders",
        "key": ["head.id", "head.part"],
        "one": {"get": "/orders/{id}", "record": "data"},
        "deletes": {"when": "head.state == 'deleted'"},
        "version": {"field": "head.changed", "format": "%d.%m.%Y %H:%M:%S", "zone": "Asia/Shanghai"},
    },
    "swept, compared with greater than": {"deletes": "sweep", "incremental": {"overlap": 60, "boundary": ">"}},
    "a version number as condition": {
        "version": {"field": "rev", "format": "number"},
        "list": _list(page="{page}"),
        "paging": {"by": "page"},
        "incremental": {"times": {"format": "iso"}, "overlap": 120},
        "update": {
            "post": "/orders/{id}/edit",
            "form": {"status": "{values.status}", "note": "{values.note}", "rev": "{version}"},
        },
    },
    "read whole each time": {
        "version": None,
        "incremental": None,
        "deletes": "sweep",
        "list": {"get": "/orders", "query": {"page": "{page}", "size": "{size}"}},
        "paging": {"by": "page"},
    },
}
AUTHS: dict[str, dict[str, Any]] = {
    "basic": {"basic": {"user": "{config.client}", "password": "{config.token}"}},
    "header": {"headers": {"X-Api-Key": "{config.token}"}},
    "parameter": {"query": {"api_key": "{config.token}"}},
    "oauth2, client credentials": {"oauth2": _OAUTH},
    "oauth2, refresh token that rotates": {
        "oauth2": {**_OAUTH, "grant": "refresh_token", "refresh_token": "{config.first}", "credentials": "body"}
    },
    "signed requests": {"sign": _SIGNED},
}


def _failures(folder: Path, manifest: dict[str, Any]) -> tuple[list[str], int]:
    """What the manifest's connector fails of the telling checks, and how many it passes."""
    path = folder / "shop.yaml"
    path.write_text(yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True))
    with Run(world_of(path)) as run:
        results = list(run.results(catalogue.chosen(_TELLING)))
    bad = [f"{item.check.name}: {item.why['en']}" for item in results if item.status in ("failed", "broken")]
    return bad, sum(item.status is Status.PASSED for item in results)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_list_of_any_kind_is_played_and_read_without_loss(tmp_path: Path, kind: dict[str, Any]) -> None:
    stream = {name: item for name, item in {**SHOP["streams"]["order"], **kind}.items() if item is not None}
    if isinstance(stream["key"], list):
        # The webhook of the shop names its records by one part.
        manifest = {**SHOP, "streams": {"order": stream}, "webhook": {**SHOP["webhook"], "events": [_two_parts()]}}
    else:
        manifest = {**SHOP, "streams": {"order": stream}}
    bad, passed = _failures(tmp_path, manifest)
    assert bad == []
    assert passed >= 8


def _two_parts() -> dict[str, Any]:
    return {"when": "event == 'changed'", "stream": "order", "source_id": ["id", "part"]}


@pytest.mark.parametrize("auth", AUTHS.values(), ids=AUTHS)
def test_credentials_of_any_kind_are_asked_for(tmp_path: Path, auth: dict[str, Any]) -> None:
    settings = {"token": {"type": "secret"}, "client": {"about": "Client id"}, "first": {"type": "secret"}}
    bad, passed = _failures(tmp_path, {**SHOP, "settings": settings, "auth": auth})
    assert bad == []
    assert passed >= 12


def test_a_webhook_whose_requests_show_the_secret_itself_is_played_without_what_needs_a_signature(
    tmp_path: Path,
) -> None:
    shared = {"scheme": "shared-key", "field": "key", "id": {"field": "delivery"}}
    path = tmp_path / "shop.yaml"
    path.write_text(yaml.safe_dump({**SHOP, "webhook": {**SHOP["webhook"], "signature": shared}}))
    with Run(world_of(path)) as run:
        results = {item.check.name: item for item in run.results(catalogue.chosen(("webhooks",)))}
    assert [(name, item.why) for name, item in results.items() if item.status in ("failed", "broken")] == []
    assert results["forged"].status is Status.PASSED
    assert results["altered-body"].status is Status.NOT_APPLICABLE


def test_a_manifest_that_cannot_be_played_is_told_so(tmp_path: Path) -> None:
    stream = {**SHOP["streams"]["order"], "records": "rows[?state != 'old'] | reverse(@)"}
    path = tmp_path / "odd.yaml"
    path.write_text(yaml.safe_dump({**SHOP, "name": "odd", "streams": {"order": stream}}))
    with pytest.raises(NoWorld, match="No stand-in can be made of odd"):
        found(str(path))
