"""The device behind the two APIs: state, health, counters, and what follows a change."""

import math
import time
from collections import Counter
from collections.abc import Callable

from kempsdk.emulator.answers import Answer, Refusal
from kempsdk.emulator.credentials import Credentials
from kempsdk.emulator.datapath import DataPath, L4Server, L4Service, L7DataPath, L7Server, L7Service
from kempsdk.emulator.health import HealthMonitor
from kempsdk.emulator.log_files import LogFiles
from kempsdk.emulator.not_emulated import refusal_of
from kempsdk.emulator.permissions import check
from kempsdk.emulator.registry import COMMANDS, Request
from kempsdk.emulator.sampler import Sampler
from kempsdk.emulator.state import ApplianceState, VirtualService
from kempsdk.emulator.status import is_healthy
from kempsdk.emulator.switches import Switches


class Appliance:
    """One virtual LoadMaster; used from the thread of its event loop only.

    Attributes:
        state: the configuration.
        standby: whether this is the unit of a pair that waits.
        ha_mode: the parameter as it was at the last boot; a change of it needs one.
        active_since_s: epoch at which it became active, 0 while it waits.
        logs: its log files.
        power: switches it off, for some seconds or, with None, until somebody switches it on.
        hidden_until_s: monotonic time until which showvs does not know a service, by uid.
    """

    def __init__(
        self,
        state: ApplianceState,
        *,
        switches: Switches,
        credentials: Credentials,
        health: HealthMonitor,
        sampler: Sampler,
        data_path: DataPath | None,
        l7: L7DataPath | None,
        time_scale: float,
        save: Callable[[ApplianceState], None],
        trust: Callable[[str], None] = lambda _certificate: None,
    ) -> None:
        self.state = state
        self.switches = switches
        self.credentials = credentials
        self.health = health
        self.sampler = sampler
        self.standby = switches.standby
        self.booted_at_s = self.active_since_s = 0
        self.ha_mode = "0"
        self.is_on = True
        self.hidden_until_s: dict[int, float] = {}
        self.logs = LogFiles()
        self.power: Callable[[float | None], None] = lambda _off_for_s: None
        self._data_path = data_path
        self._l7 = l7
        self._time_scale = time_scale
        self._save = save
        self._trust = trust
        self._failed_logins: Counter[str] = Counter()
        self._touched: set[int] = set()
        self._dirty = False
        self._global = False
        health.listener = self.program
        self.start()
        self.trust_users()
        self.sync_everything()

    def start(self) -> None:
        """Begin a new life, later than the one before."""
        self.ha_mode = self.state.parameters.get("hamode", "0")
        self.booted_at_s = max(int(time.time()), self.booted_at_s + 1)
        self.active_since_s = 0 if self.standby else self.booted_at_s
        self._failed_logins.clear()
        self.logs.note("started")

    def log_in(self, name: str, password: str) -> str | None:
        """Return the user's name where the password is right and nothing has locked the user."""
        parameters = self.state.parameters
        most: float = math.inf
        if self.switches.lock_after_failures and parameters.get("sessioncontrol") == "yes":
            most = int(parameters.get("sessionmaxfailattempts", "5"))
        if self._failed_logins[name] >= most:
            return None
        user = self.credentials.by_password(name, password)
        if user is not None:
            del self._failed_logins[name]
        elif name in self.state.users:
            self._failed_logins[name] += 1
        return user

    def switch(self, *, on: bool) -> None:
        """Take its services from the data paths, or give them back."""
        self.is_on = on
        self.settle()
        self.program()

    def changed(self, *services: VirtualService) -> None:
        """Note that the configuration, and these services in it, have changed or are gone."""
        self._dirty = True
        self._touched.update(one.uid for one in services)

    def changed_globally(self) -> None:
        """Note a change of global configuration, after which indices are given anew."""
        self._dirty = True
        self._global = True

    def run(self, request: Request) -> Answer:
        """Run one command and let its changes take effect.

        Raises:
            Refusal: the command fails.
        """
        found = COMMANDS.get(request.command)
        if found is None:
            raise refusal_of(request.command, self.switches)
        user = self.state.users.get(request.user)
        if user is not None and user.permissions is not None:
            check(
                user,
                found,
                request,
                extended=self.state.parameters.get("extendedperms") == "yes",
            )
        if found.mutates and self.standby and self.switches.standby_refuses_writes:
            raise Refusal("Command not available.")
        try:
            answer = found.handler(self, request)
        finally:
            self.settle()
        if found.mutates:
            # Names only: values can be secrets.
            self.logs.note(f"user {request.user}: {request.command}")
        return answer

    def settle(self) -> None:
        """Let what was noted as changed take effect."""
        if not self._dirty:
            return
        self.state.changed_at_s = int(time.time())
        if self._global:
            if self.switches.renumber_services:
                self.state.renumber()
            self.sync_everything()
        else:
            for uid in self._touched:
                self.health.sync(self.state, uid)
            self.program()
        self._touched.clear()
        self._dirty = self._global = False
        self._save(self.state)

    def set_ha_mode(self, mode: str) -> None:
        """Be one unit of a pair, as if it had booted so."""
        self.state.parameters["hamode"] = self.ha_mode = mode

    def set_standby(self, standby: bool, *, after_s: int = 0) -> None:
        """Become the waiting unit of a pair, or the active one.

        Args:
            after_s: since when the other unit was active. Units say so in whole seconds, and
                a failover takes three at least: two are never active since the same one.
        """
        if standby != self.standby:
            self.standby = standby
            self.active_since_s = 0 if standby else max(int(time.time()), after_s + 1)
            self.program()

    def replace_state(self, state: ApplianceState) -> None:
        """Take over another unit's configuration; nobody is told of it."""
        self.state = state
        self.credentials.replace_state(state)
        self.trust_users()
        self.sync_everything()

    def trust_users(self) -> None:
        """Let clients show the certificates that were made for users."""
        for user in self.state.users.values():
            if user.certificate:
                self._trust(user.certificate)

    def sync_everything(self) -> None:
        """Let health checks and data path follow the whole configuration."""
        self.health.sync_all(self.state)
        self.program()

    def program(self) -> None:
        """Give the data paths the services of their layers as they are now."""
        services = [one for one in self.state.services.values() if one.parent is None]
        if not self.is_on or self.standby:
            services = []
        if self._data_path is not None:
            self._data_path.program([self._l4_service(one) for one in services if one.layer == 4])
        if self._l7 is not None:
            self._l7.program([self._l7_service(one) for one in services if _is_proxied(one)])

    def _l4_service(self, service: VirtualService) -> L4Service:
        enabled = bool(service.settings["Enable"])
        return L4Service(
            # Not the index on the wire, which changes: open connections belong to it.
            index=service.uid,
            address=service.address,
            port=service.port,
            protocol=service.protocol,
            schedule=str(service.settings["Schedule"]),
            idle_timeout_s=int(str(service.settings["Idletime"])) / self._time_scale,
            servers=tuple(
                L4Server(
                    rs_index=one.rs_index,
                    address=one.address,
                    port=one.port,
                    weight=one.weight,
                    eligible=enabled
                    and one.enable
                    and is_healthy(self.state, self.health, service, one),
                )
                for one in service.servers
                if one.forward == "route"
            ),
        )

    def _l7_service(self, service: VirtualService) -> L7Service:
        settings, parameters = service.settings, self.state.parameters

        def seconds(text: object) -> float:
            return int(str(text)) / self._time_scale

        return L7Service(
            index=service.uid,
            address=service.address,
            port=service.port,
            schedule=str(settings["Schedule"]),
            persist=str(settings["Persist"]),
            persist_timeout_s=seconds(settings["PersistTimeout"]),
            cookie=str(settings["Cookie"]),
            idle_timeout_s=seconds(settings["Idletime"]),
            transparent=bool(settings["Transparent"]),
            drain_time_s=seconds(parameters["finalpersist"]),
            cut_after_drain=parameters["dropatdrainend"] == "yes",
            cut_on_failure=parameters["droponfail"] == "yes",
            servers=tuple(
                L7Server(
                    rs_index=one.rs_index,
                    address=one.address,
                    port=one.port,
                    weight=one.weight,
                    limit=one.limit,
                    enabled=one.enable,
                    healthy=is_healthy(self.state, self.health, service, one),
                )
                for one in service.servers
            ),
        )


def _is_proxied(service: VirtualService) -> bool:
    """Return whether the proxy carries it; see :mod:`kempsdk.emulator.l7` for what it does not."""
    settings = service.settings
    return (
        service.layer == 7
        and service.protocol == "tcp"
        and service.port != 0
        and not service.slots
        and not settings["SSLAcceleration"]
        and bool(settings["Enable"])
    )
