"""Choices where the appliance's behaviour is unknown or differs by firmware."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Firmware = Literal["7.1", "7.2.50", "7.2.54"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """Behaviour to choose; the defaults are the appliance's where it is known.

    Attributes:
        firmware: the family to behave as: what ``version`` says of a new unit, which members
            services and servers have, and the defaults of a new service. 7.1 has no second
            API, and 7.2.50 has the fault of ``broken_preprocess_json``.
        rate_limit: drop connections above ``rate_limit_calls`` calls within
            ``rate_limit_window_s`` seconds, before TLS, without any HTTP answer
            (vendor's interface description, 2022: 30 calls in 3 s). Calls that were
            dropped are not counted: a guess. The window is in real seconds whatever
            the time scale.
        concurrent_calls: connections that may be open at once before further ones are
            dropped; None for no limit. About 8 were seen on a busy free-edition unit.
        url_limit: longest query of a v1 call in characters; longer ones are answered by
            a connection reset (documented 1,024; seen to pass with 500, reset at 1,800).
        renumber_services: give all services new indices after a change of global
            configuration, as seen on 7.2.50 to 7.2.63. Which commands count as global
            is a guess: set, modhealth, modadaptive, the global access lists, restore.
        duplicate_service: text of the refusal (422) when a service exists: a guess.
        duplicate_server: text of the refusal (422) when a server exists: a guess.
        html_on_401: answer bad credentials with an HTML page, as seen on v2; off for the
            API's own error form.
        lock_after_failures: with session management on, ``sessionmaxfailattempts`` failed
            logins with a user's name lock the user until the next boot. Documented for the
            web UI; that the APIs do so, and how a lock ends, are guesses, so off.
        v2_failures_with_http_200: whether v2 failures ever come with HTTP status 200
            is unknown; off sets the HTTP status to the code.
        unknown_command_code: 405 by the vendor's Python SDK; another source says 422.
        not_emulated: text of the refusal of a command that an appliance has and the virtual
            one has not; the default is the appliance's own for a command that its licence
            or state does not allow (7.2.54). The answer has a header that marks it.
        not_emulated_code: code of that refusal.
        enablers_unknown_address: whether enablers/disablers succeed for an address that
            is in no service: a guess.
        http_services_transparent: HTTP services made by the API come out transparent, and
            adding a SubVS makes its parent so: one author's observation on newer firmware,
            against recordings of 7.2.5x, so off.
        createsubvs_changes_parent: whether settings sent with ``createsubvs`` also change
            the parent; they always reach the SubVS. A guess.
        addrs_ignores_forward: ``addrs`` silently ignores ``forward`` (seen on 7.2.50 to
            7.2.63); a modrs afterwards is needed.
        new_service_hidden_s: seconds for which showvs does not know a service that was
            just added; about 0.2 was seen once.
        broken_preprocess_json: the invalid v2 JSON of 7.2.50.0 on services with
            pre-process rules.
        standby: behave as the standby unit of a pair (``hastatus``, ``activetime``).
        standby_refuses_writes: what a standby unit does with writes is unknown.
        free_edition: refuse what a free licence refuses (``Tethering``).
        cloud: the cloud that the unit is in; without one, the commands for high availability
            in clouds are not available.
        waiting_nodes: addresses of other units that wait to be taken into a cluster.
        unlicensed: a new unit has no licence: no credentials are needed, and only the steps
            of the initial configuration are available.
        licensing_disables_api: the API is off after the first licence and password (seen on
            7.2.63; the vendor's PowerShell guide says that it is on).
        reboot_s: real seconds for which a reboot keeps the unit away; 0 interrupts nothing.
        dns_names: host names that may be used as real server addresses, with their
            address. The virtual LoadMaster never asks a resolver.
        interfaces: addresses with prefix of eth0, eth1, ... as showiface prints them.
        serial_number: what a new unit has; empty makes up one of its own. How one looks is
            known from a single unit (seven digits, 7.2.54).
    """

    firmware: Firmware = "7.2.54"
    rate_limit: bool = True
    rate_limit_calls: int = 30
    rate_limit_window_s: float = 3.0
    concurrent_calls: int | None = None
    url_limit: int = 1024
    renumber_services: bool = True
    duplicate_service: str = "VS already exists"
    duplicate_server: str = "RS already exists"
    html_on_401: bool = True
    lock_after_failures: bool = False
    v2_failures_with_http_200: bool = False
    unknown_command_code: Literal[405, 422] = 405
    not_emulated: str = "Command not available."
    not_emulated_code: int = 422
    enablers_unknown_address: Literal["accept", "refuse"] = "refuse"
    http_services_transparent: bool = False
    createsubvs_changes_parent: bool = False
    addrs_ignores_forward: bool = True
    new_service_hidden_s: float = 0.0
    broken_preprocess_json: bool = False
    standby: bool = False
    standby_refuses_writes: bool = True
    free_edition: bool = False
    cloud: Literal["", "azure", "aws"] = ""
    waiting_nodes: tuple[str, ...] = ()
    unlicensed: bool = False
    licensing_disables_api: bool = True
    reboot_s: float = 0.0
    dns_names: Mapping[str, str] = field(default_factory=dict)
    interfaces: tuple[str, ...] = ("192.0.2.10/24",)
    serial_number: str = ""
