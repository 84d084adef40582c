"""The appliance: identity and power, licence, pair and cluster, backups and templates."""

from typing import TYPE_CHECKING, Final

from kempsdk.backups import BackupPart
from kempsdk.high_availability import HaMode, HaPreference
from kempsdk.licensing import LicenseModel
from kempsdk.recording.cases.case import case
from kempsdk.recording.cases.material import PASSWORD
from kempsdk.recording.cases.state import DSR, WEB, with_servers, with_services, with_template

if TYPE_CHECKING:
    from kempsdk.client import LoadMaster

_NAME: Final = "lb100"
_PATCH: Final = b"patch to 7.2.63.1.30000.RELEASE\n"
_NEW: Final = {"unlicensed": True, "licensing_disables_api": False}
_BLOB: Final = b"begin 644 licence\n...\nend\n"
_SHARED: Final = "192.0.2.100"
_SECOND: Final = "192.0.2.21"
_WAITING: Final = {"waiting_nodes": (_SECOND,)}


def _with_another_firmware(lm: "LoadMaster") -> None:
    lm.system.install_firmware(_PATCH, confirm=_NAME)
    lm.system.reboot(confirm=_NAME)


def _accepted(lm: "LoadMaster") -> None:
    second = lm.licensing.accept(lm.licensing.read_eula(), LicenseModel.PERPETUAL)
    lm.licensing.answer_analytics(second, send=False)


def _licensed(lm: "LoadMaster") -> None:
    _accepted(lm)
    lm.licensing.license_offline(_BLOB)


def _with_cluster(lm: "LoadMaster") -> None:
    lm.cluster.create(_SHARED)
    lm.cluster.add_node(_SECOND)


def _with_enabled_node(lm: "LoadMaster") -> None:
    _with_cluster(lm)
    lm.cluster.enable_node(2)


def _saved_and_restored(lm: "LoadMaster") -> object:
    saved = lm.backups.download()
    lm.virtual_services.delete(DSR)
    lm.backups.restore(saved, BackupPart.ALL)
    return lm.virtual_services.list()


def _in_a_pair(lm: "LoadMaster") -> None:
    lm.high_availability.update(mode=HaMode.FIRST)
    lm.interfaces.update(0, partner_address="192.0.2.11", shared_address="192.0.2.12")


CASES: Final = (
    case("getall/identity", lambda lm: lm.system.identity().version),
    case("get/serial-number", lambda lm: bool(lm.system.serial_number())),
    case("reboot/without-waiting", lambda lm: lm.system.reboot(confirm=_NAME)),
    case(
        "getpreviousversion/one",
        lambda lm: lm.system.previous_version(),
        prepare=_with_another_firmware,
    ),
    case(
        "installpatch/done",
        lambda lm: lm.system.install_firmware(_PATCH, confirm=_NAME),
    ),
    case(
        "restorepatch/done",
        lambda lm: lm.system.restore_previous_firmware(confirm=_NAME),
        prepare=_with_another_firmware,
    ),
    case(
        "shutdown/done",
        lambda lm: lm.system.shut_down(confirm=_NAME),
    ),
    case("licenseinfo/permanent", lambda lm: lm.licensing.get()),
    case("readeula/first-step", lambda lm: lm.licensing.read_eula(), switches=_NEW),
    case(
        "accepteula/second-step",
        lambda lm: lm.licensing.accept(lm.licensing.read_eula(), LicenseModel.PERPETUAL),
        switches=_NEW,
    ),
    case("accepteula2/third-step", _accepted, switches=_NEW),
    case(
        "alsilicense/online",
        lambda lm: lm.licensing.license_online("ops@shop.example", PASSWORD, order_id="42"),
        prepare=_accepted,
        switches=_NEW,
    ),
    case(
        "license/offline",
        lambda lm: lm.licensing.license_offline(_BLOB),
        prepare=_accepted,
        switches=_NEW,
    ),
    case(
        "set_initial_passwd/last-step",
        lambda lm: lm.licensing.set_initial_password(PASSWORD),
        lambda lm: lm.virtual_services.list(),
        prepare=_licensed,
        switches=_NEW,
    ),
    case("get/single-unit", lambda lm: lm.high_availability.status()),
    case("get/standby-unit", lambda lm: lm.high_availability.status(), switches={"standby": True}),
    case(
        "showiface/shared-address",
        lambda lm: lm.high_availability.shared_address(),
        prepare=_in_a_pair,
    ),
    case(
        "set/high-availability",
        lambda lm: lm.high_availability.update(
            mode=HaMode.FIRST, preferred=HaPreference.SECOND, timeout_s=9, virtual_id=7
        ),
    ),
    case("cluster/status/none", lambda lm: lm.cluster.status()),
    case(
        "cluster/status/two-nodes",
        lambda lm: lm.cluster.status(),
        lambda lm: lm.cluster.node(2),
        prepare=_with_cluster,
        switches=_WAITING,
    ),
    case("cluster/create/new", lambda lm: lm.cluster.create(_SHARED)),
    case(
        "cluster/joincluster/done",
        lambda lm: lm.cluster.join(),
        lambda lm: lm.cluster.status(),
        prepare=lambda lm: lm.cluster.create(_SHARED),
    ),
    case(
        "cluster/addnode/waiting-and-unknown",
        lambda lm: lm.cluster.add_node(_SECOND),
        lambda lm: lm.cluster.add_node("192.0.2.99"),
        prepare=lambda lm: lm.cluster.create(_SHARED),
        switches=_WAITING,
    ),
    case(
        "cluster/enablenode/one",
        lambda lm: lm.cluster.enable_node(2),
        prepare=_with_cluster,
        switches=_WAITING,
    ),
    case(
        "cluster/disablenode/one",
        lambda lm: lm.cluster.disable_node(2),
        prepare=_with_enabled_node,
        switches=_WAITING,
    ),
    case(
        "cluster/deletenode/one",
        lambda lm: lm.cluster.delete_node(2),
        lambda lm: lm.cluster.status(),
        prepare=_with_cluster,
        switches=_WAITING,
    ),
    # The files themselves are scrubbed out of the recordings.
    case("backup/all", lambda lm: lm.backups.download() != b"", prepare=with_servers),
    case("restore/all", _saved_and_restored, prepare=with_servers),
    case("listtemplates/none", lambda lm: lm.templates.list()),
    case(
        "listtemplates/one",
        lambda lm: lm.templates.list(),
        lambda lm: lm.templates.get("web"),
        prepare=with_template,
    ),
    case(
        "uploadtemplate/exported-before",
        lambda lm: lm.templates.upload(lm.templates.export(WEB)),
        prepare=with_services,
        differs="uploads did not work in v2 on 7.2.54",
    ),
    case("exportvstmplt/one", lambda lm: lm.templates.export(WEB), prepare=with_services),
    case(
        "deltemplate/one",
        lambda lm: lm.templates.delete("web"),
        lambda lm: lm.templates.list(),
        prepare=with_template,
    ),
)
