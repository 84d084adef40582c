"""Logging in to v1 with the certificate that was made for a user."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kempsdk import ClientCert, LoadMaster, Pin
from kempsdk.emulator import HighAvailabilityPair, Switches, VirtualLoadMaster
from kempsdk.errors import AuthenticationFailed, KempError, PermissionDenied
from kempsdk.references import VsRef

WEB = VsRef.parse("tcp/10.0.1.250:80")


@pytest.fixture
def box() -> Iterator[VirtualLoadMaster]:
    with VirtualLoadMaster(switches=Switches(rate_limit=False), health="down") as box:
        yield box


def _certificate(box: VirtualLoadMaster, folder: Path, user: str = "joe") -> ClientCert:
    with box.client() as lm:
        lm.commands.useraddlocal(user=user, password="hush-hush")
        lm.commands.usersetperms(user=user, perms="vs")
        lm.commands.usernewcert(user=user)
        file = lm.commands.userdownloadcert(user=user).file
    assert file is not None
    path = folder / f"{user}.pem"
    path.write_bytes(file)
    return ClientCert(path)


def _client(box: VirtualLoadMaster, certificate: ClientCert) -> LoadMaster:
    return LoadMaster(box.url, certificate, api="v1", tls=Pin(box.fingerprint))


def test_a_user_with_a_certificate(box: VirtualLoadMaster, tmp_path: Path) -> None:
    certificate = _certificate(box, tmp_path)
    with _client(box, certificate) as lm:
        lm.virtual_services.create(WEB)
        # With the user's rights and no others.
        with pytest.raises(PermissionDenied):
            lm.parameters.set("hostname", "lb7")
    # Everybody else logs in as before.
    with box.client() as lm:
        assert [one.ref for one in lm.virtual_services.list()] == [WEB]


@pytest.mark.parametrize(("name", "value"), [("sessioncontrol", "no"), ("adminclientaccess", "0")])
def test_what_it_needs(box: VirtualLoadMaster, tmp_path: Path, name: str, value: str) -> None:
    certificate = _certificate(box, tmp_path)
    with _client(box, certificate) as lm:
        assert lm.virtual_services.list() == ()
        box.run("set", param=name, value=value)
        with pytest.raises(AuthenticationFailed):
            lm.virtual_services.list()


def test_a_deleted_certificate_and_another_appliances(
    box: VirtualLoadMaster, tmp_path: Path
) -> None:
    certificate = _certificate(box, tmp_path)
    box.run("userdelcert", user="joe")
    with _client(box, certificate) as lm, pytest.raises(AuthenticationFailed):
        lm.virtual_services.list()
    with VirtualLoadMaster(switches=Switches(rate_limit=False)) as other:
        _certificate(other, tmp_path, "ann")
        # Not even TLS comes about with a certificate that was made elsewhere.
        with _client(other, certificate) as lm, pytest.raises(KempError):
            lm.virtual_services.list()


def test_it_outlives_a_restart_and_goes_to_the_other_unit(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    switches = Switches(rate_limit=False)
    with VirtualLoadMaster(switches=switches, state_file=state) as box:
        certificate = _certificate(box, tmp_path)
    with (
        VirtualLoadMaster(switches=switches, state_file=state) as box,
        _client(box, certificate) as lm,
    ):
        assert lm.virtual_services.list() == ()
    with HighAvailabilityPair(switches=switches) as pair:
        certificate = _certificate(pair.first, tmp_path, "ann")
        pair.failover()
        with _client(pair.second, certificate) as lm:
            assert lm.virtual_services.list() == ()
