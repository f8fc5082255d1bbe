"""A manifest that cannot work is refused before anything is sent, with its line and what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors import registry
from connectors.declarative.load import ManifestError, load
from connectors.network import AddressRefused
from tests.connectors.declarative.conftest import MANIFEST


def _problems(tmp_path: Path, old: str, new: str) -> list[str]:
    assert old in MANIFEST
    path = tmp_path / "desk.yaml"
    path.write_text(MANIFEST.replace(old, new, 1))
    with pytest.raises(ManifestError) as caught:
        load(path)
    return [f"{problem.where} {problem.what}" for problem in caught.value.problems]


MISTAKES = {
    "unknown key": ("    key: id\n", "    kee: id\n", ":18 `streams.order.kee` is not known here. Did you mean `key`?"),
    "unknown variable": ("{since}", "{sinse}", "there is no {sinse} here; did you mean {since}?"),
    "variable of another paging": ("{page}", "{offset}", "knows {offset} only with `paging: {by: offset"),
    "no progress": (', page: "{page}"', "", "paging by page needs {page} somewhere in the request"),
    "no window": ('since: "{since}", ', "", "incremental needs {since} somewhere in the request"),
    "other host in a path": ("get: /orders,", "get: 'https://evil.example/orders',", "must be a path below base_url"),
    "host by two slashes": ("get: /orders,", "get: //evil.example/orders,", "must be a path below base_url"),
    "out of the base": ("get: /orders,", "get: /../admin,", "must not lead out of base_url"),
    "query in a path": ("get: /orders,", "get: '/orders?x=1',", "what comes after a ? goes under query"),
    "bad expression": ("records: result.rows", "records: 'result..rows'", "is no JMESPath expression"),
    "unknown function": ("records: result.rows", "records: 'rows(@)'", "there is no function rows()"),
    "open hole": ("{page}", "{page", "a { is not closed"),
    "secret outside of auth": ("/orders, query: {", '/orders, query: {t: "{token}", ', "there is no {token} here"),
    "setting that is not there": ("{config.token}", "{config.tokn}", "no setting tokn; did you mean {config.token}?"),
    "setting of a list": ("/orders, query: {", '/orders, query: {s: "{config.shop}", ', "there is no setting shop;"),
    "secret of a list": ("/orders, query: {", '/orders, query: {t: "{config.token}", ', "is a secret, which only auth"),
    "unknown paging": ("by: page", "by: pages", "Did you mean `page`?"),
    "unknown time format": ("format: milliseconds", "format: epoch", "is iso, seconds, milliseconds"),
    "write without reading": ('    one: {get: "/orders/{id}", record: result}\n', "", "update needs one"),
    "secret with a default": ("type: secret,", "type: secret, default: abc,", "a secret has no default"),
    "setting of ours": ("  token: {", "  network: {}\n  token: {", "network is a setting of every connector"),
    "two credentials": ('auth: {bearer: "{config.token}"}', 'auth: {bearer: x, query: {a: b}}', "more than one of"),
    "rule about nothing": ("errors:\n", "errors:\n  - {is: auth}\n", "needs a status, a condition under when, or both"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_line_and_what_is_right(mistake: str, tmp_path: Path) -> None:
    old, new, said = MISTAKES[mistake]
    problems = _problems(tmp_path, old, new)
    assert any(said in problem for problem in problems), problems
    assert all(problem.startswith("desk.yaml:") for problem in problems)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    problems = _problems(tmp_path, "    key: id\n    version: {field: changed,", "    version: {feld: changed,")
    assert len(problems) >= 2
    assert [int(item.split()[0].split(":")[1]) for item in problems] == sorted(
        int(item.split()[0].split(":")[1]) for item in problems
    )


@pytest.mark.parametrize(
    "content", ["", "- a\n", "streams: !!python/object/apply:os.system ['true']\n", "a: [" * 2000], ids=str.strip
)
def test_a_file_that_is_no_manifest_is_refused_without_doing_what_it_says(content: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(content)
    with pytest.raises(ManifestError):
        load(path)


def test_a_typical_two_way_system_takes_less_than_forty_lines() -> None:
    assert len(MANIFEST.strip().splitlines()) <= 40


def test_settings_are_checked_like_those_of_any_connector(tmp_path: Path) -> None:
    path = tmp_path / "desk.yaml"
    path.write_text(MANIFEST)
    kind = registry.load(str(path))
    with pytest.raises(ValueError, match="token"):
        kind.Config.model_validate({"base_url": "https://desk.example"})
    with pytest.raises(ValueError, match="tokn"):
        kind.Config.model_validate({"base_url": "https://desk.example", "token": "x", "tokn": "y"})
    with pytest.raises(ValueError, match="must start with https"):
        kind.Config.model_validate({"base_url": "http://desk.example", "token": "x"})
    assert "canary" not in repr(kind.Config.model_validate({"base_url": "https://desk.example", "token": "canary-1"}))


def test_tokens_are_not_asked_for_at_a_host_that_ltc_yaml_does_not_name(tmp_path: Path) -> None:
    path = tmp_path / "desk.yaml"
    oauth = 'auth: {oauth2: {token_url: "https://login.example/token", client_id: a, client_secret: "{config.token}"}}'
    path.write_text(MANIFEST.replace('auth: {bearer: "{config.token}"}', oauth))
    kind = registry.load(str(path))
    given = {"base_url": "https://desk.example", "token": "x"}
    with pytest.raises(AddressRefused, match="which is not the system's host"):
        kind(kind.Config.model_validate(given))
    with kind(kind.Config.model_validate({**given, "hosts": ["login.example"]})):
        pass
