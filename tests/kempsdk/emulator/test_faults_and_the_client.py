"""Each fault, met by the real client over real HTTPS: the typed error, the outcome, the truth.

Every test runs twice: with the faults armed on the Python object and through a control port.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from kempsdk.client import LoadMaster
from kempsdk.emulator import (
    ControlPort,
    Fault,
    FaultKind,
    HighAvailabilityPair,
    RemoteControl,
    Switches,
    VirtualLoadMaster,
)
from kempsdk.emulator.controls import Controls
from kempsdk.emulator.faults import When
from kempsdk.errors import (
    ApiDisabled,
    AuthenticationFailed,
    BadAnswer,
    CommandRejected,
    KempError,
    NotFound,
    Outcome,
    OutcomeUnknown,
    RateLimited,
    Unreachable,
)
from kempsdk.references import VsRef
from tests.fakes.clock import FakeClock

WEB = VsRef.parse("tcp/10.0.1.250:80")
TIMEOUT_S = 1.0


class Stage:
    """A device, how to trouble it, and clients of it whose waits between attempts cost nothing."""

    def __init__(self, device: VirtualLoadMaster | HighAvailabilityPair, controls: Controls):
        self.device = device
        self.controls = controls
        self.opened = ExitStack()

    def client(self, api: str, timeout: float = 10.0) -> LoadMaster:
        client = self.device.client(api=api, clock=FakeClock(), timeout=timeout)
        return self.opened.enter_context(client)

    def there(self) -> bool:
        """Whether the service exists on the device."""
        found = self.controls.run("showvs", vs=WEB.address, port=WEB.port, prot="tcp")
        return bool(found["code"] == 200)


def _stage(device: VirtualLoadMaster | HighAvailabilityPair, how: str) -> Iterator[Stage]:
    with ExitStack() as stack:
        stack.enter_context(device)
        controls: Controls = device
        if how == "control port":
            controls = RemoteControl(stack.enter_context(ControlPort(device)).url)
        stage = Stage(device, controls)
        with stage.opened:
            yield stage


@pytest.fixture(params=["object", "control port"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    box = VirtualLoadMaster(switches=Switches(rate_limit=False), health="up")
    yield from _stage(box, request.param)


@pytest.fixture(params=["object", "control port"])
def pair(request: pytest.FixtureRequest) -> Iterator[Stage]:
    pair = HighAvailabilityPair(switches=Switches(rate_limit=False), health="up")
    yield from _stage(pair, request.param)


@pytest.mark.parametrize(
    ("fault", "error", "outcome", "ran"),
    [
        (Fault(kind=FaultKind.CLOSE_BEFORE_TLS, times=9), RateLimited, Outcome.NOT_SENT, False),
        (Fault(kind=FaultKind.CLOSE), OutcomeUnknown, Outcome.UNKNOWN, True),
        (Fault(kind=FaultKind.CLOSE, when="before"), OutcomeUnknown, Outcome.UNKNOWN, False),
        (Fault(kind=FaultKind.TRUNCATE), BadAnswer, Outcome.UNKNOWN, True),
        (Fault(kind=FaultKind.GARBAGE), BadAnswer, Outcome.UNKNOWN, True),
        (Fault(kind=FaultKind.GARBAGE, when="before"), BadAnswer, Outcome.UNKNOWN, False),
        (Fault(kind=FaultKind.PAGE), BadAnswer, Outcome.UNKNOWN, False),
        (Fault(kind=FaultKind.PAGE, when="after"), BadAnswer, Outcome.UNKNOWN, True),
        (Fault(kind=FaultKind.PAGE, status=401), AuthenticationFailed, Outcome.REJECTED, False),
        (Fault(kind=FaultKind.PAGE, status=404), ApiDisabled, Outcome.REJECTED, False),
        (Fault(kind=FaultKind.REJECT), CommandRejected, Outcome.REJECTED, False),
        (Fault(kind=FaultKind.REJECT, message="Unknown VS"), NotFound, Outcome.REJECTED, False),
    ],
    ids=lambda one: f"{one.kind.value} {one.when} {one.status}" if isinstance(one, Fault) else "",
)
@pytest.mark.parametrize("api", ["v1", "v2"])
def test_a_write(
    stage: Stage, api: str, fault: Fault, error: type[KempError], outcome: Outcome, ran: bool
) -> None:
    lm = stage.client(api)
    stage.controls.arm(fault)
    with pytest.raises(error) as raised:
        lm.commands.addvs(vs=WEB.address, port=80, prot="tcp")
    assert type(raised.value) is error
    assert raised.value.outcome is outcome
    assert stage.there() is ran
    (record,) = stage.controls.faults
    assert record.struck == (4 if fault.times == 9 else 1)
    stage.controls.disarm()
    assert (lm.commands.listapi() is not None, stage.controls.faults) == (True, ())


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_write_that_takes_too_long(stage: Stage, when: When) -> None:
    lm = stage.client("v2", timeout=TIMEOUT_S)
    stage.controls.arm(Fault(kind=FaultKind.DELAY, when=when, seconds=1.5 * TIMEOUT_S))
    with pytest.raises(OutcomeUnknown):
        lm.commands.addvs(vs=WEB.address, port=80, prot="tcp")
    assert stage.there() is (when == "after")
    deadline = time.monotonic() + 20
    while not stage.there():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=FaultKind.CLOSE_BEFORE_TLS, times=2),
        Fault(kind=FaultKind.CLOSE, times=2),
        Fault(kind=FaultKind.CLOSE, when="before", times=2),
        Fault(kind=FaultKind.TRUNCATE, times=2),
    ],
    ids=lambda one: f"{one.kind.value} {one.when}",
)
@pytest.mark.parametrize("api", ["v1", "v2"])
def test_a_read_is_repeated(stage: Stage, api: str, fault: Fault) -> None:
    lm = stage.client(api)
    stage.controls.run("addvs", vs=WEB.address, port=80, prot="tcp")
    stage.controls.arm(fault)
    assert [one.ref for one in lm.virtual_services.list()] == [WEB]
    (record,) = stage.controls.faults
    assert (record.struck, record.armed) == (2, False)


@pytest.mark.parametrize("kind", [FaultKind.CLOSE, FaultKind.CLOSE_BEFORE_TLS])
def test_a_read_is_not_repeated_for_ever(stage: Stage, kind: FaultKind) -> None:
    lm = stage.client("v2")
    stage.controls.arm(Fault(kind=kind, times=None))
    with pytest.raises(Unreachable):
        lm.virtual_services.list()
    (record,) = stage.controls.faults
    assert (record.struck, record.armed) == (4, True)


def test_a_delayed_answer_is_waited_for(stage: Stage) -> None:
    lm = stage.client("v1")
    stage.controls.delay(0.3)
    started = time.monotonic()
    assert lm.virtual_services.list() == ()
    assert time.monotonic() - started >= 0.3


def test_only_the_named_command_and_only_after_some(stage: Stage) -> None:
    lm = stage.client("v2")
    stage.controls.arm(Fault(kind=FaultKind.REJECT, command="logging.df", skip=2, times=1))
    for wanted in (True, True, False, True):
        lm.virtual_services.list()
        if wanted:
            lm.commands.logging_df()
        else:
            with pytest.raises(CommandRejected):
                lm.commands.logging_df()
    (record,) = stage.controls.faults
    assert (record.passed, record.struck) == (2, 1)
    codes = [one.code for one in stage.controls.calls if one.command == "logging/df"]
    assert codes == [200, 200, 422, 200]


def test_statistics_that_stand_still(stage: Stage) -> None:
    lm = stage.client("v2")
    stage.controls.freeze_stats(True)
    stood = lm.statistics.read()
    time.sleep(0.01)
    stage.controls.sample_now()
    assert lm.statistics.read() == stood
    stage.controls.freeze_stats(False)
    stage.controls.sample_now()
    assert lm.statistics.read() != stood


def test_an_administrator_changes_things_between_two_calls(stage: Stage) -> None:
    lm = stage.client("v2")
    stage.controls.run("addvs", vs=WEB.address, port=80, prot="tcp")
    for number in (1, 2):
        stage.controls.run("addrs", vs=1, rs=f"198.51.100.{number}", rsport=80)
    disable = {"cmd": "modrs", "vs": 1, "rs": "!1", "enable": "N"}
    stage.controls.arm(
        Fault(kind=FaultKind.CHANGE, when="after", command="listvs", skip=1, calls=[disable])
    )
    before = [one.enabled for one in lm.virtual_services.list()[0].real_servers]
    # The second list is answered as it was, then comes the change.
    assert [one.enabled for one in lm.virtual_services.list()[0].real_servers] == before
    assert [one.enabled for one in lm.virtual_services.list()[0].real_servers] == [False, True]
    # What the other did is none of the client's calls.
    assert [one.command for one in stage.controls.calls] == ["listvs"] * 3


def test_a_server_is_gone_right_before_it_is_changed(stage: Stage) -> None:
    lm = stage.client("v1")
    stage.controls.run("addvs", vs=WEB.address, port=80, prot="tcp")
    stage.controls.run("addrs", vs=1, rs="198.51.100.1", rsport=80)
    gone = {"cmd": "delrs", "vs": 1, "rs": "!1"}
    stage.controls.arm(Fault(kind=FaultKind.CHANGE, command="modrs", calls=[gone, gone]))
    with pytest.raises(NotFound):
        lm.commands.modrs(vs=1, rs="!1", weight=7)
    (record,) = stage.controls.faults
    # The second deletion found nothing, which the record tells.
    assert record.errors == ("delrs: Unknown RS",)


def test_a_change_meets_the_answer_it_is_lost_with(stage: Stage) -> None:
    lm = stage.client("v2")
    added = {"cmd": "addvs", "vs": WEB.address, "port": 80, "prot": "tcp"}
    stage.controls.arm(Fault(kind=FaultKind.CHANGE, calls=[added], command="delvs", when="after"))
    stage.controls.arm(Fault(kind=FaultKind.CLOSE, command="delvs"))
    stage.controls.run("addvs", vs=WEB.address, port=80, prot="tcp")
    with pytest.raises(OutcomeUnknown):
        lm.commands.delvs(vs=WEB.address, port=80, prot="tcp")
    # Deleted, made anew by the other, and the answer lost.
    assert stage.there()
    assert [one.errors for one in stage.controls.faults] == [(), ()]


def test_a_failover_on_demand(pair: Stage) -> None:
    lm = pair.client("v2")
    lm.virtual_services.create(WEB)
    before = lm.parameters.get("hamode")
    pair.controls.failover()
    assert lm.parameters.get("hamode") != before
    assert lm.virtual_services.get(WEB).ref == WEB
    assert [one["active"] for one in pair.controls.description()["units"]] == [False, True]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_failover_in_the_middle_of_a_write(pair: Stage, when: When) -> None:
    lm = pair.client("v2")
    before = lm.parameters.get("hamode")
    pair.controls.arm(Fault(kind=FaultKind.FAILOVER, when=when, command="addvs"))
    with pytest.raises(OutcomeUnknown):
        lm.commands.addvs(vs=WEB.address, port=80, prot="tcp")
    assert lm.parameters.get("hamode") != before
    assert pair.there() is (when == "after")


def test_a_fault_strikes_whichever_unit_is_asked(pair: Stage) -> None:
    lm = pair.client("v2")
    pair.controls.arm(Fault(kind=FaultKind.REJECT, command="listvs", skip=1))
    lm.virtual_services.list()
    pair.controls.failover()
    with pytest.raises(CommandRejected):
        lm.virtual_services.list()
    assert [(one.command, one.code) for one in pair.controls.calls] == [
        ("listvs", 200),
        ("listvs", 422),
    ]


def test_close_before_tls_at_the_shared_address(pair: Stage) -> None:
    lm = pair.client("v2")
    lm.virtual_services.list()
    pair.controls.close_before_tls(9)
    with pytest.raises(RateLimited):
        lm.virtual_services.list()
    pair.controls.close_before_tls(0)
    assert lm.virtual_services.list() == ()


def test_the_health_of_one_server(stage: Stage) -> None:
    lm = stage.client("v2")
    stage.controls.run("addvs", vs=WEB.address, port=80, prot="tcp")
    stage.controls.run("addrs", vs=1, rs="198.51.100.1", rsport=80)
    states = []
    for up in (False, True, None):
        stage.controls.set_health("198.51.100.1", 80, up)
        states.append(lm.virtual_services.get(WEB).real_servers[0].status.value)
    assert states == ["Down", "Up", "Up"]


def test_no_failover_without_a_pair(stage: Stage) -> None:
    with pytest.raises(ValueError, match="no pair"):
        stage.controls.failover()
    with pytest.raises(ValueError, match="no pair"):
        stage.controls.arm(Fault(kind=FaultKind.FAILOVER))
    with pytest.raises(ValueError, match="no command 'addsv'"):
        stage.controls.arm(Fault(kind=FaultKind.CHANGE, calls=[{"cmd": "addsv"}]))
    assert stage.controls.faults == ()
    assert stage.controls.description()["url"] == stage.device.url
