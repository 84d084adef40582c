"""Which sysctl files count, in which order, and what their lines say."""

import pytest

from orchestrator.hosts.sysctl_files import lines_about_arp, reading_order


def test_files_of_all_directories_are_sorted_by_name_and_sysctl_conf_is_last() -> None:
    assert reading_order(
        [
            "/etc/sysctl.conf",
            "/etc/sysctl.d/50-b.conf",
            "/usr/lib/sysctl.d/60-c.conf",
            "/run/sysctl.d/40-a.conf",
            "/usr/local/lib/sysctl.d/45-x.conf",
        ]
    ) == (
        "/run/sysctl.d/40-a.conf",
        "/usr/local/lib/sysctl.d/45-x.conf",
        "/etc/sysctl.d/50-b.conf",
        "/usr/lib/sysctl.d/60-c.conf",
        "/etc/sysctl.conf",
    )


def test_etc_hides_run_hides_usr() -> None:
    same = [f"{place}/sysctl.d/50.conf" for place in ("/usr/lib", "/usr/local/lib", "/run", "/etc")]
    assert reading_order(same) == ("/etc/sysctl.d/50.conf",)
    assert reading_order(same[:3]) == ("/run/sysctl.d/50.conf",)
    assert reading_order(same[:2]) == ("/usr/local/lib/sysctl.d/50.conf",)


def test_other_names_and_places_are_not_read() -> None:
    assert (
        reading_order(
            ["/etc/sysctl.d/90.conf.rpmsave", "/etc/sysctl.d/sub/90.conf", "/etc/other/90.conf"]
        )
        == ()
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("net.ipv4.conf.all.arp_ignore = 1", [("conf/all/arp_ignore", "1")]),
        ("net.ipv4.conf.all.arp_ignore=1", [("conf/all/arp_ignore", "1")]),
        ("  net/ipv4/conf/ens32.100/arp_announce = 2 ", [("conf/ens32.100/arp_announce", "2")]),
        ("net.ipv4.conf.ens32/100.arp_ignore = 1", [("conf/ens32.100/arp_ignore", "1")]),
        ("-net.ipv4.conf.eth0.arp_ignore = 1", [("conf/eth0/arp_ignore", "1")]),
        ("-net.ipv4.conf.eth0.arp_ignore", [("conf/eth0/arp_ignore", "")]),
        ("net.ipv4.conf.*.arp_ignore = 0", [("conf/*/arp_ignore", "0")]),
        ("net/ipv4/conf/eth?/arp_* = 0", [("conf/eth?/arp_*", "0")]),
        # the kernel would look for an interface directory "ens32/100" here
        ("net.ipv4.conf.ens32.100.arp_ignore = 1", []),
        ("# net.ipv4.conf.all.arp_ignore = 1", []),
        ("; net.ipv4.conf.all.arp_ignore = 1", []),
        ("net.ipv4.conf.all.arp_filter = 1", []),
        ("net.ipv6.conf.all.arp_ignore = 1", []),
        ("net.ipv4.ip_forward = 1", []),
        ("net.ipv4.conf.all.arp_ignore", []),
        ("", []),
    ],
)
def test_spellings(line: str, said: list[tuple[str, str]]) -> None:
    lines = lines_about_arp({"/etc/sysctl.d/90.conf": f"{line}\n"})
    assert [(one.key, one.value) for one in lines] == said
