"""What the catalogue says of a command, of a value it takes, of a global parameter.

Facts are of two origins: the vendor's interface description of June 2022
(``documented``), and what was seen on appliances of firmware 7.2.50 to 7.2.63
(``seen``). Where the two disagree, or the description contradicts itself,
``resolved`` says what was chosen and why.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kempsdk.errors import InvalidRequest


class UnknownCommandName(InvalidRequest, AttributeError):
    """The catalogue has no command of that name; ``allowed`` names the nearest ones.

    Also an AttributeError, so that ``hasattr(lm.commands, name)`` answers.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueInfo:
    """One value: what it is called on the wire and what may stand in it.

    Attributes:
        name: the wire's spelling; the appliance matches it without case.
        type: ``boolean``, ``integer``, ``string``, ``address`` (IPv4 or IPv6), ``network``
            (address, or address/prefix), ``host`` (address or name), ``service`` (address or
            index of a virtual service), ``server`` (address, name or ``!RsIndex`` of a real
            server) or ``file``.
        low: smallest number, or None.
        high: largest number, or None.
        words: the words it takes and what they mean; empty where any text will do.
        open: ``words`` are only the appliance's own; names that people made are fine too.
        bits: ``words`` are bits to be added up, so any number in the range will do.
        also: texts that are fine although outside the range or the words.
        separator: what stands between the entries of a list, or None for a single value.
        min_length: fewest characters, or None.
        max_length: most characters, or None.
        default: what the appliance takes when it is left out, as documented, or None.
        unit: unit of a number, or None.
        requires: what else must be set for it to have any effect, or None.
        secret: a credential; its value must not be shown.
        origin: ``documented`` or ``seen``.
        since: first firmware that has it, or None where not known.
        note: the rest that matters, in a sentence, or "".
        resolved: how a contradiction of the sources was settled, or "".
    """

    name: str
    type: str
    low: int | None = None
    high: int | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    open: bool = False
    bits: bool = False
    also: tuple[str, ...] = ()
    separator: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    default: str | None = None
    unit: str | None = None
    requires: str | None = None
    secret: bool = False
    origin: str = "documented"
    since: str | None = None
    note: str = ""
    resolved: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamInfo(ValueInfo):
    """A parameter of one command.

    Attributes:
        required: must always be given.
        required_with_address: names the parameter (``vs`` or ``rs``) that makes this one
            mandatory when it holds an address and not an index; None otherwise.
    """

    required: bool = False
    required_with_address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeInfo(ValueInfo):
    """A field of an object, such as a virtual service.

    Attributes:
        read_only: appears in answers only.
        group: the section it belongs to.
    """

    read_only: bool = False
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterInfo(ValueInfo):
    """A global parameter, read with ``get`` and written with ``set``.

    Attributes:
        area: the area it belongs to.
        read_only: ``set`` refuses it.
        deprecated: kept for old scripts only.
    """

    area: str
    read_only: bool = False
    deprecated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandInfo:
    """One command.

    Attributes:
        name: the catalogue's name: the v1 word, ``family/word`` for sub-commands,
            ``word?selector`` where an argument selects what the command does.
        v2_name: the same as v2 documentation writes it (``logging.df``).
        python_name: the same as an attribute of ``lm.commands``.
        wire_name: the command word to send.
        selector: the argument that selects the operation, or None.
        area: the catalogue file it stands in.
        method: ``GET``, or ``POST`` where a file goes along (v1).
        mutates: whether it changes the appliance.
        mutates_with: if not empty, it changes the appliance only when one of these
            parameters is given.
        summary: one sentence.
        params: its own parameters.
        accepts: object whose writable attributes it takes as parameters too, or None.
        takes_file: what file goes along, or None.
        returns_file: the answer is a file.
        returns: ``object``, ``list``, ``none`` or ``file``.
        root: element that holds the answer (v1), or None where not known.
        elements: names of elements of the answer as far as known; a path where nested.
        errors: error texts it is known to give.
        since: first firmware that has it, or None where not known.
        notes: what else matters.
        resolved: how contradictions of the sources were settled.
    """

    name: str
    v2_name: str
    python_name: str
    wire_name: str
    selector: str | None
    area: str
    method: str
    mutates: bool
    mutates_with: tuple[str, ...] = ()
    summary: str
    params: tuple[ParamInfo, ...] = ()
    accepts: str | None = None
    takes_file: str | None = None
    returns: str = "none"
    root: str | None = None
    elements: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    since: str | None = None
    notes: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()

    @property
    def returns_file(self) -> bool:
        """Whether the answer is a file (raw in v1, base64 in v2)."""
        return self.returns == "file"

    def changes_with(self, names: "frozenset[str] | Mapping[str, object]") -> bool:
        """Return whether a call with parameters of these names changes the appliance."""
        if not self.mutates_with:
            return self.mutates
        given = {name.lower() for name in names}
        return any(name.lower() in given for name in self.mutates_with)
