"""``ltc quarantine retry`` and what is shown of one record: the step that fails, and no personal value."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import settings
from console import in_quarantine
from sandbox.jiandaoyun import JiandaoyunServer
from state import quarantine
from state.store import Store, open_store
from tests.console.company import data, forms, ltc, submit, system, write


@pytest.fixture
def server() -> Iterator[JiandaoyunServer]:
    with forms(3) as opened:
        yield opened


@pytest.fixture
def config(server: JiandaoyunServer, tmp_path: Path) -> Path:
    """One lead with a status that nobody mapped."""
    path = write(tmp_path, {"forms": system(server)}, store=f"sqlite:///{tmp_path / 'ltc.db'}")
    ltc(path, "pull")
    return path


@pytest.fixture
def store(config: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{config.parent / 'ltc.db'}") as opened:
        yield opened


def mend(config: Path) -> None:
    """Write a mapping that knows the status."""
    (config.parent / "mended.yaml").write_text(
        yaml.safe_dump(
            {
                "version": 1,
                "extends": "jiandaoyun",
                "streams": {"lead": {"status": {"values": {"没人认识": "nurturing"}}}},
            }
        )
    )
    ltc_yaml = yaml.safe_load(config.read_text(encoding="utf-8"))
    ltc_yaml["systems"]["forms"]["mapping"] = "mended.yaml"
    config.write_text(yaml.safe_dump(ltc_yaml, allow_unicode=True), encoding="utf-8")


def test_a_record_is_understood_again_once_the_mapping_is_mended(config: Path, server: JiandaoyunServer) -> None:
    server.forget()
    assert "understood now: 0, still not: 1." in ltc(config, "quarantine", "retry", "forms").stdout
    mend(config)
    done = ltc(config, "quarantine", "retry", "forms", "--stream", "lead")
    assert (done.exit_code, "understood now: 1, still not: 0." in done.stdout) == (0, True)
    assert data(ltc(config, "quarantine", "list", "--json")) == []
    assert "Every record could be understood" in ltc(config, "quarantine", "retry", "forms").stdout
    assert server.requests() == []
    assert data(ltc(config, "runs", "--json"))[0]["kind"] == "replay"


def test_a_record_is_discarded_listed_as_such_and_put_back(config: Path, store: Store) -> None:
    (refused,) = data(ltc(config, "quarantine", "list", "--json"))
    done = ltc(config, "quarantine", "discard", "forms.lead", refused["source_id"], "--reason", "A test entry")
    assert (done.exit_code, done.stdout.strip()) == (0, f"forms.lead:{refused['source_id']}: discarded.")
    listing = ltc(config, "quarantine").stdout
    assert "No record is on the list" in listing
    assert "1 record was discarded" in listing
    assert "A test entry" in ltc(config, "quarantine", "list", "--discarded").stdout
    (off,) = data(ltc(config, "quarantine", "list", "--discarded", "--json"))
    assert (off["source_id"], off["discard_reason"]) == (refused["source_id"], "A test entry")
    assert off["discarded_by"]
    assert off["discarded_at"]
    status = data(ltc(config, "status", "--json"))
    (stream,) = [item for item in status["streams"] if item["stream"] == "lead"]
    assert (stream["quarantined"], stream["discarded"]) == (0, 1)
    assert "discarded it on" in ltc(config, "trace", refused["source_id"]).stdout
    assert "Every record could be understood" in ltc(config, "quarantine", "retry", "forms").stdout
    back = ltc(config, "quarantine", "undiscard", "forms.lead", refused["source_id"])
    assert back.stdout.strip() == f"forms.lead:{refused['source_id']}: back on the list."
    assert len(data(ltc(config, "quarantine", "list", "--json"))) == 1
    assert "No record is discarded" in ltc(config, "quarantine", "list", "--discarded").stdout


def test_a_record_is_edited_listed_without_the_text_and_taken_back(config: Path, server: JiandaoyunServer) -> None:
    (refused,) = data(ltc(config, "quarantine", "list", "--json"))
    record = ("forms.lead", refused["source_id"])
    wrong = ltc(config, "quarantine", "edit", *record, "--set", "status=没人听说")
    assert (wrong.exit_code, "Nothing was changed: status" in wrong.stderr) == (2, True)
    assert "is no single place" in ltc(config, "quarantine", "edit", *record, "--set", "a.b=x").stderr
    assert "Write it as PATH=TEXT" in ltc(config, "quarantine", "edit", *record, "--set", "status").stderr
    assert "Not in quarantine" in ltc(config, "quarantine", "edit", "forms.lead", "x", "--set", "a=b").stderr
    assert "No record is edited" in ltc(config, "quarantine", "edits").stdout
    done = ltc(config, "quarantine", "edit", *record, "--set", "status=待分配", "--reason", "A typing error")
    assert (done.exit_code, "understood with what you gave instead" in done.stdout) == (0, True)
    assert data(ltc(config, "quarantine", "list", "--json")) == []
    (edited,) = data(ltc(config, "quarantine", "edits", "--json"))
    assert (edited["path"], edited["reason"]) == ("status", "A typing error")
    assert "待分配" not in ltc(config, "quarantine", "edits", "--system", "forms").stdout
    assert "What was received counts again" in ltc(config, "quarantine", "unedit", *record).stdout
    assert len(data(ltc(config, "quarantine", "list", "--json"))) == 1
    assert "Not edited" in ltc(config, "quarantine", "unedit", *record).stderr


def test_all_of_a_stream_are_discarded_and_put_back(config: Path, server: JiandaoyunServer) -> None:
    submit(server, 7, status="没人认识")
    ltc(config, "pull")
    done = ltc(config, "quarantine", "discard", "forms.lead", "--all", "--reason", "From before")
    assert done.stdout.strip() == "forms.lead: 2 records discarded."
    assert data(ltc(config, "quarantine", "list", "--json")) == []
    back = ltc(config, "quarantine", "undiscard", "forms.lead", "--all")
    assert back.stdout.strip() == "forms.lead: 2 records back on the list."
    assert len(data(ltc(config, "quarantine", "list", "--json"))) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["discard", "forms.lead", "nobody", "--reason", "x"], "Not on the list in forms.lead: 'nobody'"),
        (["discard", "forms", "nobody", "--reason", "x"], "is no stream"),
        (["discard", "forms.lead", "--reason", "x"], "or --all"),
        (["discard", "forms.lead", "a", "--all", "--reason", "x"], "or --all"),
        (["discard", "forms.lead", "--all", "--reason", " "], "with a reason"),
        (["undiscard", "forms.lead", "nobody"], "Not discarded in forms.lead"),
    ],
)
def test_what_cannot_be_discarded_is_said_and_nothing_is(config: Path, arguments: list[str], said: str) -> None:
    refused = ltc(config, "quarantine", *arguments)
    assert (refused.exit_code, said in refused.stderr) == (2, True)
    assert len(data(ltc(config, "quarantine", "list", "--json"))) == 1


def test_a_record_is_shown_step_by_step_and_personal_values_only_on_demand(config: Path, store: Store) -> None:
    known = settings.load(config)
    with store.reading() as connection:
        (refused,) = quarantine.listing(connection)
    masked = in_quarantine.inspect(store, known, refused.record_id, False)
    whole = in_quarantine.inspect(store, known, refused.record_id, True)
    assert masked is not None
    assert masked.tested is not None
    assert whole is not None
    assert [item.name for item in masked.tested.fields if item.error] == ["status"]
    assert "lead0@example.com" not in repr(masked)
    assert "联系人 0" not in repr(masked)
    assert "lead0@example.com" in whole.text
    assert in_quarantine.inspect(store, known, 999, True) is None


def test_a_trace_of_a_record_in_quarantine_says_so_and_why(config: Path, store: Store) -> None:
    with store.reading() as connection:
        (refused,) = quarantine.listing(connection)
    said = ltc(config, "trace", refused.source_id)
    assert said.exit_code == 0
    assert f"{refused.source_id} (lead in forms) has been in quarantine since" in said.stdout
    assert "没人认识" in said.stdout
