"""The driver for hosts that are reached over SSH, with the system's own client.

The user's configuration decides who logs in, with which key, and on which way. A host needs
sh, iproute and coreutils, and util-linux for commands; no Python.
"""

import logging
import time
from collections.abc import Collection, Sequence
from typing import NoReturn

from typing_extensions import Self

from orchestrator.errors import HostChangeFailed, HostTrouble, HostUnreachable
from orchestrator.hosts.answer import Answer, Unintelligible, answer
from orchestrator.hosts.changes import NetChange, describe
from orchestrator.hosts.confirm_or_revert import REVERT_AFTER_S, Revert, cuts
from orchestrator.hosts.driver import CommandResult, Host
from orchestrator.hosts.sections import Section
from orchestrator.hosts.ssh_answer import changes_done, command_result, host_release, net_state
from orchestrator.hosts.ssh_connection import NoSsh, Reply, SshConnections
from orchestrator.hosts.ssh_failure import (
    Failure,
    missing,
    no_shell,
    no_way_in,
    said,
    with_cure,
)
from orchestrator.hosts.ssh_script import (
    apply_script,
    confirm_script,
    encoded,
    read_script,
    run_script,
)
from orchestrator.hosts.state import NetState

_LOG = logging.getLogger(__name__)
_SSH_FAILED = 255
_BETWEEN_TRIES_S = 0.5


