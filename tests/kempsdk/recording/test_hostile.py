"""What is not an answer, or a damaged one: a typed error or the right model, never a wrong one."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, get_args

import pytest

from kempsdk import (
    ApiDisabled,
    AuthenticationFailed,
    BadAnswer,
    CommandRejected,
    HealthCheckTimers,
    KempError,
    LoadMaster,
    Outcome,
    OutcomeUnknown,
    RateLimited,
    RsRef,
    Unreachable,
    VirtualService,
    VsRef,
)
from kempsdk.recording import replay
from kempsdk.recording.conversation import Api

HOSTILE: Final = Path(__file__).parents[3] / "fixtures" / "hostile"
WEB: Final = VsRef.parse("tcp/192.0.2.101:80")
TIMERS: Final = HealthCheckTimers(retry_interval_s=9, timeout_s=4, retry_count=2)

BOTH: Final = get_args(Api)
ERRORS: Final[dict[str, tuple[type[KempError], tuple[Api, ...]]]] = {
    "html-401": (AuthenticationFailed, BOTH),
    "html-404": (ApiDisabled, BOTH),
    "html-503": (BadAnswer, BOTH),
    "html-200": (BadAnswer, BOTH),
    "empty": (BadAnswer, BOTH),
    "truncated": (BadAnswer, BOTH),
    "cut-short": (BadAnswer, BOTH),
    "oversized": (BadAnswer, BOTH),
    "rate-limit": (RateLimited, BOTH),
    "refused-connection": (Unreachable, BOTH),
    "lost-write": (OutcomeUnknown, BOTH),
    "entity-bomb": (BadAnswer, ("v1",)),
    "external-entity": (BadAnswer, ("v1",)),
    "array": (BadAnswer, ("v2",)),
    "fail-with-status-200": (CommandRejected, ("v2",)),
}
ANSWERS: Final[dict[str, tuple[Api, ...]]] = {
    "rate-limit-then-answer": BOTH,
    "lost-read": BOTH,
    "late-read": BOTH,
    "other-encoding": BOTH,
    "preprocess-rules": BOTH,
    "entry-without-list": ("v2",),
}


def _ask(lm: LoadMaster, name: str) -> object:
    special: dict[str, Callable[[], object]] = {
        "lost-write": lambda: lm.virtual_services.delete(WEB),
        "other-encoding": lambda: lm.parameters.get("motd"),
        "preprocess-rules": lambda: lm.virtual_services.get(WEB),
        "entry-without-list": lm.virtual_services.list,
    }
    return special.get(name, lm.health_checks.get)()


@pytest.mark.parametrize(
    ("name", "kind", "api"),
    [(name, kind, api) for name, (kind, apis) in ERRORS.items() for api in apis],
)
def test_errors(name: str, kind: type[KempError], api: Api) -> None:
    with (
        replay(HOSTILE / f"{name}-{api}") as box,
        box.client() as lm,
        pytest.raises(KempError) as raised,
    ):
        _ask(lm, name)
    assert type(raised.value) is kind
    assert raised.value.command == ("delvs" if name == "lost-write" else "showhealth")


def test_outcome_of_a_lost_write_is_unknown() -> None:
    with (
        replay(HOSTILE / "lost-write-v2") as box,
        box.client() as lm,
        pytest.raises(OutcomeUnknown) as raised,
    ):
        lm.virtual_services.delete(WEB)
    assert raised.value.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("name", "api"), [(name, api) for name, apis in ANSWERS.items() for api in apis]
)
def test_answers(name: str, api: Api) -> None:
    with replay(HOSTILE / f"{name}-{api}") as box, box.client() as lm:
        got = _ask(lm, name)
    if name == "other-encoding":
        assert got == "Zürich, Genève, Málaga"
    elif name == "preprocess-rules":
        assert got == _service_with_rules("v1")
        assert isinstance(got, VirtualService)
        assert got.ref == WEB
        assert "images" in repr(got)
        assert "styles" in repr(got)
    elif name == "entry-without-list":
        assert isinstance(got, tuple)
        (service,) = got
        assert isinstance(service, VirtualService)
        assert service.ref == WEB
        assert [one.ref for one in service.real_servers] == [RsRef("198.51.100.11", 80)]
    else:
        assert got == TIMERS


def _service_with_rules(api: Api) -> object:
    with replay(HOSTILE / f"preprocess-rules-{api}") as box, box.client() as lm:
        return lm.virtual_services.get(WEB)


def test_every_hostile_recording_is_used() -> None:
    expected = {f"{name}-{api}.yaml" for name, (_, apis) in ERRORS.items() for api in apis}
    expected |= {f"{name}-{api}.yaml" for name, apis in ANSWERS.items() for api in apis}
    assert {one.name for one in HOSTILE.iterdir()} == expected
