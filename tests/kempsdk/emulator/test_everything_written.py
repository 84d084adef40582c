"""What managers write is emulated with state, and every command that changes does change."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from kempsdk.catalogue import commands
from kempsdk.emulator import Switches, VirtualLoadMaster, coverage
from kempsdk.emulator.registry import COMMANDS
from tests.fakes.appliance_writes import ALL, CERTIFICATES, GEO, SERVICES, SYSTEM, USERS, Write
from tests.meta.test_managers_reach import reached

ELSEWHERE: Final = {
    # Tested with files, keys, times or a unit of their own.
    "accepteula": "test_licensing",
    "accepteula2": "test_licensing",
    "alsilicense": "test_licensing",
    "license": "test_licensing",
    "set_initial_passwd": "test_licensing",
    "azurehamode": "test_clustering",
    "azurehaparam": "test_clustering",
    "delapikey": "test_accounts",
    "usersetsyspassword": "test_accounts",
    "geoimportksk": "test_signing_keys",
    "renewlecert": "test_acme",
    "renewacmecert": "test_acme",
    "uploadtemplate": "test_templates",
    "deltemplate": "test_templates",
    "restore": "test_backups",
    "restorecert": "test_certificates",
}
NOTHING_TO_KEEP: Final = {
    "cluster/joincluster": "a unit that waits to be taken in shows nothing of it",
    "logging/clearlogs": "logs are no configuration: test_diagnostics",
    "logging/clearextlogs": "logs are no configuration: test_diagnostics",
    "logging/resetlogs": "logs are no configuration: test_diagnostics",
    "logging/resetstats": "counters are no configuration: test_data_path",
    "logging/ssoflush": "there are no sessions",
    "resolvenow": "names are looked up in a switch, at once",
    "restartlmingress": "there is no ingress controller",
    "shutdown": "power is no configuration: test_power",
    "ssodomain/killallsessions": "there are no sessions",
    "ssodomain/killsession": "there are no sessions",
    "unlockdomainusers": "nobody logs in",
}


def test_what_managers_write_is_emulated_with_state() -> None:
    found = coverage()
    written = [name for name in reached() if commands()[name].mutates]
    assert len(written) > 150
    assert [name for name in written if found[name] != "state"] == []


def test_every_command_that_changes_is_called_here() -> None:
    changing = {name for name, one in COMMANDS.items() if one.mutates}
    called = {name for name, _ in ALL}
    assert sorted(changing - called - ELSEWHERE.keys() - NOTHING_TO_KEEP.keys()) == []
    assert sorted((ELSEWHERE | NOTHING_TO_KEEP).keys() & called) == []


@pytest.fixture
def box() -> Iterator[VirtualLoadMaster]:
    switches = Switches(
        rate_limit=False,
        cloud="aws",
        waiting_nodes=("192.0.2.11",),
        interfaces=("192.0.2.10/24", ""),
    )
    with VirtualLoadMaster(http=True, health="down", switches=switches) as box:
        yield box


def _kept(box: VirtualLoadMaster) -> dict[str, Any]:
    return {**box.configuration(), "changed_at_s": 0}


@pytest.mark.parametrize(
    "writes",
    [SERVICES, CERTIFICATES, USERS, SYSTEM, GEO],
    ids=["services", "certificates", "users", "system", "geo"],
)
def test_it_is_there_afterwards(box: VirtualLoadMaster, writes: tuple[Write, ...]) -> None:
    for command, params in writes:
        before = _kept(box)
        answer = box.run(command, **params)
        assert answer["code"] == 200, (command, params, answer)
        assert _kept(box) != before, (command, params)
