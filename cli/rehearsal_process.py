"""The part of ``kemp rollout rehearse`` that runs in the private world.

``python -m cli.rehearsal_process JOB RESULT``, two file descriptors: reads the job from one as
JSON, writes the result to the other, and tells on stderr how it goes.
"""

import json
import os
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cli.exit_codes import ExitCode, tell

if TYPE_CHECKING:
    from orchestrator.rehearsal.rehearsal import Rehearsed


def main() -> int:
    """Rehearse; the exit code is kemp's."""
    job_fd, result_fd = map(int, sys.argv[1:])
    with os.fdopen(job_fd, encoding="utf-8") as source:
        job = json.load(source)
    try:
        done = _rehearse(job)
    except KeyboardInterrupt:
        sys.stderr.write("kemp: interrupted; the lab is gone\n")
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last place where an error can be told
        return tell(error, debug=job["debug"], output=job["output"])
    with os.fdopen(result_fd, "w", encoding="utf-8") as target:
        json.dump({"result": done.result.to_data(), "page": _page(done)}, target)
    return ExitCode.OK


def _rehearse(job: Any) -> "Rehearsed":
    from orchestrator.inventory import spec_from_data
    from orchestrator.rehearsal.faults import choose
    from orchestrator.rehearsal.rehearsal import RehearsalOptions, rehearse
    from orchestrator.rollout.facts import rollout_of

    spec, began_s = spec_from_data(job["spec"]), time.monotonic()
    kind = rollout_of(spec).kind

    def tell(text: str) -> None:
        if not job["quiet"]:
            sys.stderr.write(f"{time.monotonic() - began_s:7.1f}  {text}\n")

    options = RehearsalOptions(
        faults=tuple(choose(one, kind=kind) for one in job["faults"]), **job["options"]
    )
    return rehearse(spec, job["exports"], options, on_event=tell)


def _page(done: "Rehearsed") -> str | None:
    """Return the run's report as a page, with what the rehearsal found among its words."""
    if done.history is None:
        return None
    from cli.report_page import report_page
    from orchestrator.rollout.history import Word

    history, result = done.history, done.result
    said = [f"rehearsal: {one}" for one in result.findings] or ["rehearsal: clean"]
    words = [Word(at_s=history.seconds, kind="rehearsal", text=one) for one in said]
    return report_page(replace(history, words=(*history.words, *words)))


if __name__ == "__main__":
    sys.exit(main())
