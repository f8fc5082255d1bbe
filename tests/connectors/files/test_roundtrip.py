"""Whatever is written as CSV is read back as it was."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.contract import CallStats
from connectors.files.config import FilesConfig
from connectors.files.formats import TableReader
from connectors.files.local import LocalFolder
from connectors.files.spool import copied

CELLS = st.text(st.sampled_from("ab1 ,;|\t\"'\r\n上海é€-."), max_size=12)
ROWS = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8)


@settings(deadline=None)
@given(
    rows=ROWS,
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_csv_comes_back_as_it_was_written(
    tmp_path_factory: object, rows: list[tuple[str, str]], delimiter: str, encoding: str, end: str
) -> None:
    text = io.StringIO(newline="")
    # Python's writer leaves a lone \\r unquoted where it thinks that no quotes are needed.
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "名称", "note"])
    writer.writerows((number, *row) for number, row in enumerate(rows))
    folder = LocalFolder(_folder(tmp_path_factory))
    (_folder(tmp_path_factory) / "a.csv").write_bytes(text.getvalue().encode(encoding))
    stream = {
        "pattern": "*",
        "entity": "order",
        "key": ["id"],
        "encoding": "auto" if encoding != "gb18030" else encoding,
    }
    config = FilesConfig.model_validate({"folder": folder.where, "streams": {"order": stream}})

    [entry] = folder.list(["*"], 10)
    with copied(folder, entry, 1e9, CallStats()) as spool:
        assert spool is not None
        found = [json.loads(item.body) for item in TableReader(config.streams["order"], config.limits).items(spool)]

    assert found == [{"id": str(n), "名称": first, "note": second} for n, (first, second) in enumerate(rows)]


def _folder(factory: object) -> Path:
    path: Path = factory.getbasetemp() / "roundtrip"  # type: ignore[attr-defined]
    path.mkdir(exist_ok=True)
    return path
