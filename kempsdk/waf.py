"""The web application firewall: OWASP rules of services, and rules of one's own.

The firewall itself is switched on by settings of a service: ``waf`` and ``waf_mode=2`` of
``lm.virtual_services.update``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from kempsdk.appliance import Appliance, not_found
from kempsdk.codec import MalformedAnswer
from kempsdk.errors import FieldDifference, InvalidRequest, will_not_do
from kempsdk.fields import Switch, Table, Text, field
from kempsdk.read_back import check_applied, not_applied
from kempsdk.references import AnyVsRef
from kempsdk.rows import find_rows
from kempsdk.transport.call import ParamValue, Tree

_FILE_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_RULE_SET: Final = re.compile(r"[0-9]{3}")
_TRANSFER_S: Final = 60.0


class WafFile(str, Enum):
    """Which of the custom files: OWASP's, or those of the legacy firewall."""

    OWASP_RULE = "owaspcustomrule"
    OWASP_DATA = "owaspcustomdata"
    LEGACY_RULE = "wafcustomrule"
    LEGACY_DATA = "wafcustomdata"


@dataclass(frozen=True, slots=True, kw_only=True)
class WafRule:
    """One rule.

    Attributes:
        id: six digits; the name of a custom one.
        kind: ``CRS`` for the core rule set, ``custom``.
        enabled: in the service that was asked about; None without one.
        run_first: whether a custom rule runs before the core rules.
    """

    id: str
    kind: str | None
    title: str | None
    enabled: bool | None
    run_first: bool


_RULE: Final = Table(
    [
        field("id", "id", Text(default="")),
        field("type", "kind", Text()),
        field("name", "title", Text()),
        field("runfirst", "run_first", Switch()),
    ]
)


