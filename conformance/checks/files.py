"""Failing: files that are half written, cut off, put there twice, taken away, or that lead elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from conformance.catalogue import check
from conformance.lab import Lab, NotShown
from conformance.needs import Need
from conformance.offline import FolderWorld
from conformance.reader import Reader
from connectors.errors import ConnectorError


def _folder(lab: Lab) -> FolderWorld:
    world = lab.world
    assert isinstance(world, FolderWorld)  # noqa: S101 - what these checks need
    return world


def _is_list(lab: Lab) -> bool:
    """Whether each file is the whole list."""
    return lab.spec.deletes == "sweep"


@check(
    en="A file that is still being written is left alone, and is read whole once it is complete.",
    zh="仍在写入的文件不读取，写完后完整读取。",
    grave=True,
)
def half_written_file(lab: Lab) -> None:
    """Changed a moment ago; then under the names that programs give to what they have not finished."""
    world, connector = _folder(lab), lab.connect()
    world.insert(lab.stage, 5)
    reader = lab.pull(lab.reader(), connector)
    world.insert(lab.stage, 20)
    path, content = world.latest, world.latest.read_bytes()
    half = content[: len(content) // 2]
    world.begin(path, half)
    _left_alone(lab, reader, "A file that was changed a moment ago")
    path.unlink()
    for name in (f".{path.name}", f"~${path.name}", f"{path.name}.part", f"{path.name}.tmp"):
        unfinished = path.with_name(name)
        world.write(unfinished, half)
        _left_alone(lab, reader, f"A file with a name such as {name}")
        unfinished.unlink()
    world.write(path, content)
    lab.same(lab.pull(reader, connector), "when the file is complete")


def _left_alone(lab: Lab, reader: Reader, what: str) -> None:
    before = set(reader.ids)
    lab.pull(reader, lab.connect())
    lab.expect(reader.ids == before and not reader.new, f"{what} is read.")
    lab.expect(not reader.rejected, f"{what} is put aside as if it were broken.")


@check(
    en="A file that is empty or cut off keeps no other from being read, and is read anew when it is whole.",
    zh="空文件或被截断的文件不影响其他文件，恢复完整后重新读取。",
    grave=True,
)
def cut_off_file(lab: Lab) -> None:
    """Nothing, a third, two thirds of it, long ago."""
    world = _folder(lab)
    for part in (0, 1, 2):
        world.empty()
        reader, connector = lab.reader(), lab.connect()
        before = world.insert(lab.stage, 5)
        world.insert(lab.stage, 20)
        path = world.latest
        after = world.insert(lab.stage, 3)
        content = path.read_bytes()
        world.write(path, content[: len(content) * part // 3])
        lab.pull(reader, connector)
        others = set() if _is_list(lab) else {*before, *after}
        lab.expect(others <= reader.ids, "Records of other files are missing.")
        world.write(path, content)
        lab.same(lab.pull(reader, connector), "when the file is whole")


@check(
    en="A file that only has another time, or comes once more under another name, brings nothing new.",
    zh="仅时间变化或换名重复出现的文件不产生新内容。",
)
def same_file_again(lab: Lab) -> None:
    """The file that was read last."""
    world, connector, reader = _folder(lab), lab.connect(), lab.reader()
    world.insert(lab.stage, 20)
    lab.pull(reader, connector)
    path, content = world.latest, world.latest.read_bytes()
    world.write(path, content)
    lab.pull(reader, connector)
    lab.expect(not reader.new, f"{reader.new} records look new in a file of which only the time changed.")
    world.write(path.with_stem(f"{path.stem}-copy"), content)
    lab.pull(reader, connector)
    lab.expect(not reader.new, f"{reader.new} records look new in a copy of a file.")
    lab.same(reader)


@check(
    en="A file that is taken out of the folder takes no records with it.",
    zh="移走文件不会使其记录丢失。",
    grave=True,
)
def file_taken_away(lab: Lab) -> None:
    """One that was read, while another one is read page by page."""
    if _is_list(lab):
        raise NotShown("Each file is the whole list.")
    world, connector, reader = _folder(lab), lab.connect(), lab.reader()
    world.insert(lab.stage, 5)
    lab.pull(reader, connector)
    world.latest.unlink()
    world.insert(lab.stage, lab.stage.page + 5)
    first = min(world.folder.iterdir(), key=lambda path: (path.stat().st_mtime_ns, path.name))

    def take_away(number: int, _: object) -> None:
        if number == 1:
            first.unlink()

    lab.pull(reader, connector, between=take_away)
    lab.same(lab.pull(reader, connector))


@check(
    en="A link that leads out of the folder is not followed.",
    zh="不跟随指向文件夹外的链接。",
    grave=True,
)
def linked_file(lab: Lab) -> None:
    """To a file that would fit."""
    world = _folder(lab)
    world.insert(lab.stage, 3)
    outside = world.latest.replace(world.folder.parent / world.latest.name)
    world.latest.symlink_to(outside)
    reader = lab.pull(lab.reader(), lab.connect())
    outside.unlink()
    lab.expect(not reader.ids, "What is outside of the folder is read.")


@check(
    Need.SWEEP,
    en="A sweep takes no list that is gone, cut off or still being written for all there is.",
    zh="清查不会把缺失、被截断或仍在写入的清单当作全部。",
    grave=True,
)
def unfinished_list(lab: Lab) -> None:
    """It ends with an error, or tells of all."""
    world, connector = _folder(lab), lab.connect()
    world.insert(lab.stage, 20)
    path, everything = world.latest, set(lab.shown())
    for what in _unfinished(world, path):
        try:
            found = {source_id for part in connector.ids(lab.stage.stream) for source_id in part}
        except ConnectorError:
            continue
        lab.expect(found == everything, f"A list that is {what} is taken for all there is.")


def _unfinished(world: FolderWorld, path: Path) -> Iterator[str]:
    lines = path.read_bytes().splitlines(keepends=True)
    world.write(path, b"".join(lines)[:-9])
    yield "cut off"
    world.begin(path, b"".join(lines[: len(lines) // 2]))  # whole lines
    yield "still being written"
    path.unlink()
    yield "gone"
