"""What a rehearsal says at its end, to a terminal and in a document."""

from cli.rehearsal_text import rehearsal_document, rehearsal_text
from orchestrator.rehearsal.result import FiredGate, LowestFloor, Result, Traffic, judged
from orchestrator.rehearsal.trouble import FaultResult

WEB = "tcp/10.20.0.250:80 on lb1"


def a_result(*, failed: int, fault: bool) -> Result:
    """Return what a run showed; with a fault it paused at a gate."""
    return judged(
        Result(
            kind="roll",
            state="paused" if fault else "finished",
            reason="b failed" if fault else "every server is done",
            speed=1.0,
            seconds=61.7,
            servers={"a": "done", "b": "failed" if fault else "done"},
            floors=(LowestFloor(service=WEB, lowest=1, asked=1),),
            traffic=(
                Traffic(
                    service=WEB,
                    requests=500,
                    failed=failed,
                    downloads=8,
                    cut=0,
                    failures=(),
                    by_server={"a": 250, "b": 250},
                    latency_p99_ms=12.5,
                    late_ms=3.0,
                ),
            ),
            gates=(
                (FiredGate(gate="floor", step="b/disable", reason="0 are left", evidence=()),)
                if fault
                else ()
            ),
            faults=(FaultResult(name="server-dies", server="b", struck=True),) if fault else (),
            addresses={"10.20.0.250": "203.0.113.250"},
            notes=("not rebuilt: ssl_acceleration",),
        )
    )


def test_a_clean_one() -> None:
    text = rehearsal_text(a_result(failed=0, fault=False).to_data(), colour=False).splitlines()
    assert text[:2] == [
        "rehearsal of roll: clean (finished)",
        "expected duration 62 s; a done, b done",
    ]
    assert f"{WEB}               1      1" in text
    assert "Gates that fired" not in text
    assert text[-1] == "not as in production: not rebuilt: ssl_acceleration"


def test_one_with_findings() -> None:
    result = a_result(failed=3, fault=True)
    text = rehearsal_text(result.to_data(), colour=False)
    assert text.startswith("rehearsal of roll: 3 findings (paused)\n")
    document = rehearsal_document(result.to_data())
    for finding in (
        "the rollout ends paused: b failed",
        "gate floor fired at b/disable: 0 are left",
        f"{WEB}: 3 of 500 requests failed",
    ):
        assert f"\nfinding: {finding}\n" in text
        assert f"* {finding}" in document
    for row in (
        f"| {WEB} | 1 | 1 |",
        f"| {WEB} | 500 | 3 | 8 | 0 | 12.5 |",
        "| floor | b/disable | 0 are left |",
        "| server-dies | b | yes |",
        "| 10.20.0.250 | 203.0.113.250 |",
        "* not rebuilt: ssl\\_acceleration",
    ):
        assert row in document, document


def test_one_that_came_to_nothing() -> None:
    refused = judged(Result(kind="roll", state="refused", reason="one server only", speed=1.0))
    text = rehearsal_text(refused.to_data(), colour=False)
    assert "finding: the rollout ends refused: one server only\nnothing was run\n" in text