class Waf:
    """The web application firewall of one LoadMaster: ``lm.waf``. Needs a licence for it."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def rules(self, vs: AnyVsRef | None = None) -> tuple[WafRule, ...]:
        """Return all OWASP rules.

        Args:
            vs: a service whose state of them is wanted; it must have ``waf_mode`` 2.

        Raises:
            NotFound: there is no such service.
            CommandRejected: the firewall is off in the service, or not licensed.
        """
        place = {} if vs is None else {"vs": self._appliance.index(vs)}
        return self._appliance.read(
            "owasprules", place, _read_rules, target=str(vs) if vs else None
        )

    def rule(self, rule_id: str, vs: AnyVsRef | None = None) -> WafRule:
        """Return one OWASP rule.

        Raises:
            NotFound: there is no such rule or service.
            CommandRejected: the firewall is off in the service, or not licensed.
        """
        for one in self.rules(vs):
            if one.id == rule_id:
                return one
        raise not_found(f"no OWASP rule {rule_id!r}", command="owasprules", target=rule_id)

    def enable_rule(self, vs: AnyVsRef, rule_id: str, *, run_first: bool = False) -> WafRule:
        """Switch a rule on in a service. Changes the device.

        Args:
            vs: the service.
            rule_id: the whole id; the appliance would take a beginning for many rules.
            run_first: before the core rules; for custom rules only.

        Raises:
            NotFound: there is no such rule or service.
            CommandRejected: the firewall is off in the service, or not licensed.
            OutcomeUnknown: no answer; ``rule`` tells.
            WriteNotApplied: it is not on.
        """
        more: dict[str, ParamValue] = {"runfirst": "yes"} if run_first else {}
        return self._switch(vs, rule_id, more, enabled=True)

    def disable_rule(self, vs: AnyVsRef, rule_id: str) -> WafRule:
        """Switch a rule off in a service. Changes the device.

        Raises:
            NotFound, CommandRejected, OutcomeUnknown: as for ``enable_rule``.
            WriteNotApplied: it is still on.
        """
        return self._switch(vs, rule_id, {}, enabled=False)

    def enable_rule_set(self, vs: AnyVsRef, number: str) -> tuple[WafRule, ...]:
        """Switch all rules of a set on in a service and return them. Changes the device.

        Args:
            vs: the service; it must have ``waf_mode`` 2.
            number: three digits, with which the ids of the set's rules begin: ``911``.

        Raises:
            InvalidRequest: no such number; nothing was sent.
            NotFound: there is no rule of that set, or no such service.
            CommandRejected: the firewall is off in the service, or not licensed.
            OutcomeUnknown: no answer; ``rules`` tells.
            WriteNotApplied: some rule of the set is off.
        """
        return self._switch_set(vs, number, enabled=True)

    def disable_rule_set(self, vs: AnyVsRef, number: str) -> tuple[WafRule, ...]:
        """Switch all rules of a set off in a service and return them. Changes the device.

        Raises:
            InvalidRequest, NotFound, CommandRejected, OutcomeUnknown: as for
                ``enable_rule_set``.
            WriteNotApplied: some rule of the set is on.
        """
        return self._switch_set(vs, number, enabled=False)

    def upload(self, kind: WafFile, name: str, content: bytes) -> None:
        """Add a custom file, or replace the one of that name. Changes the device.

        It is read back where that is known to be possible, for rules and data alike.

        Args:
            kind: which sort.
            name: with its extension, ``.conf`` or ``.data`` for instance.
            content: the file.

        Raises:
            InvalidRequest: a wrong name or an empty file; nothing was sent.
            CommandRejected: the appliance does not take it.
            OutcomeUnknown: no answer; ``download`` tells.
            WriteNotApplied: the appliance has another content.
        """
        word = WafFile(kind).value
        if not content:
            raise InvalidRequest("content: an empty file", field="content")
        params = {"filename": _file_name(name)}
        self._appliance.write(
            f"add{word}", params, target=name, body=content, timeout_s=_TRANSFER_S
        )
        if not name.endswith(".tar.gz") and self.download(kind, name) != content:
            # A set of rules is unpacked, so it does not come back.
            different = FieldDifference("content", f"{len(content)} bytes", "something else")
            raise not_applied(f"add{word}", name, different)

    def download(self, kind: WafFile, name: str) -> bytes:
        """Return a custom file.

        Args:
            kind: which sort.
            name: with or without its extension.

        Raises:
            NotFound: there is none of that name.
        """
        word, given = WafFile(kind).value, _file_name(name)
        return self._appliance.download(
            f"download{word}",
            {"filename": _stem(given)},
            target=given,
            timeout_s=_TRANSFER_S,
        )

    def delete(self, kind: WafFile, name: str) -> None:
        """Delete a custom file; services lose a deleted rule. Changes the device.

        Args:
            kind: which sort.
            name: with or without its extension.

        Raises:
            CommandRejected: there is none of that name, or the appliance refused.
            OutcomeUnknown: no answer; ``download`` tells.
        """
        word, given = WafFile(kind).value, _file_name(name)
        # Deleted by the name without extension (asserted for data files by a client's tests).
        self._appliance.write(f"del{word}", {"filename": _stem(given)}, target=given)

    def _switch(
        self, vs: AnyVsRef, rule_id: str, more: Mapping[str, ParamValue], *, enabled: bool
    ) -> WafRule:
        self.rule(rule_id, vs)
        word = "yes" if enabled else "no"
        params = {"vs": self._appliance.index(vs), "rule": rule_id, "enable": word, **more}
        target = f"{vs} {rule_id}"
        self._appliance.write("owasprules", params, target=target)
        now = self.rule(rule_id, vs)
        if now.enabled is not enabled:
            raise not_applied(
                "owasprules", target, FieldDifference("enabled", enabled, now.enabled)
            )
        if "runfirst" in more and not now.run_first:
            raise not_applied("owasprules", target, FieldDifference("run_first", True, False))
        return now

    def _rule_set(self, vs: AnyVsRef, number: str) -> tuple[WafRule, ...]:
        # A custom rule may have a name that begins like this.
        return tuple(
            [one for one in self.rules(vs) if one.id.startswith(number) and one.kind != "custom"]
        )

    def _switch_set(self, vs: AnyVsRef, number: str, *, enabled: bool) -> tuple[WafRule, ...]:
        if not _RULE_SET.fullmatch(number):
            raise will_not_do("number", number, "three digits")
        target = f"{vs} {number}"
        if not self._rule_set(vs, number):
            raise not_found(f"no OWASP rule set {number}", command="owasprules", target=target)
        params: dict[str, ParamValue] = {"vs": self._appliance.index(vs), "rule": number}
        self._appliance.write(
            "owasprules", {**params, "enable": "yes" if enabled else "no"}, target=target
        )
        now = self._rule_set(vs, number)
        wrong = [
            FieldDifference(f"enabled of {one.id}", enabled, one.enabled)
            for one in now
            if one.enabled is not enabled
        ]
        check_applied("owasprules", target, wrong)
        return now


def _file_name(name: str) -> str:
    if not _FILE_NAME.fullmatch(name) or name.startswith("."):
        raise will_not_do("name", name, "letters, digits, dots, underscores, hyphens")
    return name


def _stem(name: str) -> str:
    for ending in (".tar.gz", ".conf", ".data", ".txt"):
        if name.endswith(ending):
            return name.removesuffix(ending)
    return name


def _read_rules(tree: Tree) -> tuple[WafRule, ...]:
    return tuple([_rule(one) for one in find_rows(tree, "id")])


def _rule(row: dict[str, object]) -> WafRule:
    raw = row.pop("enabled", None)
    values = _RULE.read(row)
    if not values["id"]:
        raise MalformedAnswer("an OWASP rule without an id")
    try:
        enabled = None if raw in (None, "") else Switch.read(raw)
    except (KeyError, TypeError):
        raise MalformedAnswer("an OWASP rule that is neither on nor off") from None
    return WafRule(**values, enabled=enabled)
