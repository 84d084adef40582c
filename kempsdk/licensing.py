"""The licence, and the initial configuration of a new appliance, from EULA to password."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from kempsdk.appliance import Appliance
from kempsdk.codec import MalformedAnswer, XmlTree, flatten, nothing_else
from kempsdk.errors import BadAnswer, InvalidRequest, Outcome
from kempsdk.secret import Secret
from kempsdk.transport.call import ParamValue, Tree

_SLOW_S: Final = 120.0
"""The appliance asks the vendor's licence server."""


class LicenseModel(str, Enum):
    """What kind of licence a new appliance is to have."""

    TRIAL = "trial"
    PERPETUAL = "perm"
    FREE = "free"


@dataclass(frozen=True, slots=True, kw_only=True)
class License:
    """A licence. Which of these it tells differs by licence; what it does not is None.

    Attributes:
        extra: all else, by the appliance's names, in which subscriptions are numbered.
    """

    model: str | None
    status: str | None
    until: str | None
    support_until: str | None
    extra: Mapping[str, object] = field(default_factory=nothing_else, compare=False)


@dataclass(frozen=True, slots=True)
class Eula:
    """The agreement to accept.

    Attributes:
        text: HTML; encoded on some firmware.
        magic: what the appliance wants back.
    """

    text: str = field(repr=False)
    magic: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AnalyticsEula:
    """The question whether usage data may be sent; comes after accepting the first."""

    text: str = field(repr=False)
    magic: str = field(repr=False)


class Licensing:
    """The licence of one LoadMaster: ``lm.licensing``.

    A new one is set up in this order, each step with what the one before returned:
    ``read_eula``, ``accept``, ``answer_analytics``, ``license_online`` or
    ``license_offline``, ``set_initial_password``. Before that it asks for no credentials,
    so any will do. Afterwards the API can be off (seen on 7.2.63).
    """

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def get(self) -> License:
        """Return the licence."""
        return self._appliance.read("licenseinfo", {}, _read)

    def read_eula(self) -> Eula:
        """Return the agreement. The first step."""
        text, magic = self._appliance.read("readeula", {}, _read_step)
        return Eula(text, magic)

    def accept(self, eula: Eula, model: LicenseModel) -> AnalyticsEula:
        """Accept the agreement for those who will use the appliance. Changes the device.

        Args:
            eula: what ``read_eula`` returned; each reading makes the one before void.
            model: what will be licensed.

        Raises:
            CommandRejected: another model, or steps out of order.
            OutcomeUnknown: no answer; begin again with ``read_eula``.
        """
        params: dict[str, ParamValue] = {
            "magic": eula.magic,
            "type": LicenseModel(model).value,
        }
        reply = self._appliance.write("accepteula", params, target="EULA")
        try:
            text, magic = _read_step(reply.data)
        except MalformedAnswer as error:
            raise BadAnswer(
                f"accepteula: {error}; begin again with read_eula",
                command="accepteula",
                outcome=Outcome.UNKNOWN,
            ) from None
        return AnalyticsEula(text, magic)

    def answer_analytics(self, eula: AnalyticsEula, *, send: bool) -> None:
        """Say whether the appliance may send usage data to its vendor. Changes the device.

        Raises:
            CommandRejected: steps out of order.
            OutcomeUnknown: no answer; begin again with ``read_eula``.
        """
        params: dict[str, ParamValue] = {"magic": eula.magic, "accept": "yes" if send else "no"}
        self._appliance.write("accepteula2", params, target="EULA")

    def license_online(
        self,
        kemp_id: str,
        password: Secret | str,
        *,
        order_id: str | None = None,
        type_id: str | None = None,
        proxy: str | None = None,
    ) -> None:
        """Get a licence from the vendor, or update it. Changes the device.

        The appliance needs a way to the internet. Takes up to two minutes.

        Args:
            kemp_id: account with the vendor, an e-mail address.
            password: of that account.
            order_id: of what was bought; said to be mandatory in one place of the vendor's
                description and for virtual appliances in another.
            type_id: which of several licences.
            proxy: ``ADDRESS:PORT``.

        Raises:
            CommandRejected: the agreement was not accepted, or the vendor said no.
            OutcomeUnknown: no answer; ``get`` tells.
        """
        params: dict[str, ParamValue] = {"kempid": kemp_id, "password": _plain(password)}
        more = {"orderid": order_id, "lic_type_id": type_id, "http_proxy": proxy}
        params |= {name: one for name, one in more.items() if one is not None}
        self._appliance.write("alsilicense", params, target="licence", timeout_s=_SLOW_S)

    def license_offline(self, blob: bytes) -> None:
        """Install a licence that came as a text. Changes the device.

        Args:
            blob: from the word begin to the word end; a fresh one each time.

        Raises:
            InvalidRequest: no such text; nothing was sent.
            CommandRejected: the agreement was not accepted, or another appliance's licence.
            OutcomeUnknown: no answer; ``get`` tells.
        """
        start, end = blob.find(b"begin"), blob.rfind(b"end")
        if not 0 <= start < end:
            raise InvalidRequest("blob: a text from the word begin to the word end", field="blob")
        body = blob[start : end + len(b"end")]
        self._appliance.write("license", {}, target="licence", body=body, timeout_s=_SLOW_S)

    def set_initial_password(self, password: Secret | str) -> None:
        """Set the first password of the user ``bal``. Changes the device. The last step.

        Args:
            password: 8 characters or more.

        Raises:
            InvalidRequest: shorter; nothing was sent.
            CommandRejected: steps out of order.
            OutcomeUnknown: no answer; a login tells.
        """
        plain = _plain(password)
        if len(plain) < 8:
            raise InvalidRequest("password: 8 characters or more", field="password")
        self._appliance.write("set_initial_passwd", {"passwd": plain}, target="bal")


def _plain(password: Secret | str) -> str:
    return password.reveal() if isinstance(password, Secret) else password


def _read_step(tree: Tree) -> tuple[str, str]:
    # Only Magic was seen by name (7.2.54); the text is the longest of the rest.
    texts: dict[str, str] = {}
    for name in tree:
        value = tree[name]
        text = value.markup() if isinstance(value, XmlTree) else str(value)
        texts[name.lower()] = text.strip()
    magic = texts.pop("magic", "")
    if not magic:
        raise MalformedAnswer("no magic for the next step")
    return max(texts.values(), key=len, default=""), magic


def _read(tree: Tree) -> License:
    fields = {name: _clean(value) for name, value in flatten(tree).items()}
    by_name = {name.lower(): name for name in fields}

    def take(name: str) -> str | None:
        value = fields.pop(by_name.get(name, name), None)
        return str(value) if value else None

    found = License(
        model=take("licensetype"),
        status=take("licensestatus"),
        until=take("licenseduntil"),
        support_until=take("supportuntil"),
        extra=fields,
    )
    if not fields and found == License(model=None, status=None, until=None, support_until=None):
        raise MalformedAnswer("an empty licence")
    return found


def _clean(value: object) -> object:
    # QUIRK: values come in quotes, with a line end and doubled blanks.
    return " ".join(value.strip().strip('"').split()) if isinstance(value, str) else value
