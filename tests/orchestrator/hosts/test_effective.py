"""Effective values from files; the live ones are held against the kernel in test_kernel_arp."""

import pytest

from orchestrator.hosts.effective import effective_arp, number, persistent_arp
from orchestrator.hosts.state import NetState
from orchestrator.hosts.sysctl_files import lines_about_arp

OURS = "/etc/sysctl.d/90-kemp-dsr.conf"
ALL_RIGHT = """\
net/ipv4/conf/all/arp_ignore = 1
net/ipv4/conf/ens32/arp_ignore = 1
net/ipv4/conf/all/arp_announce = 2
net/ipv4/conf/ens32/arp_announce = 2
"""


def with_files(files: dict[str, str]) -> NetState:
    return NetState(
        interfaces={"ens32": ""},
        addresses=(),
        sysctls={},
        persistent_sysctls=lines_about_arp(files),
    )


@pytest.mark.parametrize("all_value", [0, 1, 2, 3, 8])
@pytest.mark.parametrize("interface_value", [0, 1, 2, 3, 8])
def test_the_larger_one_counts(all_value: int, interface_value: int) -> None:
    state = NetState(
        interfaces={"ens32": ""},
        addresses=(),
        sysctls={
            "conf/all/arp_ignore": all_value,
            "conf/ens32/arp_ignore": interface_value,
            "conf/lo/arp_ignore": 8,
            "conf/default/arp_ignore": 8,
            "conf/all/arp_announce": 2,
            "conf/ens32/arp_announce": 0,
        },
    )
    arp = effective_arp(state, "ens32")
    assert arp.arp_ignore == max(all_value, interface_value)
    assert arp.silent is (max(all_value, interface_value) in (1, 2))


def test_the_last_file_wins() -> None:
    arp = persistent_arp(
        with_files({OURS: ALL_RIGHT, "/usr/lib/sysctl.d/99-late.conf": zeros("arp_ignore")}),
        "ens32",
    )
    assert arp.after_boot.arp_ignore == 0
    assert arp.boot_winners["conf/all/arp_ignore"].path == "/usr/lib/sysctl.d/99-late.conf"
    assert arp.boot_winners["conf/all/arp_announce"].path == OURS
    assert not arp.silent
    assert {line.path for line in arp.conflicts} == {"/usr/lib/sysctl.d/99-late.conf"}


def test_sysctl_conf_counts_for_a_reload_only() -> None:
    arp = persistent_arp(
        with_files({OURS: ALL_RIGHT, "/etc/sysctl.conf": zeros("arp_ignore")}), "ens32"
    )
    assert arp.after_boot.silent
    assert arp.after_reload.arp_ignore == 0
    assert not arp.silent


def test_the_link_to_sysctl_conf_makes_it_count_at_boot() -> None:
    bad = zeros("arp_ignore")
    arp = persistent_arp(
        with_files({OURS: ALL_RIGHT, "/etc/sysctl.conf": bad, "/etc/sysctl.d/99-sysctl.conf": bad}),
        "ens32",
    )
    assert arp.after_boot.arp_ignore == 0


def test_one_key_of_two_is_enough_and_the_conflict_is_still_named() -> None:
    arp = persistent_arp(
        with_files({OURS: ALL_RIGHT, "/etc/sysctl.conf": "net.ipv4.conf.all.arp_ignore = 0\n"}),
        "ens32",
    )
    assert arp.silent
    assert [(line.path, line.value) for line in arp.conflicts] == [("/etc/sysctl.conf", "0")]


def test_a_pattern_loses_to_a_named_key_wherever_it_stands() -> None:
    late = {"/etc/sysctl.d/99-glob.conf": "net.ipv4.conf.*.arp_ignore = 0\n"}
    assert persistent_arp(with_files({OURS: ALL_RIGHT, **late}), "ens32").silent
    only = persistent_arp(with_files(late), "ens32")
    assert only.after_boot.arp_ignore == 0
    assert only.boot_winners["conf/ens32/arp_ignore"].path == "/etc/sysctl.d/99-glob.conf"
    assert [line.key for line in only.conflicts] == ["conf/*/arp_ignore"]


def test_an_exception_keeps_patterns_off() -> None:
    text = "net.ipv4.conf.*.arp_ignore = 1\n-net.ipv4.conf.all.arp_ignore\n"
    arp = persistent_arp(with_files({"/etc/sysctl.d/10.conf": text}), "ens32")
    assert "conf/all/arp_ignore" not in arp.boot_winners
    assert arp.after_boot.arp_ignore == 1


@pytest.mark.parametrize("scope", ["lo", "default"])
def test_lo_and_default_do_not_count(scope: str) -> None:
    text = f"net.ipv4.conf.{scope}.arp_ignore = 1\nnet.ipv4.conf.{scope}.arp_announce = 2\n"
    arp = persistent_arp(with_files({"/etc/sysctl.d/10.conf": text}), "ens32")
    assert (arp.after_boot.arp_ignore, arp.after_boot.arp_announce) == (0, 0)
    assert arp.boot_winners == {}


# as written to the kernel's own file, Linux 6.18
@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("01", 1), ("010", 8), ("0x2", 2), ("1 # c", 1), ("1 2", 1), ("x", 0), ("", 0)],
)
def test_numbers_as_the_kernel_takes_them(text: str, value: int) -> None:
    assert number(text) == value


def zeros(key: str) -> str:
    return f"net.ipv4.conf.all.{key} = 0\nnet.ipv4.conf.ens32.{key} = 0\n"
