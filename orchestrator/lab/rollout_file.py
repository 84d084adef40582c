"""The file that an operator would write for a lab: its inventory, and a rollout."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kempsdk.references import VsRef
from orchestrator.hosts.driver import Host
from orchestrator.lab.lab import Lab
from orchestrator.lab.loadmaster import LabLoadMaster
from orchestrator.lab.station import LabMethod
from orchestrator.lab.topology import BRIDGE
from orchestrator.lab.webservice import argv

KINDS = ("add", "roll", "drain", "remove", "rehome")
PAIRED_KINDS = (*KINDS, "replace")
"""Those of a lab with two servers or more."""
PORT = 80
_RESTART = "echo VERSION=2 > /etc/sysconfig/httpd && systemctl restart httpd"
# Run on the operator's station: what reboots a host cannot wait there until it is back.
_REBOOT = """\
boot_id() { ssh -o ConnectTimeout=2 "$1" cat /proc/sys/kernel/random/boot_id 2>/dev/null; }
before=$(boot_id "$1") || exit
ssh "$1" systemctl reboot
for _ in $(seq 120); do
    sleep 0.5
    now=$(boot_id "$1")
    [ -z "$now" ] || [ "$now" = "$before" ] || exec ssh "$1" systemctl is-system-running --wait
done
echo "$1 did not come back" >&2
exit 1
"""


def lab_service(lab: Lab) -> VsRef:
    """Return the virtual service that the lab's servers are meant for."""
    return VsRef.parse(f"tcp/{lab.vip}:{PORT}")


def second_service(lab: Lab) -> VsRef:
    """Return the virtual service that the lab's servers can be moved to; nobody has it yet."""
    network, _, last = lab.vip.rpartition(".")
    return VsRef.parse(f"tcp/{network}.{int(last) + 1}:{PORT}")


def rollout_file(
    lab: Lab,
    box: LabLoadMaster,
    kind: str,
    hosts: Sequence[str],
    *,
    method: LabMethod = "loopback",
) -> dict[str, Any]:
    """Return the file's content, ready for YAML.

    Waits are short: the lab's LoadMaster samples and checks several times faster than an
    appliance does.

    Args:
        kind: one of ``PAIRED_KINDS``; a roll renews the web servers as version 2, replace
            puts the last of the hosts in the place of the first, rehome moves them to
            another VIP. Where the hosts boot, reboot too: a roll that reboots them.
        hosts: names of the servers it is about.
    """
    rollout: dict[str, Any] = {
        "kind": kind,
        "pool": "web",
        "hosts": list(hosts),
        "settle_s": 1,
        "drain": {"window_s": 2, "poll_s": 0.5, "deadline_s": 60},
        "min_healthy_s": 2,
        "healthy_deadline_s": 60,
    }
    if kind == "reboot":
        argv_here = ["sh", "-c", _REBOOT.replace("{", "{{").replace("}", "}}"), "sh", "{host}"]
        rollout["kind"] = "roll"
        rollout["action"] = {"argv": argv_here, "on": "here", "timeout_s": 120}
    elif kind == "roll":
        if lab.machines:
            action = ["sh", "-c", _RESTART]
        else:
            # {host} is filled in for each server; the roots lie side by side, named alike.
            root = Path(lab.hosts[0].root).parent / "{host}"
            action = argv("restart", root=root, name="{host}", version="2", port=PORT)
        rollout["action"] = {"argv": action, "on": "host", "timeout_s": 30}
    service = {
        "loadmaster": "lb",
        "service": str(lab_service(lab)),
        "method": method,
        **({"gateway": lab.lb_address} if method == "gateway" else {}),
        "health": {"path": "/health"},
    }
    services, pools = {"web": service}, {"web": [host.name for host in lab.hosts]}
    if kind == "replace":
        old, new = hosts[0], hosts[-1]
        del rollout["hosts"]
        rollout["replace"] = {old: new}
        pools["web"].remove(new)
    elif kind == "rehome":
        services["new"] = {**service, "service": str(second_service(lab))}
        pools["new"] = pools["web"]
        # All of them move: the old service is empty at the end.
        rollout |= {"moves_from": "web", "pool": "new", "may_empty": ["web"]}
    return {
        "loadmasters": {
            "lb": {
                "url": box.url,
                "tls_pin": box.fingerprint,
                "segment_address": lab.lb_address,
            }
        },
        "services": services,
        "hosts": {host.name: _host(host) for host in lab.hosts},
        "pools": {name: {"service": name, "hosts": list(names)} for name, names in pools.items()},
        "arp_probe": {"interface": BRIDGE},
        "rollout": rollout,
    }


def _host(host: Host) -> dict[str, Any]:
    entry = {"address": host.address, "interface": host.interface, "driver": host.driver}
    if host.driver == "ssh":
        return {**entry, "ssh_host": host.ssh_host}
    return {**entry, "namespace": host.namespace, "root": host.root}
