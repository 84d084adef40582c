"""Backups of the configuration."""

import base64

import pytest

from kempsdk.backups import BackupPart
from kempsdk.client import LoadMaster
from kempsdk.errors import BadAnswer, CommandRejected, InvalidRequest, NotFound
from kempsdk.references import VsRef
from kempsdk.rule_models import MatchContentRule
from tests.kempsdk.test_virtual_services import DONE, scripted


def test_a_backup_brings_services_back(lm: LoadMaster, web: VsRef) -> None:
    lm.rules.create(MatchContentRule(name="images", pattern="/"))
    before = lm.virtual_services.get(web)
    data = lm.backups.download()
    lm.virtual_services.delete(web)
    lm.rules.delete("images")
    lm.parameters.set("finalpersist", 120)
    lm.backups.restore(data, BackupPart.SERVICES)
    assert lm.virtual_services.get(web).nickname == before.nickname
    assert lm.rules.get("images")
    assert lm.parameters.get("finalpersist") == 120


def test_a_part_that_was_not_asked_for_stays(lm: LoadMaster, web: VsRef) -> None:
    data = lm.backups.download()
    lm.virtual_services.delete(web)
    lm.parameters.set("finalpersist", 120)
    lm.backups.restore(data, BackupPart.BASE)
    assert lm.parameters.get("finalpersist") != 120
    with pytest.raises(NotFound):
        lm.virtual_services.get(web)


def test_no_backup(lm: LoadMaster) -> None:
    with pytest.raises(CommandRejected):
        lm.backups.restore(b"no backup", BackupPart.ALL)


def test_what_is_sent() -> None:
    file = base64.b64encode(b"file").decode()
    lm, transport = scripted(backup=[{"data": file}], restore=[DONE])
    assert lm.backups.download() == b"file"
    lm.backups.restore(b"file", BackupPart.BASE | BackupPart.SSO)
    backup, restore = transport.calls
    assert (backup.mutates, restore.mutates) == (False, True)
    assert (restore.params, restore.body) == ({"type": "9"}, b"file")


def test_what_is_not_sent() -> None:
    lm, transport = scripted()
    with pytest.raises(InvalidRequest, match="empty"):
        lm.backups.restore(b"", BackupPart.ALL)
    for parts in (0, 16):
        with pytest.raises(InvalidRequest, match="BASE, SERVICES, GEO, SSO"):
            lm.backups.restore(b"file", BackupPart(parts))
    assert transport.calls == []


def test_an_answer_without_a_file() -> None:
    lm, _ = scripted(backup=[DONE])
    with pytest.raises(BadAnswer, match="no file"):
        lm.backups.download()
