"""Templates: export, upload, list, delete, and services made from them."""

import base64

from tests.kempsdk.emulator.wire import Reply, Wire


def _upload(wire: Wire, file: bytes) -> Reply:
    headers = {**wire.basic(), "Content-Type": "application/x-www-form-urlencoded"}
    return wire.request("POST", "/access/uploadtemplate", body=file, headers=headers)


def _exported(wire: Wire) -> bytes:
    wire.fresh("198.18.0.1", 443, NickName="web", SSLAcceleration=1, Schedule="lc")
    wire.sub(1, NickName="inner", CheckUrl="/health")
    wire.sub(1)
    return wire.v1("exportvstmplt", vs=1).body


def test_from_export_to_a_new_service(wire: Wire) -> None:
    file = _exported(wire)
    assert base64.b64decode(wire.v2("exportvstmplt", vs=1).json["data"]) == file
    assert _upload(wire, file).xml.findtext("Success") == "Installed 1 new templates."
    (listed,) = wire.v2("listtemplates").json["template"]
    assert listed["name"] == "web"
    assert wire.v1("listtemplates").data.findtext("template/name") == "web"
    made = wire.v1("addvs", vs="198.18.0.2", port=8443, prot="tcp", template="web", NickName="two")
    assert made.xml.findtext("Success") == "Template VS added"
    shown = wire.v2("showvs", vs="198.18.0.2", port=8443, prot="tcp").json
    assert (shown["NickName"], shown["Schedule"], shown["VSPort"]) == ("two", "lc", "8443")
    assert len(shown["CertFile"]) == 32
    assert shown["MasterVS"] == 2
    assert shown["Index"] == 4
    inner, other = shown["SubVS"]
    assert (inner["Name"], inner["VSIndex"], other["VSIndex"]) == ("inner", 5, 6)
    assert wire.v2("showvs", vs=5).json["CheckUrl"] == "/health"
    # The two do not share anything.
    wire.change(5, CheckUrl="/other")
    assert wire.v2("showvs", vs=2).json["CheckUrl"] == "/health"


def test_what_is_refused(wire: Wire) -> None:
    file = _exported(wire)
    for bad in (b"nonsense", b"{}", file.replace(b"Schedule", b"Nonsense"), file[:-20]):
        assert _upload(wire, bad).status == 422
    assert wire.v1("uploadtemplate").error == (400, "data: File Value missing")
    # It does not work in v2 (7.2.54).
    assert wire.v2("uploadtemplate", data=base64.b64encode(file).decode()).status == 422
    assert "template" not in wire.v2("listtemplates").json
    before = wire.v2("listvs").body
    refused = wire.v2("addvs", vs="198.18.0.2", port=80, prot="tcp", template="none")
    assert refused.error == (422, "Unknown template")
    assert wire.v2("listvs").body == before
    assert wire.v2("deltemplate", name="web").status == 422
    _upload(wire, file)
    assert wire.v2("deltemplate", name="web").status == 200
