"""What people ask of a run, from any process: a mailbox that its workers look into.

The first who asks for a thing wins; whoever asks for the same thing meanwhile is told who
did, and nothing is asked twice. Each request is answered once, by whoever takes it first.
"""

import dataclasses

from orchestrator.errors import AlreadyAsked, RunNotFound
from orchestrator.rollout.records import Request, RequestKind, RequestState
from orchestrator.rollout.store.database import Database, Row, Transaction


class Requests:
    """The requests of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(
        self,
        run_id: str,
        kind: RequestKind,
        target: str = "",
        *,
        asked_by: str,
        now_s: float,
        note: str = "",
        once: bool = False,
    ) -> Request:
        """Ask something of a run.

        Args:
            target: a server or a gate, for the kinds that are about one.
            asked_by: who asks, as people know him.
            note: the reason, where one was given.
            once: also if it was asked for and taken before, as a gate that was approved.

        Raises:
            AlreadyAsked: somebody asked for the same, and it is not answered yet.
            RunNotFound: no such run.
        """
        asked = Request(
            number=0,
            run_id=run_id,
            kind=kind,
            target=target,
            asked_by=asked_by,
            asked_s=now_s,
            note=note,
            state=RequestState.ASKED,
            answer="",
            answered_s=None,
        )
        blocking = {RequestState.ASKED} | ({RequestState.TAKEN} if once else set())

        def work(db: Transaction) -> int:
            if not db.rows("SELECT 1 FROM runs WHERE run_id = ?", run_id):
                raise RunNotFound(f"there is no run {run_id}")
            for row in db.rows(
                "SELECT * FROM requests WHERE run_id = ? AND kind = ? AND target = ?",
                run_id,
                kind.value,
                target,
            ):
                if RequestState(row["state"]) in blocking:
                    raise _already(_request(row), now_s)
            db.execute(
                "INSERT INTO requests (run_id, kind, target, asked_by, asked_s, note, state, "
                "answer) VALUES (?, ?, ?, ?, ?, ?, ?, '')",
                run_id,
                kind.value,
                target,
                asked_by,
                now_s,
                note,
                asked.state.value,
            )
            (made,) = db.rows("SELECT MAX(number) AS number FROM requests")
            return int(made["number"])

        number = self._database.transact(work, alone="requests")
        return dataclasses.replace(asked, number=number)

    def open(self, run_id: str) -> tuple[Request, ...]:
        """Return what nobody has answered yet, oldest first; cheap enough for every look."""
        rows = self._database.rows(
            "SELECT * FROM requests WHERE run_id = ? AND state = ? ORDER BY number",
            run_id,
            RequestState.ASKED.value,
        )
        return tuple(_request(row) for row in rows)

    def of_run(self, run_id: str) -> tuple[Request, ...]:
        """Return everything that was ever asked of a run, oldest first."""
        rows = self._database.rows(
            "SELECT * FROM requests WHERE run_id = ? ORDER BY number", run_id
        )
        return tuple(_request(row) for row in rows)

    def get(self, number: int) -> Request:
        """Return one request as it stands now, for whoever waits for the answer.

        Raises:
            RunNotFound: there is none of that number.
        """
        rows = self._database.rows("SELECT * FROM requests WHERE number = ?", number)
        if not rows:
            raise RunNotFound(f"there is no request {number}")
        return _request(rows[0])

    def take(self, request: Request, *, now_s: float, answer: str = "") -> bool:
        """Answer that it is done, or being done; False: it was answered before, by whoever."""
        return self._answer(request, RequestState.TAKEN, answer, now_s)

    def refuse(self, request: Request, reason: str, *, now_s: float) -> bool:
        """Answer that it is not done, and why; False: it was answered before."""
        return self._answer(request, RequestState.REFUSED, reason, now_s)

    def _answer(self, request: Request, state: RequestState, answer: str, now_s: float) -> bool:
        changed = self._database.transact(
            lambda db: db.execute(
                "UPDATE requests SET state = ?, answer = ?, answered_s = ? "
                "WHERE number = ? AND state = ?",
                state.value,
                answer,
                now_s,
                request.number,
                RequestState.ASKED.value,
            )
        )
        return changed == 1


def _already(first: Request, now_s: float) -> AlreadyAsked:
    ago = f"{first.asked_by} asked for {first.words} {now_s - first.asked_s:.0f} s ago"
    end = (
        "and it was done"
        if first.state is RequestState.TAKEN
        else "and the run has not answered yet"
    )
    return AlreadyAsked(f"{ago}, {end}", by=first.asked_by)


def _request(row: Row) -> Request:
    return Request(**{**row, "kind": RequestKind(row["kind"]), "state": RequestState(row["state"])})
