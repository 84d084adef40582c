"""Files below a host's root, and nothing outside it."""

import os
from pathlib import Path

import pytest

from orchestrator.hosts.host_files import HostFiles, OutsideRoot


def test_writes_with_directories_mode_and_no_remains(tmp_path: Path) -> None:
    HostFiles(str(tmp_path)).write("/var/lib/kemp/dsr.json", "{}\n")
    written = tmp_path / "var/lib/kemp/dsr.json"
    assert written.read_text() == "{}\n"
    assert written.stat().st_mode & 0o7777 == 0o644
    assert [one.name for one in written.parent.iterdir()] == ["dsr.json"]


def test_keeps_the_owner(tmp_path: Path) -> None:
    place = tmp_path / "x.conf"
    place.write_text("old")
    try:
        os.chown(place, 1234, 2345)
    except OSError as error:
        pytest.skip(f"needs root to give a file away: {error.strerror}")
    HostFiles(str(tmp_path)).write("/x.conf", "new")
    assert (place.stat().st_uid, place.stat().st_gid) == (1234, 2345)
    assert place.read_text() == "new"


def test_a_failed_write_leaves_the_old_file_and_no_remains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "x.conf"
    place.write_text("old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        HostFiles(str(tmp_path)).write("/x.conf", "new")
    assert [one.name for one in tmp_path.iterdir()] == ["x.conf"]
    assert place.read_text() == "old"


def test_an_absolute_link_starts_at_the_hosts_root(tmp_path: Path) -> None:
    (tmp_path / "etc/sysctl.d").mkdir(parents=True)
    (tmp_path / "etc/sysctl.conf").write_text("inside")
    (tmp_path / "etc/sysctl.d/99-sysctl.conf").symlink_to("/etc/sysctl.conf")
    (tmp_path / "etc/sysctl.d/98.conf").symlink_to("../sysctl.conf")
    files = HostFiles(str(tmp_path))
    assert files.read("/etc/sysctl.d/99-sysctl.conf") == "inside"
    assert files.read("/etc/sysctl.d/98.conf") == "inside"


def test_links_do_not_lead_outside(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("s")
    root = tmp_path / "root"
    root.mkdir()
    (root / "up").symlink_to("../outside")
    (root / "abs").symlink_to(outside)
    files = HostFiles(str(root))
    for link in ("up", "abs"):
        assert files.read(f"/{link}/secret") is None
        files.write(f"/{link}/new", "x")
    assert [one.name for one in outside.iterdir()] == ["secret"]


def test_writing_replaces_a_link_and_not_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("t")
    (tmp_path / "x.conf").symlink_to("target")
    HostFiles(str(tmp_path)).write("/x.conf", "new")
    assert (tmp_path / "target").read_text() == "t"
    assert (tmp_path / "x.conf").read_text() == "new"


def test_a_link_in_a_circle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OutsideRoot, match="circles"):
        HostFiles(str(tmp_path)).read("/a/x")


@pytest.mark.parametrize("path", ["x", "/../x", "/a/../../x", "/x\0", "/", "/x/", ""])
def test_odd_paths_are_refused(tmp_path: Path, path: str) -> None:
    files = HostFiles(str(tmp_path))
    with pytest.raises(OutsideRoot):
        files.write(path, "x")
    with pytest.raises(OutsideRoot):
        files.remove(path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_there(tmp_path: Path) -> None:
    files = HostFiles(str(tmp_path))
    assert files.read("/etc/none") is None
    assert files.names_in("/etc") == []
    files.remove("/etc/none")


def test_bytes_that_are_no_text_are_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "x.conf").write_bytes(b"# \xff\nnet.ipv4.conf.all.arp_ignore=1\n")
    assert "arp_ignore=1" in (HostFiles(str(tmp_path)).read("/x.conf") or "")
