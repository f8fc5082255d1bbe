"""The script by which the page on Singer taps confines one: the tap sees its settings, and nothing else of ours."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.connectors.singer.conftest import SECRET, Stage
from tests.docs.pages import blocks

PAGE = Path(__file__).parents[3] / "docs" / "connectors" / "singer.md"
TAP = """#!/bin/sh
seen=no
cat {ours} > /dev/null 2>&1 && seen=yes
touch "$0.written" 2> /dev/null && seen=written
[ -e /proc/{pid} ] && seen=process
told=no
grep -q '{secret}' "$2" && told=yes
echo '{{"type":"SCHEMA","stream":"orders","schema":{{"type":"object"}},"key_properties":["id"]}}'
echo '{{"type":"RECORD","stream":"orders","record":{{"id":1,"ours":"'$seen'","settings":"'$told'"}}}}'
"""
PROBE = ("bwrap", "--unshare-all", "--ro-bind", "/", "/", "true")


def _can_confine() -> bool:
    try:
        return subprocess.run(PROBE, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not _can_confine(), reason="bubblewrap is not installed, or may not be used here")
@pytest.mark.parametrize("network", [True, False])
def test_a_confined_tap_sees_its_settings_and_nothing_else_of_ours(stage: Stage, tmp_path: Path, network: bool) -> None:
    (script,) = (block.text for block in blocks(PAGE.read_text("utf-8")) if block.title == "/opt/taps/confined")
    taps, ours = tmp_path / "taps", tmp_path / "ltc.db"
    taps.mkdir()
    ours.write_text("what other systems told us")
    script = script.replace("/opt/taps", str(taps))
    (taps / "confined").write_text(script if network else script.replace(" --share-net", ""))
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        (taps / "tap").write_text(TAP.format(ours=ours, secret=SECRET, pid=sleeper.pid))
        for name in ("confined", "tap"):
            (taps / name).chmod(0o755)
        singer = stage.singer(executable=str(taps / "confined"), arguments=[str(taps / "tap")], catalog_argument="none")
        [page] = stage.pull(singer)
    finally:
        sleeper.kill()
        sleeper.wait()
    assert json.loads(page.records[0].body) == {"id": 1, "ours": "no", "settings": "yes"}
