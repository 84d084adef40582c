"""Every command as a method: ``Commands(send).addvs(vs=..., port=80, prot="tcp")``.

The methods are made from the catalogue when they are asked for. Editors and type checkers
see ``kempsdk/commands.pyi`` instead, which is generated from the same data.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

from kempsdk.catalogue.entries import CommandInfo, ParamInfo, ValueInfo
from kempsdk.catalogue.store import catalogue, python_name
from kempsdk.catalogue.validation import check
from kempsdk.secret import Secret
from kempsdk.transport.call import Call, ParamValue, Reply

_NAMES = ("name", "cert", "domain", "fqdn", "user", "group", "interface", "param", "addr", "ip")
"""Parameters that say what a command is about, where it is not a service."""


class Send(Protocol):
    """What sends a call: the ``send`` of a transport, or anything like it."""

    def __call__(self, call: Call, /) -> Reply:
        """Send one call and return its answer."""
        ...


class Command:
    """One command, ready to be called.

    Attributes:
        info: what the catalogue says of it.
    """

    def __init__(self, info: CommandInfo, send: Send) -> None:
        self.info = info
        self._send = send

    def __repr__(self) -> str:
        return f"<command {self.info.name}: {self.info.summary}>"

    def __call__(
        self, *, data: bytes | None = None, **params: ParamValue | bytes | Secret | None
    ) -> Reply:
        """Check the parameters against the catalogue, then send the command.

        Args:
            data: the file that goes along, for commands that take one.
            params: named as on the wire, in any case; where that is no Python name, with
                ``_`` in place of what does not fit (``CheckUse1_1``, ``del_``). None is the
                same as leaving it out.

        Raises:
            InvalidRequest: a wrong name, type, range or word, or a mandatory parameter is
                missing; nothing was sent.
            KempError: whatever sending raises.
        """
        known = catalogue().accepted(self.info.name)
        given = {_wire_name(name, known): v for name, v in params.items() if v is not None}
        info = check(self.info.name, given, body=data)
        return self._send(_call(info, known, given, data))


class Commands:
    """All commands of the catalogue, as attributes.

    ``/``, ``.`` and ``?`` of a name become ``_``: ``logging/df`` is ``logging_df`` and
    ``aclcontrol?list`` is ``aclcontrol_list``. Names are matched without case.
    """

    def __init__(self, send: Send) -> None:
        self._send = send

    def __getattr__(self, name: str) -> Command:
        if name.startswith("_"):
            raise AttributeError(name)
        return Command(catalogue().find(name), self._send)

    def __dir__(self) -> Iterable[str]:
        return sorted([*super().__dir__(), *(python_name(name) for name in catalogue())])


def _wire_name(name: str, known: Mapping[str, ValueInfo]) -> str:
    lower = name.lower()
    if lower in known:
        return known[lower].name
    for info in known.values():
        if python_name(info.name).lower() == lower:
            return info.name
    return name


def _call(
    info: CommandInfo,
    known: Mapping[str, ValueInfo],
    given: Mapping[str, ParamValue | bytes | Secret],
    data: bytes | None,
) -> Call:
    params: dict[str, ParamValue] = {}
    if info.selector is not None and info.selector not in given:
        params[info.selector] = ""
    # The catalogue's order, not the caller's: while the API is off, the appliance takes
    # set only with param first and value second.
    for one in known.values():
        value = given.get(one.name)
        if value is not None and not isinstance(value, bytes):
            params[one.name] = _as_sent(one, value)
    return Call(
        command=info.wire_name,
        params=params,
        body=data,
        files={name: value for name, value in given.items() if isinstance(value, bytes)},
        mutates=info.changes_with(params),
        target=_target(params),
    )


def _as_sent(info: ValueInfo, value: ParamValue | Secret) -> ParamValue:
    if isinstance(value, Secret):
        return value.reveal()
    # A command's own switch can want yes and no, or 0 and 1, and nothing else; that of an
    # attribute takes whatever the wire's usual words are, which is the codec's business.
    if isinstance(value, bool) and isinstance(info, ParamInfo):
        for no, yes in (("no", "yes"), ("0", "1")):
            if no in info.words and yes in info.words:
                return yes if value else no
    return value


def _target(params: Mapping[str, ParamValue]) -> str | None:
    """Return what the call is about, out of names and addresses; never a credential."""
    lower = {name.lower(): str(value) for name, value in params.items()}
    service = lower.get("vs") or lower.get("vsip")
    if service is not None:
        port = lower.get("port") or lower.get("vsport")
        name = f"{lower.get('prot') or lower.get('vsprot') or 'tcp'}/{service}:{port}"
        service = name if port else f"virtual service {service}"
    server = lower.get("rs")
    if service is not None and server is not None:
        return f"{service} {server}"
    for name in _NAMES:
        service = service or lower.get(name)
    return service or server
