"""SubVSs: against a virtual LoadMaster, and against scripted oddities."""

import threading
from typing import Any

import pytest

from kempsdk.client import LoadMaster
from kempsdk.errors import BadAnswer, InvalidRequest, NotFound, OutcomeUnknown, WriteNotApplied
from kempsdk.references import RsRef, SubVsRef, VsRef
from kempsdk.words import Schedule, ServiceType
from tests.kempsdk.test_virtual_services import DONE, REF, SHOWN, scripted


@pytest.fixture
def parent(lm: LoadMaster) -> VsRef:
    ref = VsRef.parse("tcp/10.0.1.250:443")
    lm.virtual_services.create(ref, nickname="parent")
    return ref


def test_a_life(lm: LoadMaster, parent: VsRef) -> None:
    made = lm.sub_virtual_services.create(parent, nickname="blue", type=ServiceType.HTTP)
    assert made.name == "blue"
    assert made.service is not None
    assert made.service.type is ServiceType.HTTP
    assert made.ref == SubVsRef(parent, made.rs_index)

    server = RsRef.parse("10.0.1.11:80")
    assert lm.real_servers.add(made.ref, server, weight=5).weight == 5
    assert lm.real_servers.disable_in(made.ref, server).enabled is False
    assert [one.ref for one in lm.real_servers.list(made.ref)] == [server]

    slot = lm.sub_virtual_services.set_slot(made.ref, weight=7, limit=9, critical=True)
    assert (slot.weight, slot.limit, slot.critical, slot.enabled) == (7, 9, True, True)

    now = lm.sub_virtual_services.update(made.ref, schedule=Schedule.LEAST_CONNECTION, enable=False)
    assert now.enabled is False
    assert now.service is not None
    assert now.service.schedule is Schedule.LEAST_CONNECTION
    assert lm.sub_virtual_services.get(made.ref) == now
    assert [one.ref for one in lm.sub_virtual_services.list(parent)] == [made.ref]

    lm.sub_virtual_services.delete(made.ref)
    assert lm.sub_virtual_services.list(parent) == ()
    with pytest.raises(NotFound):
        lm.sub_virtual_services.get(made.ref)


def test_references_survive_renumbering(lm: LoadMaster, parent: VsRef, web: VsRef) -> None:
    made = lm.sub_virtual_services.create(parent, nickname="blue")
    lm.virtual_services.delete(web)
    lm.parameters.set("finalpersist", 120)
    now = lm.sub_virtual_services.update(made.ref, schedule=Schedule.FIXED)
    assert now.index != made.index
    assert now.name == "blue"


def test_threads_get_a_sub_service_each(lm: LoadMaster, parent: VsRef) -> None:
    made = []

    def make(name: str) -> None:
        made.append(lm.sub_virtual_services.create(parent, nickname=name))

    threads = [threading.Thread(target=make, args=(f"s{n}",)) for n in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(20)
    assert sorted(str(one.name) for one in made) == [f"s{n}" for n in range(6)]
    assert len({one.ref for one in made}) == 6


def with_slots(*slots: dict[str, Any]) -> dict[str, object]:
    return {**SHOWN, "SubVS": list(slots)}


SLOT = {"VSIndex": 7, "RsIndex": 5, "Weight": 1000, "Enable": True}
INNER = {"Index": 7, "VSPort": "0", "Protocol": "tcp", "MasterVSID": 1}


def test_two_new_ones_at_once_cannot_be_told_apart() -> None:
    other = {**SLOT, "VSIndex": 8, "RsIndex": 6}
    lm, _ = scripted(showvs=[with_slots(), with_slots(SLOT, other)], modvs=[DONE])
    with pytest.raises(OutcomeUnknown, match="2 SubVSs"):
        lm.sub_virtual_services.create(REF)


def test_none_was_made() -> None:
    lm, _ = scripted(showvs=[with_slots()], modvs=[DONE])
    with pytest.raises(WriteNotApplied, match="no SubVS"):
        lm.sub_virtual_services.create(REF)


def test_an_index_that_moved_is_looked_up_again() -> None:
    moved = {**SLOT, "VSIndex": 6}
    lm, transport = scripted(
        # Between the two calls index 7 went to a service with an address of its own.
        showvs=[with_slots(SLOT), {**SHOWN, "Index": 7}, with_slots(moved), {**INNER, "Index": 6}]
    )
    found = lm.sub_virtual_services.get(SubVsRef(REF, 5))
    assert found.index == 6
    assert [one.params["vs"] for one in transport.calls] == ["10.0.1.250", 7, "10.0.1.250", 6]


def test_an_index_that_keeps_moving() -> None:
    lm, _ = scripted(showvs=[with_slots(SLOT), SHOWN, with_slots(SLOT), SHOWN])
    with pytest.raises(BadAnswer, match="keeps changing"):
        lm.sub_virtual_services.get(SubVsRef(REF, 5))


def test_a_slot_is_addressed_like_a_server_of_the_parent() -> None:
    lm, transport = scripted(modrs=[DONE], showvs=[with_slots({**SLOT, "Weight": 3})])
    lm.sub_virtual_services.set_slot(SubVsRef(REF, 5), weight=3)
    place = {"vs": "10.0.1.250", "port": 80, "prot": "tcp"}
    assert transport.calls[0].params == {**place, "rs": "!5", "weight": 3}
    with pytest.raises(WriteNotApplied, match="weight: asked 4, got 3"):
        lm.sub_virtual_services.set_slot(SubVsRef(REF, 5), weight=4)
    with pytest.raises(InvalidRequest):
        lm.sub_virtual_services.set_slot(SubVsRef(REF, 5), weight=0)
    with pytest.raises(InvalidRequest, match="nothing to set"):
        lm.sub_virtual_services.set_slot(SubVsRef(REF, 5))