class SshDriver:
    """Reads and changes hosts over SSH: one round trip each, over one connection per host.

    Safe to use from several threads. Close it, or use it in a ``with`` block; otherwise its
    connections end with the process.
    """

    def __init__(
        self,
        *,
        config_file: str | None = None,
        connect_timeout_s: int = 10,
        answer_timeout_s: float = 60.0,
        revert_after_s: int = REVERT_AFTER_S,
        strict_host_keys: bool = True,
        program: str = "ssh",
    ) -> None:
        """Make a driver; connects to nothing yet.

        Args:
            config_file: ssh configuration instead of the user's and the system's.
            connect_timeout_s: bound of making a connection, in whole seconds.
            answer_timeout_s: bound of one reading or one batch of changes.
            revert_after_s: when a host takes changes back that could have cut us off and were
                not confirmed over a new connection; whole seconds, at least 1.
            strict_host_keys: refuse hosts whose key is not in known_hosts, whatever the
                configuration says; otherwise it decides.
            program: the client, a name on the PATH or a path.
        """
        if revert_after_s < 1:
            raise ValueError(f"revert_after_s is {revert_after_s}: it must be at least 1 second")
        self._revert_after_s = revert_after_s
        self._answer_timeout_s = connect_timeout_s + answer_timeout_s
        self._connections = SshConnections(
            program=program,
            config_file=config_file,
            connect_timeout_s=connect_timeout_s,
            strict_host_keys=strict_host_keys,
        )

    def read(self, host: Host, sections: Collection[Section] = ()) -> NetState:
        """Read in one round trip. Needs no privilege but that of the files and tools.

        Raises:
            HostUnreachable: no way in, or something could not be read.
        """
        script = read_script(host, sections)
        reply = self._send(host, script, timeout_s=self._answer_timeout_s)
        return _state(host, reply, _opened(host, reply), sections)

    def apply(self, host: Host, changes: Sequence[NetChange]) -> None:
        """Carry the changes out in one round trip, in order; stop at the first that fails.

        Each may be repeated. No changes are no round trip. Where one could cut the way to the
        host, the host is first made to take all of them back by itself, and a second round
        trip, over a new connection, confirms them, also after one of them has failed.

        Raises:
            HostUnreachable: no way in; nothing was done.
            HostChangeFailed: names the change that failed and those that were done. Where the
                connection broke off it says so: the host goes on to the end of the change it
                is at, perhaps further, so read it before anything else. Where the changes
                were not confirmed it says so, and that the host takes them back.
        """
        if changes:
            self._change(host, changes, None)

    def apply_and_read(
        self, host: Host, changes: Sequence[NetChange], sections: Collection[Section] = ()
    ) -> NetState:
        """Carry the changes out as ``apply`` does; the last round trip of that reads as well.

        Raises:
            HostUnreachable: no way in; or the changes are made and it could not be read.
            HostChangeFailed: as ``apply``.
        """
        if not changes:
            return self.read(host, sections)
        reply, found = self._change(host, changes, sections)
        if not found.complete:  # broken off behind the last change
            return self.read(host, sections)
        return _state(host, reply, found, sections)

    def _change(
        self, host: Host, changes: Sequence[NetChange], then_read: Collection[Section] | None
    ) -> tuple[Reply, Answer]:
        """Carry the changes out, and return the last answer, which has what was read then."""
        cutting = any(cuts(change, host) for change in changes)
        revert = Revert(after_s=self._revert_after_s) if cutting else None
        latest_s = time.monotonic() + self._revert_after_s
        # Where a confirmation comes over a new connection, that one reads.
        script = apply_script(host, changes, revert, then_read=None if cutting else then_read)
        reply = self._send(host, script, timeout_s=self._answer_timeout_s)
        found = _opened(host, reply, changing=True)
        done = [describe(change) for change in changes[: changes_done(found)]]
        ended = found.complete or len(done) == len(changes)
        last = (reply, found)
        if revert is not None and ended and found.has("armed"):
            way, _ = found.one("armed")
            _LOG.debug("%s: %s takes it back, unless it is confirmed", host.name, way)
            last = self._confirm(host, revert, latest_s, then_read)
        failure = _missing(found) if found.missing else None
        if found.failed is not None:
            failure = with_cure(found.failed)
        if failure is not None and len(done) < len(changes):
            raise HostChangeFailed(
                f"{host.name}: could not {describe(changes[len(done)])}: {failure.text}",
                done=done,
                reason=failure.reason,
            )
        if len(done) < len(changes):
            back = f" {_takes_itself_back(revert)}." if revert is not None else ""
            raise HostChangeFailed(
                f"{host.name}: {_broken_off(reply)}. {len(done)} of {len(changes)} changes are "
                f"known to be done; it is not known whether this one is: "
                f"{describe(changes[len(done)])}.{back} Read the host again, then go on",
                done=done,
                reason=HostTrouble.BROKEN_OFF,
            )
        return last

    def _confirm(
        self,
        host: Host,
        revert: Revert,
        latest_s: float,
        then_read: Collection[Section] | None,
    ) -> tuple[Reply, Answer]:
        """Have the host keep the changes, over a new connection; try until it is too late.

        Returns the answer, with what was read then.

        Raises:
            HostChangeFailed: it took or takes them back.
        """
        perhaps_confirmed = False
        script = confirm_script(host, revert, then_read=then_read)
        while True:
            left_s = max(latest_s - time.monotonic(), 1.0)
            try:
                reply = self._send(host, script, timeout_s=left_s, anew=True)
                found = _opened(host, reply, changing=True)
            except (HostUnreachable, HostChangeFailed) as error:
                perhaps_confirmed |= isinstance(error, HostChangeFailed)
                trouble = str(error)
            else:
                if found.has("confirmed") or (found.has("gone") and perhaps_confirmed):
                    return reply, found
                if found.has("reverted"):
                    raise HostChangeFailed(
                        f"{host.name}: the changes were confirmed too late, so it took itself "
                        f"back {revert.after_s} s after they began. Read it again, then try again",
                        reason=HostTrouble.BROKEN_OFF,
                    )
                if found.has("gone"):
                    raise HostChangeFailed(
                        f"{host.name}: what was to take the changes back is gone: was it "
                        "rebooted? Read it again, then go on",
                        reason=HostTrouble.BROKEN_OFF,
                    )
                perhaps_confirmed |= not found.complete
                trouble = f"{host.name}: {found.failed or _broken_off(reply)}"
            if time.monotonic() >= latest_s:
                raise HostChangeFailed(
                    f"{trouble}. So the changes could not be confirmed over a new connection. "
                    f"{_takes_itself_back(revert)}. Read the host again then",
                    reason=HostTrouble.BROKEN_OFF,
                )
            time.sleep(_BETWEEN_TRIES_S)

    def run(self, host: Host, argv: Sequence[str], *, timeout_s: float) -> CommandResult:
        """Run a command on the host, without input; arguments are not looked at by a shell.

        At the timeout (whole seconds, rounded up) the host itself kills the command and what
        it started in its session, also when the connection is gone by then. Something that it
        leaves behind on purpose when it ends (a daemon) goes on. Output is cut to its last 64
        KiB. A command that cannot be started ends as in a shell: 127 when there is none of
        that name, 126 when it may not be run.

        Raises:
            HostUnreachable: no way in, or the connection broke off: then the command may be
                running on.
        """
        try:
            script = run_script(host, argv, timeout_s=timeout_s)
        except ValueError as error:
            return CommandResult(exit_code=126, stdout="", stderr=f"not started: {error}")
        reply = self._send(host, script, timeout_s=self._answer_timeout_s + timeout_s)
        found = _opened(host, reply)
        if found.missing:
            raise _unreadable(host, _missing(found))
        if found.failed is not None:
            failure = with_cure(found.failed)
            raise HostUnreachable(
                f"{host.name}: {failure.text}; the command was not started", reason=failure.reason
            )
        if not found.complete:
            raise HostUnreachable(
                f"{host.name}: {_broken_off(reply)} while {argv[0]} ran: it may still be "
                f"running, for at most {timeout_s:g} s",
                reason=HostTrouble.BROKEN_OFF,
            )
        try:
            return command_result(found)
        except Unintelligible as error:
            raise HostUnreachable(
                f"{host.name}: it is not known how {argv[0]} ended: {error}",
                reason=HostTrouble.OTHER,
            ) from error

    def close(self) -> None:
        """End the connections; later calls find no host. Repeatable."""
        self._connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, host: Host, script: str, *, timeout_s: float, anew: bool = False) -> Reply:
        try:
            return self._connections.send(host, encoded(script), timeout_s=timeout_s, anew=anew)
        except NoSsh as error:
            raise HostUnreachable(f"{host.name}: {error}") from error


