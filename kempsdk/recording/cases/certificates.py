"""Certificates and intermediates, cipher sets, and certificates from Let's Encrypt."""

from typing import TYPE_CHECKING, Final

from kempsdk.recording.cases.case import case
from kempsdk.recording.cases.material import AUTHORITY, PASSWORD, RENEWED, SITE, with_key
from kempsdk.recording.cases.state import WEB, with_acme, with_certificates, with_services

if TYPE_CHECKING:
    from kempsdk.client import LoadMaster


def _saved_and_restored(lm: "LoadMaster") -> object:
    saved = lm.certificates.backup(PASSWORD)
    lm.certificates.delete("site")
    return lm.certificates.restore(saved, PASSWORD)


CASES: Final = (
    case("listcert/none", lambda lm: lm.certificates.list()),
    case(
        "listcert/one",
        lambda lm: lm.certificates.list(),
        lambda lm: lm.certificates.get("site"),
        prepare=with_certificates,
    ),
    case("addcert/new", lambda lm: lm.certificates.add("site", with_key(SITE))),
    case(
        "addcert/replaced",
        lambda lm: lm.certificates.replace("site", with_key(RENEWED)),
        prepare=with_certificates,
    ),
    case(
        "readcert/one-and-none",
        lambda lm: lm.certificates.read_pem("site"),
        lambda lm: lm.certificates.read_pem("none"),
        prepare=with_certificates,
    ),
    case(
        "delcert/one",
        lambda lm: lm.certificates.delete("site"),
        lambda lm: lm.certificates.list(),
        prepare=with_certificates,
    ),
    case(
        "delcert/in-use",
        lambda lm: lm.virtual_services.update(WEB, ssl_acceleration=True, cert_files=["site"]),
        lambda lm: lm.certificates.delete("site"),
        prepare=with_certificates,
    ),
    case(
        "backupcert/all",
        # The file itself is scrubbed out of the recording.
        lambda lm: lm.certificates.backup(PASSWORD) != b"",
        prepare=with_certificates,
    ),
    case("restorecert/all", _saved_and_restored, prepare=with_certificates),
    case(
        "listintermediate/one",
        lambda lm: lm.intermediate_certificates.list(),
        lambda lm: lm.intermediate_certificates.get("authority"),
        prepare=with_certificates,
    ),
    case(
        "addintermediate/new",
        lambda lm: lm.intermediate_certificates.add("authority", AUTHORITY.encode()),
    ),
    case(
        "readintermediate/one",
        lambda lm: lm.intermediate_certificates.read_pem("authority"),
        prepare=with_certificates,
    ),
    case(
        "delintermediate/one",
        lambda lm: lm.intermediate_certificates.delete("authority"),
        lambda lm: lm.intermediate_certificates.list(),
        prepare=with_certificates,
    ),
    case(
        "getcipherset/system-and-unknown",
        lambda lm: lm.cipher_sets.get("FIPS"),
        lambda lm: lm.cipher_sets.get("none"),
    ),
    case(
        "modifycipherset/new-and-changed",
        lambda lm: lm.cipher_sets.set("mine", ["ECDHE-RSA-AES256-GCM-SHA384"]),
        lambda lm: lm.cipher_sets.set(
            "mine", ["ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256"]
        ),
    ),
    case(
        "delcipherset/one",
        lambda lm: lm.cipher_sets.delete("mine"),
        lambda lm: lm.cipher_sets.get("mine"),
        prepare=lambda lm: lm.cipher_sets.set("mine", ["ECDHE-RSA-AES256-GCM-SHA384"]),
    ),
    case("leaccountinfo/none", lambda lm: lm.acme.account()),
    case("leaccountinfo/one", lambda lm: lm.acme.account(), prepare=with_acme),
    case("registerleaccount/new", lambda lm: lm.acme.register("ops@shop.example")),
    case(
        "fetchleaccount/with-its-key",
        lambda lm: lm.acme.take_over(with_key(SITE), PASSWORD),
        prepare=with_acme,
    ),
    case("listlecert/none", lambda lm: lm.acme.list(), prepare=with_services),
    case(
        "listlecert/one",
        lambda lm: lm.acme.list(),
        lambda lm: lm.acme.get("shop"),
        prepare=with_acme,
    ),
    case(
        "addlecert/two-names",
        lambda lm: lm.acme.request(
            "cafe",
            "cafe.example",
            challenge_service=WEB,
            names=["www.cafe.example"],
            elliptic=True,
        ),
        prepare=with_acme,
    ),
    case("renewlecert/one", lambda lm: lm.acme.renew("shop"), prepare=with_acme),
    case(
        "dellecert/one",
        lambda lm: lm.acme.delete("shop"),
        lambda lm: lm.acme.list(),
        prepare=with_acme,
    ),
)
