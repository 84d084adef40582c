"""How strict the web application firewall is in one service."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from kempsdk.fields import Number, Switch, Table, Words, field
from kempsdk.references import AnyVsRef
from kempsdk.service_groups import ServiceGroup

if TYPE_CHECKING:
    from typing_extensions import Unpack


@dataclass(frozen=True, slots=True, kw_only=True)
class WafTuning:
    """The firewall's thresholds in a service; 0 where nothing was set.

    Attributes:
        blocking_paranoia: level at which requests are blocked, 1 to 4.
        executing_paranoia: level at which they are logged, 1 to 4, not below the other.
        anomaly_threshold: score at which a request is blocked, 1 to 10,000.
        regex_steps: of one regular expression, 1000 to 99,999.
        json_depth: of JSON that is looked into, 1000 to 99,999; too low misses attacks.
        body_bytes: largest body of a POST, 1024 to 52,428,800.
        ip_reputation: refuse addresses of ill repute.
        other_content_types: types of POST bodies that are looked into besides the usual
            ones, with the option ``otherctypesenable``; ``any`` is all.
    """

    blocking_paranoia: int
    executing_paranoia: int
    anomaly_threshold: int
    regex_steps: int
    json_depth: int
    body_bytes: int
    ip_reputation: bool
    other_content_types: tuple[str, ...]


class WafTuningChanges(TypedDict, total=False):
    """What can be changed; see ``WafTuning``."""

    blocking_paranoia: int
    executing_paranoia: int
    anomaly_threshold: int
    regex_steps: int
    json_depth: int
    body_bytes: int
    ip_reputation: bool
    other_content_types: Sequence[str]


class WafTunings(ServiceGroup[WafTuning]):
    """The firewall's thresholds of each service: ``lm.waf_tuning``.

    The firewall itself is switched on by settings of the service: ``waf`` and ``waf_mode``.
    """

    model = WafTuning
    table = Table(
        [
            field("BlockingParanoia", "blocking_paranoia", Number(low=1, high=4)),
            field("ExecutingParanoia", "executing_paranoia", Number(low=1, high=4)),
            field("AnomalyScoringThreshold", "anomaly_threshold", Number(low=1, high=10_000)),
            field("PCRELimit", "regex_steps", Number(low=1000, high=99_999)),
            field("JSONDLimit", "json_depth", Number(low=1000, high=99_999)),
            field("BodyLimit", "body_bytes", Number(low=1024, high=52_428_800)),
            field("IPReputationBlocking", "ip_reputation", Switch()),
            field(
                "InterceptPOSTOtherContentTypes",
                "other_content_types",
                Words(joiner=",", ordered=False),
            ),
        ]
    )

    def update(self, vs: AnyVsRef, **settings: "Unpack[WafTuningChanges]") -> WafTuning:
        """Change some of it in a service and return it as it is now. Changes the device.

        Raises:
            InvalidRequest: an unknown setting or a wrong value; nothing was sent.
            NotFound: there is no such service.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: the appliance made something else of it.
        """
        return self._update(vs, settings)