def _opened(host: Host, reply: Reply, *, changing: bool = False) -> Answer:
    """Return the answer of a script that ran; raise what kept it from running."""
    try:
        found = answer(reply.stdout)
    except Unintelligible as error:
        raise HostUnreachable(f"{host.name}: {error}") from error
    if not found.begun:
        _did_not_begin(host, reply, changing=changing)
    return found


def _state(host: Host, reply: Reply, found: Answer, sections: Collection[Section]) -> NetState:
    """Return what the answer says of the host.

    Raises:
        HostUnreachable: it does not say all of it.
    """
    if found.missing:
        raise _unreadable(host, _missing(found))
    if found.failed is not None:
        failure = with_cure(_joined(found.failed, reply))
        raise HostUnreachable(
            f"{host.name}: could not be read: {failure.text}", reason=failure.reason
        )
    if not found.complete:
        raise HostUnreachable(f"{host.name}: {_broken_off(reply)}; read it again")
    try:
        return net_state(found, host, sections)
    except Unintelligible as error:
        raise HostUnreachable(
            f"{host.name}: could not be read: {error}", reason=HostTrouble.OTHER
        ) from error


def _did_not_begin(host: Host, reply: Reply, *, changing: bool) -> NoReturn:
    if reply.exit_code not in (None, _SSH_FAILED):
        raise _unreadable(host, no_shell(host, reply.exit_code, reply.stderr))
    if reply.exit_code is not None and (failure := no_way_in(reply.stderr)) is not None:
        raise _unreadable(host, failure)
    # Not known to be from before the script was sent.
    if changing:
        raise HostChangeFailed(
            f"{host.name}: {_broken_off(reply)}. Whether anything was done is not known: read "
            "the host again",
            reason=HostTrouble.BROKEN_OFF,
        )
    raise HostUnreachable(f"{host.name}: {_broken_off(reply)}")


def _unreadable(host: Host, failure: Failure) -> HostUnreachable:
    return HostUnreachable(f"{host.name}: {failure.text}", reason=failure.reason)


def _missing(found: Answer) -> Failure:
    assert found.missing is not None  # noqa: S101 - asked only when a tool is missing
    return missing(found.missing, host_release(found))


def _broken_off(reply: Reply) -> str:
    if reply.exit_code is None:
        return "no answer in time, so we hung up"
    return f"the connection broke off. {said(reply.stderr)}"


def _takes_itself_back(revert: Revert) -> str:
    return f"The host takes itself back {revert.after_s} s after the changes began"


def _joined(failed: str, reply: Reply) -> str:
    return f"{failed}: {reply.stderr.splitlines()[-1]}" if reply.stderr else failed
