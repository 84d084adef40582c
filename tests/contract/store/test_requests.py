"""What people ask of a run: once, and answered once."""

import pytest

from orchestrator.errors import AlreadyAsked, RunNotFound
from orchestrator.rollout.records import RequestKind, RequestState
from orchestrator.rollout.store import Store
from tests.contract.store.at_once import at_once


def test_a_request_is_asked_once_and_answered_once(run: Store) -> None:
    asked = run.requests.ask("r1", RequestKind.PAUSE, asked_by="ada", now_s=10, note="lunch")
    assert run.requests.open("r1") == (asked,)
    with pytest.raises(AlreadyAsked, match="ada asked for pause 5 s ago") as already:
        run.requests.ask("r1", RequestKind.PAUSE, asked_by="bob", now_s=15)
    assert already.value.by == "ada"
    run.requests.ask("r1", RequestKind.SKIP, "web1", asked_by="bob", now_s=15)
    run.requests.ask("r1", RequestKind.SKIP, "web2", asked_by="bob", now_s=15)
    assert run.requests.take(asked, now_s=20, answer="done")
    assert not run.requests.take(asked, now_s=21)
    assert not run.requests.refuse(asked, "too late", now_s=21)
    answered = run.requests.get(asked.number)
    assert (answered.state, answered.answer, answered.answered_s) == (
        RequestState.TAKEN,
        "done",
        20,
    )
    assert [one.words for one in run.requests.open("r1")] == ["skip web1", "skip web2"]
    # Answered, it may be asked again.
    run.requests.ask("r1", RequestKind.PAUSE, asked_by="bob", now_s=30)
    assert len(run.requests.of_run("r1")) == 4
    with pytest.raises(RunNotFound):
        run.requests.ask("r2", RequestKind.PAUSE, asked_by="ada", now_s=1)
    with pytest.raises(RunNotFound):
        run.requests.get(4711)


def test_a_gate_is_approved_once(run: Store) -> None:
    approve = RequestKind.APPROVE
    asked = run.requests.ask("r1", approve, "canary", asked_by="ada", now_s=1, once=True)
    assert run.requests.take(asked, now_s=2)
    with pytest.raises(AlreadyAsked, match="ada asked for approve canary 2 s ago, and it was done"):
        run.requests.ask("r1", approve, "canary", asked_by="bob", now_s=3, once=True)
    other = run.requests.ask("r1", approve, "half", asked_by="bob", now_s=3, once=True)
    assert run.requests.refuse(other, "it does not wait for that", now_s=4)
    run.requests.ask("r1", approve, "half", asked_by="bob", now_s=5, once=True)


def test_of_operators_who_approve_at_once_one_wins(run: Store, place: str) -> None:
    won: list[str] = []
    told: list[str] = []

    def approve(store: Store, name: str) -> None:
        try:
            store.requests.ask(
                "r1", RequestKind.APPROVE, "canary", asked_by=name, now_s=1, once=True
            )
        except AlreadyAsked as already:
            told.append(already.by)
        else:
            won.append(name)

    at_once(place, [f"op{number}" for number in range(6)], approve)
    assert len(won) == 1
    assert told == won * 5
