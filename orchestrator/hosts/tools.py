"""Calls of a host's programs that more than one method plans. Pure."""

from orchestrator.hosts.changes import CallTool, opposite

_NOT_ACTIVE = 10
"""What nmcli ends with where there is no such active profile."""


def reload_units() -> CallTool:
    """Return the call that makes systemd read its unit files again."""
    return CallTool(argv=("systemctl", "daemon-reload"), says="have systemd read its units again")


def enable_unit(name: str) -> CallTool:
    """Return the call that has a unit started at boot; it is not started now."""
    return CallTool(
        argv=("systemctl", "enable", name),
        says=f"have {name} started at boot",
        undo=CallTool(
            argv=("systemctl", "disable", name), says=f"have {name} no longer started at boot"
        ),
        unless=("systemctl", "is-enabled", "--quiet", name),
    )


def disable_unit(name: str) -> CallTool:
    """Return the call that keeps a unit from being started at boot; it is not stopped now."""
    return opposite(enable_unit(name))


def load_profile(path: str) -> CallTool:
    """Return the call that makes NetworkManager read one profile.

    It ends with 0 also when the file is refused (its mode, for example; NetworkManager 1.42):
    only the list of profiles shows that.
    """
    return CallTool(
        argv=("nmcli", "connection", "load", path), says=f"have NetworkManager read {path}"
    )


def raise_profile(uuid: str) -> CallTool:
    """Return the call that makes a profile the active one of its device, and waits for it.

    What others put on the device goes, and what the profile has is away for some 60 ms.
    NetworkManager does the same by itself some time after it has read a profile that starts by
    itself, not always: so it is better asked for and waited for (measured, 1.42).
    """
    return CallTool(
        argv=_on_profile("up", uuid),
        says=f"have NetworkManager raise the profile {uuid}",
        undo=CallTool(
            argv=_on_profile("down", uuid),
            says=f"have NetworkManager lower the profile {uuid}",
            accept=(0, _NOT_ACTIVE),
        ),
    )


def lower_profile(uuid: str) -> CallTool:
    """Return the call that takes a profile off its device, and waits for it.

    To be made before its file goes: otherwise NetworkManager does it some time after that, and
    takes away what was put there meanwhile.
    """
    return opposite(raise_profile(uuid))


def _on_profile(verb: str, uuid: str) -> tuple[str, ...]:
    return ("nmcli", "--wait", "30", "connection", verb, "uuid", uuid)
