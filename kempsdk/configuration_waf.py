"""The web application firewall of all services in a file."""

from collections.abc import Collection, Iterator
from typing import Final

from kempsdk.configuration_things import Settings, Things
from kempsdk.desired_state import Kind
from kempsdk.managers import Managers
from kempsdk.waf_settings import WAF_SETTINGS, WafSettings


def _now(hands: Managers, _names: Collection[str]) -> dict[str, object]:
    return {"firewall": hands.waf_settings.get()}


def _change(hands: Managers, _name: str, settings: Settings, _now: object) -> None:
    hands.waf_settings.update(**settings)


def _log_server(_name: str, one: WafSettings) -> Iterator[str]:
    if one.logs_sent:
        yield f"the firewall's log goes to {one.log_server}: needs a password"


WAF: Final = Things(
    key="waf",
    kind=Kind.WAF,
    table=WAF_SETTINGS,
    name=lambda text: text,
    now=_now,
    update=_change,
    single="firewall",
    left_out=_log_server,
)
