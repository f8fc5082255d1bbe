"""Failing: a program that is run for its records and fails, ends too early, is killed, or says nothing any more."""

from __future__ import annotations

from conformance.catalogue import check
from conformance.lab import TIMEOUT, Lab
from conformance.listening import expect_no_secret, logged, told
from conformance.needs import Need
from conformance.offline import End, ProgramWorld
from connectors.errors import ConnectorError, TransientError


def _program(lab: Lab) -> ProgramWorld:
    world = lab.world
    assert isinstance(world, ProgramWorld)  # noqa: S101 - what these checks need
    return world


def _goes_on(lab: Lab, how: End, kinds: type[ConnectorError], what: str) -> None:
    """Before its first record, and after a page and a half: an error, and no record is missing in the end."""
    world = _program(lab)
    for after in (0, lab.stage.page * 3 // 2):
        world.empty()
        world.insert(lab.stage, lab.stage.page * 2)
        world.breaks(how, after)
        reader = lab.reader()
        lab.raises(kinds, lambda: lab.pull(reader, lab.connect()), what)  # noqa: B023 - called at once
        world.mend()
        lab.same(lab.pull(reader, lab.connect()), "after it")


@check(
    en="A program that ends with an error is not taken for done, and the next pull goes on without a gap.",
    zh="程序以错误结束时不视为完成，下次拉取无缺口地继续。",
    grave=True,
)
def program_fails(lab: Lab) -> None:
    """Status 1."""
    _goes_on(lab, "fails", ConnectorError, "A program that ends with an error")


@check(
    en="Output that ends in the middle of a line is an error, though the program says that all is well.",
    zh="输出在行中间结束即为错误，即使程序报告一切正常。",
    grave=True,
)
def program_ends_midway(lab: Lab) -> None:
    """Status 0."""
    _goes_on(lab, "ends midway", ConnectorError, "A program that ends in the middle of a line")


@check(
    en="A program that is killed is a passing failure, and the next pull goes on without a gap.",
    zh="程序被终止时报告为暂时性错误，下次拉取无缺口地继续。",
    grave=True,
)
def program_killed(lab: Lab) -> None:
    """As when memory is short."""
    _goes_on(lab, "is killed", TransientError, "A program that is killed")


@check(
    Need.TIMEOUT,
    en="A program that writes nothing any more is ended after the time-out, as a passing failure.",
    zh="程序不再输出时在超时后将其终止，并报告为暂时性错误。",
    once=True,
    seconds=60.0,
)
def program_hangs(lab: Lab) -> None:
    """And it is gone then."""
    world, reader = _program(lab), lab.reader()
    world.insert(lab.stage, lab.stage.page * 2)
    world.breaks("hangs", lab.stage.page * 3 // 2)
    lab.raises(TransientError, lambda: lab.pull(reader, lab.connect(timeout=TIMEOUT)), "A program that hangs")
    lab.expect(not world.running(), "The program is left behind.")
    world.mend()
    lab.same(lab.pull(reader, lab.connect()), "after it")


@check(
    en="A pull that is given up leaves no program behind.",
    zh="放弃拉取后不遗留任何程序。",
    once=True,
)
def program_left_behind(lab: Lab) -> None:
    """After its first page, while the program has more to say."""
    world = _program(lab)
    world.insert(lab.stage, lab.stage.page * 5)
    lab.pull(lab.reader(), lab.connect(), pages=1)
    lab.expect(not world.running(), "The program is left behind.")


@check(
    en="No secret that a program writes to its log shows in any error or log.",
    zh="程序写入其日志的密钥不会出现在任何错误或日志中。",
    grave=True,
    once=True,
)
def program_tells_secrets(lab: Lab) -> None:
    """Its last words are all secrets there are, in a sentence."""
    world, texts = _program(lab), list[str]()
    world.insert(lab.stage, 3)
    for how in ("fails", "ends midway", "is killed"):
        world.breaks(how, 0, says=f"Error: the key {' '.join(world.secrets)} is not known")
        with logged(texts):
            texts += told(lab, lab.connect())
        world.mend()
    expect_no_secret(lab, texts)
