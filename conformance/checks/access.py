"""Failing: credentials that are wrong, tokens that end, many that renew one at a time, and secrets that stay secret."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from conformance.catalogue import check
from conformance.lab import Lab
from conformance.listening import expect_no_secret, logged, told
from conformance.needs import Need
from conformance.racing import PROCESSES, race
from conformance.sleeping import really
from conformance.world import Answer, Wish
from connectors.errors import AuthError
from connectors.services import Services

_THREADS = 50
_SLOW_SECONDS = 0.5


@check(
    Need.CREDENTIALS,
    en="Wrong credentials stop the system at once: they are not tried again and again, and not shown.",
    zh="凭据错误时立即停止：不反复尝试，也不显示。",
)
def wrong_credentials(lab: Lab) -> None:
    """From the first request on."""
    error = lab.raises(AuthError, lambda: lab.pull(lab.reader(), lab.connect(wrong=True)), "Wrong credentials")
    asked = len(lab.world.requests())
    lab.expect(asked <= 3, f"They are sent {asked} times.")
    lab.expect(bool(error.remedy), "The error does not say what to do.")


@check(
    Need.TOKENS,
    en="A token that ends in the middle of a pull is renewed once, and the pull goes on.",
    zh="拉取途中令牌过期时刷新一次并继续。",
    grave=True,
)
def token_ends(lab: Lab) -> None:
    """After the first page."""
    lab.world.insert(lab.stage, lab.stage.page * 3)
    connector, reader = lab.connect(), lab.reader()

    def end(number: int, _: object) -> None:
        if number == 1:
            lab.world.expire_tokens()

    lab.pull(reader, connector, between=end)
    lab.pull(reader, connector)
    lab.same(reader)
    granted = len(lab.world.requests(lab.world.token))
    lab.expect(granted == 2, f"Tokens are asked for {granted} times, not twice.")


@check(
    Need.TOKENS,
    en="A token that is refused although it is new is not renewed without end.",
    zh="新令牌仍被拒绝时不会无限刷新。",
)
def token_never_good(lab: Lab) -> None:
    """Every call is refused."""
    said = lab.world.says("denied") or Answer(401)
    lab.world.faults.answer(lab.stage.list, said.status, said.body, headers=said.headers, times=1000)
    lab.raises(AuthError, lambda: lab.pull(lab.reader(), lab.connect()), "A token that is never good")
    asked = len(lab.world.requests())
    lab.expect(asked <= 8, f"It takes {asked} requests to give up.")


@check(
    Need.TOKENS,
    en="Fifty threads and two more processes whose token has ended get one new one between them.",
    zh="五十个线程和另外两个进程的令牌同时过期时，总共只刷新一次。",
    once=True,
    seconds=180.0,
)
def fifty_threads_one_token(lab: Lab) -> None:
    """Twice: at the beginning and after the token has ended. Where each process logs in for itself, one a process."""
    lab.world.insert(lab.stage, 3)
    connector, budget = lab.connect(), lab.services.budget
    window, each = lab.window(connector), 1 + PROCESSES if lab.world.own_sessions else 1
    with (
        TemporaryDirectory(prefix="ltc-conformance-") as folder,
        race(Path(folder), lab.world.place(), lab.world.config(Wish()), lab.stage.stream) as others,
    ):
        connector.services = Services(lambda: others.vault, lambda: budget)
        for generation in (1, 2):
            # Who renews takes so long that everyone else has come to it meanwhile.
            lab.world.faults.meanwhile(lab.world.token, lambda: really(_SLOW_SECONDS), times=1 + PROCESSES)
            failed = others.run(window, _THREADS, lambda: next(iter(connector.pull(lab.stage.stream, None, window))))
            lab.expect(not failed, f"In another process it ends with {' and '.join(sorted(set(failed)))}")
            asked, would_do = len(lab.world.requests(lab.world.token)), generation * each
            lab.expect(asked == would_do, f"{asked} tokens are asked for where {would_do} would do.")
            lab.world.faults.clear()
            lab.world.expire_tokens()


@check(
    en="No secret shows in any error, in its causes, or in a log, whatever fails.",
    zh="无论何种失败，错误、其原因与日志中都不出现密钥。",
    grave=True,
    once=True,
)
def secrets_stay_secret(lab: Lab) -> None:
    """A server that sends back what it was sent, refusals, broken answers; all loggers at their lowest level."""
    lab.world.insert(lab.stage, 3)
    texts: list[str] = []
    with logged(texts):
        for number in range(6):
            if lab.can(Need.TOKENS):
                lab.world.expire_tokens()
            _break(lab, number)
            texts += told(lab, lab.connect(wrong=number == 5 and lab.can(Need.CREDENTIALS)))
            lab.world.faults.clear()
    expect_no_secret(lab, texts)


def _break(lab: Lab, number: int) -> None:
    faults, everything = lab.world.faults, ""
    body = " ".join(lab.world.secrets) or "secret"
    match number:
        case 0:
            faults.answer(everything, 400, {"error": body, "message": body}, times=1000)
        case 1:
            faults.answer(everything, 401, {"error": body}, times=1000)
        case 2:
            faults.answer(everything, 200, f"<html>{body}</html>", times=1000)
        case 3:
            faults.cut(everything, times=1000)
        case 4:
            faults.answer(everything, 302, headers={"Location": f"https://kit.example/?{body}"}, times=1000)
        case _:
            pass
