"""The page of a run, looked at in a real browser."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from cli.report_document import report_document
from cli.report_page import report_page
from orchestrator.rollout.history import history
from orchestrator.rollout.measured import Measured, MeasuredPhase, event_of, measured_in
from orchestrator.rollout.plan import Warned
from orchestrator.rollout.records import Event, Request, RequestKind, RequestState
from orchestrator.rollout.report import HostReport, RunReport, StepReport
from orchestrator.rollout.store import Store
from tests.cli.conftest import Terminal
from tests.orchestrator.rollout.long_run import long_plan, store_run

BEGAN_S = 1_780_000_000.0
SERVICE = "tcp/203.0.113.250:80"
MEASURED = Measured(
    service=f"{SERVICE} on lb1",
    source="clients in the lab",
    sent=500,
    failed=3,
    downloads=8,
    cut=1,
    failures=("12.003 s, phase batch 1, fresh: connection refused",),
    phases=(
        MeasuredPhase(name="before", sent=100, failed=0),
        MeasuredPhase(name="batch 1", sent=400, failed=3),
    ),
)
HOSTILE = "<script>console.error('run')</script>"


def step(server: str, kind: str, phase: str, at_s: float, **more: Any) -> StepReport:
    plain = StepReport(
        id=f"{server}/{kind}",
        phase=phase,
        status="done",
        why=f"because of {kind}",
        started_s=BEGAN_S + at_s,
        seconds=20.0,
    )
    return replace(plain, **more)


def host(name: str, *steps: StepReport, outcome: Any = "done", reason: str = "") -> HostReport:
    return HostReport(
        name=name,
        server=f"203.0.113.1{name[-1]}:80",
        outcome=outcome,
        reason=reason,
        started_s=steps[0].started_s if steps else None,
        seconds=60.0 if steps else None,
        standing="enabled",
        steps=steps,
    )


def a_run(**more: Any) -> RunReport:
    web1 = host(
        "web1",
        step("web1", "disable", "out", 5, before={"enabled": True}, after={"enabled": False}),
        step("web1", "drain", "out", 25, evidence=("LoadMaster 0, host 0",)),
        step("web1", "healthy", "in", 45),
    )
    web2 = host(
        "web2",
        step("web2", "disable", "out", 70),
        step(
            "web2",
            "healthy",
            "in",
            100,
            status="failed",
            gate="healthy-deadline",
            reason=f"was Up for 2 s {HOSTILE}",
        ),
        outcome="failed",
        reason=f"was Up for 2 s {HOSTILE}",
    )
    plain = RunReport(
        run_id="a1b2c3d4",
        state="paused",
        reason="web2 failed",
        kind="roll",
        services=(f"{SERVICE} on lb1",),
        attempts=1,
        started_s=BEGAN_S,
        ended_s=BEGAN_S + 130,
        fingerprint="ab" * 32,
        warnings=(Warned(id="l4-has-no-drain", message="works at layer 4", cure=""),),
        measured=(MEASURED,),
        hosts={one.name: one for one in (web1, web2, host("web3", outcome="not_attempted"))},
    )
    return replace(plain, **more)


def some_events() -> list[Event]:
    def event(at_s: float, kind: str, server: str | None = None, **data: Any) -> Event:
        text = "canary approved by ops" if kind == "approved" else kind
        return Event(
            run_id="a1b2c3d4", at_s=BEGAN_S + at_s, kind=kind, text=text, server=server, data=data
        )

    return [
        event(4, "healthy", service=SERVICE, healthy=3, floor=2),
        event(26, "waiting", "web1", connections=12),
        event(30, "waiting", "web1", connections=None),
        event(35, "waiting", "web1", connections=3),
        event(40, "waiting", "web1", connections=0),
        event(50, "healthy", service=SERVICE, healthy=2, floor=2),
        event(60, "approved"),
    ]


def test_times_and_counts_of_a_run() -> None:
    run = history(a_run(), some_events())
    assert run.seconds == 130
    assert [(bar.step, bar.from_s, bar.to_s) for bar in run.lanes[0].bars] == [
        ("disable", 5, 25),
        ("drain", 25, 45),
        ("healthy", 45, 65),
    ]
    assert [point.value for point in run.connections["web1"]] == [12, None, 3, 0]
    assert [(one.service, one.floor, len(one.points)) for one in run.health] == [(SERVICE, 2, 2)]
    assert [(one.step, one.setting, one.before, one.after) for one in run.changes] == [
        ("web1/disable", "enabled", "yes", "no")
    ]
    assert [(one.step, one.outcome) for one in run.gates] == [
        ("web1/drain", "opened"),
        ("web2/healthy", "refused"),
    ]
    assert [one.text for one in run.words] == ["canary approved by ops"]


def test_what_a_step_that_was_begun_anew_did_before_is_drawn_too() -> None:
    """Stopped by a pause, then failed; the journal has the third and last call only."""

    def event(at_s: float, kind: str, text: str = "") -> Event:
        return Event(
            run_id="a1b2c3d4",
            at_s=BEGAN_S + at_s,
            kind=kind,
            text=text,
            server="web1",
            step="web1/drain",
            data={},
        )

    events = [event(5, "step-started"), event(9, "waiting"), event(12, "step-stopped")]
    events += [event(20, "step-started"), event(30, "step-failed", "not drained")]
    events += [event(50.1, "step-started"), event(69, "step-ended")]
    last = step("web1", "drain", "out", 50)
    (lane,) = history(a_run(hosts={"web1": host("web1", last)}), events).lanes
    assert [(bar.from_s, bar.to_s, bar.status) for bar in lane.bars] == [
        (5, 12, "stopped"),
        (20, 30, "failed"),
        (50, 70, "done"),
    ]
    assert lane.bars[1].text == "not drained"
    # One that took no time is there once.
    (lane,) = history(
        a_run(hosts={"web1": host("web1", step("web1", "drain", "out", 5, seconds=0.0))}),
        [event(5, "step-started"), event(5, "step-ended")],
    ).lanes
    assert len(lane.bars) == 1
    # Killed in the middle: the journal's own bar reaches from the first call on.
    killed = step("web1", "drain", "out", 5, seconds=60.0)
    (lane,) = history(a_run(hosts={"web1": host("web1", killed)}), events[:2] + events[5:]).lanes
    assert [(bar.from_s, bar.to_s) for bar in lane.bars] == [(5, 65)]


def test_what_is_not_opened_is_not_said_to_be() -> None:
    cut = step(
        "web1", "drain", "out", 5, status="forced", evidence=("7 connections are going to be cut",)
    )
    late = step("web2", "drain", "out", 5, status="skipped", reason="not drained after 600 s")
    now = step("web3", "drain", "out", 5, status="again", seconds=None, reason="killed")
    hosts = {one.id.partition("/")[0]: one for one in (cut, late, now)}
    run = history(a_run(hosts={name: host(name, one) for name, one in hosts.items()}), [])
    assert [(one.outcome, one.evidence) for one in run.gates] == [
        ("forced", ("7 connections are going to be cut",)),
        ("skipped", ("not drained after 600 s",)),
        ("in hand", ("killed",)),
    ]


def test_who_asked_and_approved_and_who_held_on() -> None:
    approved = Request(
        number=1,
        run_id="a1b2c3d4",
        kind=RequestKind.APPROVE,
        target="batch 1",
        asked_by="amy@desk",
        asked_s=BEGAN_S + 55,
        note="looks good",
        state=RequestState.TAKEN,
        answer="the run goes on",
        answered_s=BEGAN_S + 56,
    )
    skipped = replace(
        approved, kind=RequestKind.SKIP, target="web3", note="", state=RequestState.ASKED
    )
    held = {"address": "198.51.100.9", "connections": 2, "seen_for_s": 4.0}
    first = replace(some_events()[1], data={"connections": 12, "holders": [held]})
    later = replace(first, data={"connections": 3, "holders": [{**held, "seen_for_s": 31.0}]})
    run = history(a_run(asked=(approved, skipped)), [*some_events(), first, later])
    assert [one.text for one in run.words] == [
        "approve batch 1 by amy@desk (looks good): the run goes on",
        "skip web3 by amy@desk: not answered yet",
        "canary approved by ops",
    ]
    page, data, document = report_page(run), run.to_data(), report_document(run)
    assert data["asked"][0]["asked_by"] == "amy@desk"
    assert data["holders"] == {"web1": [{**held, "seen_for_s": 31.0, "ended": 0}]}
    assert data["connections"]["web1"][1] == {"at_s": 30.0, "value": None}
    assert data["health"][0]["floor"] == 2
    for words in ("approve batch 1 by amy@desk (looks good)", "198.51.100.9 2 times for 31 s"):
        assert words in page
        assert words in document
    assert f"| {SERVICE} | 2 | 2 |" in document
    assert "| web1 | 12 | 3 | 198.51.100.9 2 times for 31 s |" in document
    assert "| 5.0 | web1/disable | enabled | yes | no |" in document


def test_a_change_of_the_host_is_told_with_what_it_led_to() -> None:
    file = "/etc/sysctl.d/90-kemp-dsr.conf"
    before = {"net/ipv4/conf/all/arp_ignore": 0, "/etc/hosts": "a\nb\n", file: None}
    after = {"net/ipv4/conf/all/arp_ignore": 1, "/etc/hosts": "a\nc\n", file: "x = 1\n"}
    made = step("web1", "prepare-host", "host", 5, before=before, after=after)
    broken = step("web2", "prepare-host", "host", 5, status="failed", before=before)
    called = step(
        "web2", "action", "action", 9, before={"argv": ["deploy", "a b"]}, evidence=("exit code 0",)
    )
    hosts = {"web1": host("web1", made), "web2": host("web2", broken, called)}
    told = [(one.setting, one.before, one.after) for one in history(a_run(hosts=hosts), []).changes]
    assert told[:3] == [
        ("net/ipv4/conf/all/arp_ignore", "0", "1"),
        ("/etc/hosts", "b", "c"),
        (file, "no file", "x = 1"),
    ]
    assert [after for _, _, after in told[3:6]] == ["not known"] * 3
    assert told[6] == ("call", "", "deploy 'a b': exit code 0")


def test_what_was_measured_is_kept_as_an_event_and_is_no_sign_of_life() -> None:
    kept = event_of("a1b2c3d4", BEGAN_S + 3600, MEASURED)
    # As it comes back from a store.
    kept = replace(kept, data=json.loads(json.dumps(kept.data)))
    assert kept.text == f"{SERVICE} on lb1: 3 of 500 requests failed, 1 of 8 downloads cut"
    assert measured_in([*some_events(), kept]) == (MEASURED,)
    assert history(a_run(), [*some_events(), kept]) == history(a_run(), some_events())


def test_what_was_measured_is_in_the_report_of_a_stored_run(kemp: Terminal, tmp_path: Path) -> None:
    kemp.environ = {"KEMP_STORE": str(tmp_path / "store")}
    with Store(tmp_path / "store") as store:
        store_run(store, "r1", long_plan(2, boxes=1, batch=2))
        without = kemp("rollout", "report", "r1").out
        store.add_event(event_of("r1", BEGAN_S, MEASURED))
    shown = kemp("rollout", "report", "r1").out
    assert "clients in the lab" not in without
    assert f"{SERVICE} on lb1: 3 of 500 requests failed, 1 of 8 downloads cut" in shown
    assert "before 0 of 100, batch 1 3 of 400" in shown
    (data,) = json.loads(kemp("rollout", "report", "r1", "-o", "json").out)["measured"]
    assert (data["sent"], data["failed"], data["phases"][1]["failed"]) == (500, 3, 3)
    assert re.search(r"\| batch 1 +\| +400 \| +3 \|", kemp("rollout", "report", "-o", "md").out)
    page = tmp_path / "page.html"
    assert kemp("rollout", "report", "r1", "--html", str(page)).code == 0
    assert "Requests while it went on" in page.read_text()


def test_a_step_in_hand_reaches_to_the_last_sign_of_life() -> None:
    hosts = {"web1": host("web1", step("web1", "drain", "out", 10, seconds=None))}
    run = history(a_run(hosts=hosts, ended_s=None), some_events())
    assert (run.lanes[0].bars[0].to_s, run.seconds) == (60, 60)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("needs chromium: 'apt-get install chromium' or 'dnf install chromium'")
    quiet = ["--disable-gpu", "--no-first-run", "--disable-background-networking"]
    quiet += ["--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=found, args=quiet, chromium_sandbox=os.geteuid() != 0
        )
        yield opened
        opened.close()


def show(browser: Browser, file: Path, **look: Any) -> tuple[Page, list[str]]:
    """Open the page; return it and what its console and the network say."""
    page = browser.new_context(viewport={"width": 1200, "height": 900}, **look).new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda sent: said.append(sent.url) if sent.url != file.as_uri() else None)
    page.goto(file.as_uri())
    return page, said


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "report.html"
    file.write_text(report_page(history(a_run(), some_events())), encoding="utf-8")
    return file


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_drawn_and_says_nothing_to_the_console(
    browser: Browser, file: Path, scheme: str
) -> None:
    page, said = show(browser, file, color_scheme=scheme)
    assert said == []
    for text in ("Roll of tcp/203.0.113.250:80", "1 of 3 servers", "canary approved by ops"):
        assert page.get_by_text(text).first.is_visible(), text
    bars = page.locator("#timeline rect.bar")
    assert bars.count() == 5
    boxes = [bar.bounding_box() for bar in bars.all()]
    assert all(box is not None and box["width"] > 10 and box["height"] > 5 for box in boxes)
    assert page.locator("#timeline rect.status-failed").count() == 1
    # The gap of what could not be read splits the line.
    assert page.locator("polyline.left").count() == 2
    assert page.locator("line.floor").count() == 1
    # One server stays out to the end of the picture.
    healthy = page.locator("polyline.healthy").get_attribute("points") or ""
    assert healthy.split()[-2:] == ["330.8,30.0", "860.0,30.0"]
    counts = page.locator("table.counts tr")
    assert [row.inner_text().split("\t") for row in counts.all()] == [
        ["Phase", "Sent", "Failed"],
        ["before", "100", "0"],
        ["batch 1", "400", "3"],
        ["all", "500", "3"],
    ]
    assert page.get_by_text("8 downloads, 1 cut").is_visible()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(255, 255, 255)") is (scheme == "light")
    page.context.close()


def test_on_paper_the_ground_is_white_and_nothing_is_cut_off(browser: Browser, file: Path) -> None:
    page, _ = show(browser, file, color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    # What is pale on black would not be seen on white.
    colour = "one => getComputedStyle(one).color"
    assert page.locator("td.done").first.evaluate(colour) == "rgb(46, 125, 50)"
    page.set_viewport_size({"width": 760, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.context.close()


def test_on_a_narrow_screen_nothing_is_wider_than_it_and_no_word_is_broken(
    browser: Browser, file: Path
) -> None:
    page, said = show(browser, file, color_scheme="dark")
    page.set_viewport_size({"width": 400, "height": 900})
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for text in ("web1/disable", "opened", "l4-has-no-drain"):
        box = page.get_by_text(text, exact=True).first.bounding_box()
        assert box is not None
        assert box["height"] < 35, f"{text} takes more than one line"
    # What stands beside one another does not stand in one another.
    overlaps = page.evaluate(
        """() => [...document.querySelectorAll("table.rows td")].filter(cell => {
            const next = cell.nextElementSibling;
            if (!next) return false;
            const [left, right] = [cell, next].map(one => one.getBoundingClientRect());
            return left.top === right.top && (
                cell.scrollWidth > cell.clientWidth || right.left < left.right - 1);
        }).map(cell => cell.textContent)"""
    )
    assert overlaps == []
    # The pictures keep their size, and are moved in their frame.
    assert page.locator("#timeline").evaluate("one => one.clientWidth") > 500
    page.context.close()


def test_what_a_host_says_is_text_and_not_markup(browser: Browser, file: Path) -> None:
    page, said = show(browser, file)
    assert said == []
    assert page.locator("td", has_text=HOSTILE).first.is_visible()
    page.context.close()


def test_a_run_that_did_nothing_has_a_page_too(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    hosts = {"web1": host("web1", outcome="unchanged", reason="already in service")}
    report = a_run(hosts=hosts, state="finished", ended_s=BEGAN_S, warnings=())
    file.write_text(report_page(history(report, [])), encoding="utf-8")
    page, said = show(browser, file)
    assert said == []
    assert page.get_by_text("nothing was changed").is_visible()
    page.context.close()
