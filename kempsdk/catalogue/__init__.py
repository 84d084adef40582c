"""Every command, object attribute and global parameter of the LoadMaster API, as data.

Nothing is read from disk before the first question is asked; then one file, once.
"""

from collections.abc import Mapping

from kempsdk.catalogue.entries import (
    AttributeInfo,
    CommandInfo,
    ParameterInfo,
    ParamInfo,
    UnknownCommandName,
    ValueInfo,
)
from kempsdk.catalogue.store import accepted, catalogue, nearest
from kempsdk.catalogue.validation import check

__all__ = [
    "AttributeInfo",
    "CommandInfo",
    "ParamInfo",
    "ParameterInfo",
    "UnknownCommandName",
    "ValueInfo",
    "accepted",
    "attributes",
    "check",
    "command",
    "commands",
    "find_parameter",
    "kinds",
    "nearest",
    "parameters",
]


def command(name: str, params: Mapping[str, object] | None = None) -> CommandInfo:
    """Return one command.

    Args:
        name: in any case; sub-commands as ``logging/df``, ``logging.df`` or ``logging_df``.
            ``aclcontrol`` alone will do where ``params`` hold the argument that selects
            what it does (``{"list": "block"}``).
        params: what it is to be called with; only looked at for such an argument.

    Raises:
        UnknownCommandName: no such command; ``allowed`` names the nearest ones.
    """
    return catalogue().find(name, params)


def commands() -> Mapping[str, CommandInfo]:
    """Return all commands by name; an entry is built when it is asked for."""
    return catalogue()


def kinds() -> tuple[str, ...]:
    """Return the kinds of objects that ``attributes`` knows."""
    return catalogue().kinds


def attributes(kind: str) -> Mapping[str, AttributeInfo]:
    """Return the fields of one kind of object by their wire names.

    Args:
        kind: ``virtual_service``, ``real_server``, ``sso_domain``, ... (see ``kinds``).

    Raises:
        InvalidRequest: no such kind; ``allowed`` names all that there are.
    """
    return catalogue().attributes(kind)


def parameters() -> Mapping[str, ParameterInfo]:
    """Return every global parameter of ``get`` and ``set`` by its wire name."""
    return catalogue().parameters


def find_parameter(name: str) -> ParameterInfo | None:
    """Return one global parameter, matched without case, or None."""
    return catalogue().find_parameter(name)
