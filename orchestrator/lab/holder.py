"""The process that holds a lab inside its private world; started by the supervisor.

Builds it, reports over a pipe, and keeps it until SIGTERM.
"""

import argparse
import json
import os
import signal
import sys
from contextlib import ExitStack
from dataclasses import asdict
from types import FrameType
from typing import NoReturn

import yaml

from orchestrator.errors import OrchestratorError
from orchestrator.hosts.netlink import NetlinkDriver
from orchestrator.lab.lab import Lab
from orchestrator.lab.loadmaster import LabLoadMaster
from orchestrator.lab.rollout_file import KINDS, PAIRED_KINDS, rollout_file
from orchestrator.lab.ssh_access import use_ssh_config
from orchestrator.lab.station import LabOptions, StationStatus, options_of
from orchestrator.lab.systemd_host import SystemdOptions
from orchestrator.lab.web_control import WebControl


def hold(options: LabOptions, ready: int) -> None:
    """Be the lab until SIGTERM; runs inside the private world."""
    # A handler and not a blocked signal: children would inherit the block.
    signal.signal(signal.SIGTERM, _leave)
    systemd = None
    if options.init == "systemd":
        systemd = SystemdOptions(firewalld=options.method == "firewalld")
    with ExitStack() as stack:
        lab = stack.enter_context(
            Lab(options.hosts, releases=options.releases, systemd=systemd, pair=options.pair)
        )
        box = stack.enter_context(
            LabLoadMaster(lab, layer=options.layer, time_scale=options.time_scale)
        )
        if systemd is None:
            web = WebControl(lab, NetlinkDriver())
            for host in lab.hosts:
                web.start(host)
        else:
            use_ssh_config(lab.ssh_config)
        names = [host.name for host in lab.hosts]
        kinds = KINDS if len(names) == 1 else PAIRED_KINDS
        for kind in (*kinds, *(["reboot"] if systemd else [])):
            wanted = rollout_file(lab, box, kind, names, method=options.method)
            content = yaml.safe_dump(wanted, sort_keys=False)
            (lab.directory / f"{kind}.yaml").write_text(content, encoding="utf-8")
        report = {
            "vip": lab.vip,
            "directory": str(lab.directory),
            "method": options.method,
            "init": options.init,
            "stations": {name: asdict(one) for name, one in _stations(lab).items()},
            "url": box.url,
            "user": box.user,
            "fingerprint": box.fingerprint,
            "control_url": box.control_url if options.pair else "",
            "api_key": box.api_key,
        }
        with os.fdopen(ready, "w", encoding="utf-8") as pipe:
            pipe.write(json.dumps(report) + "\n")
        while True:
            signal.pause()


def _stations(lab: Lab) -> dict[str, StationStatus]:
    addresses = {s.name: s.address for s in (*lab.topology.segment, lab.topology.client)}
    hosts = {host.name: host for host in lab.hosts}
    return {
        name: StationStatus(
            address=addresses[name],
            mac=lab.macs[name],
            namespace=namespace.path,
            root=hosts[name].root if name in hosts and name not in lab.machines else "",
            release=lab.releases[name].value if name in lab.releases else "",
            boot_file=str(lab.machines[name].boot_file) if name in lab.machines else "",
        )
        for name, namespace in lab.namespaces.items()
    }


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the way out is not to be interrupted
    sys.exit(0)


def main() -> None:
    """Entry of the background process; started by ``lab_up``, not by people."""
    parser = argparse.ArgumentParser(prog="python -m orchestrator.lab.holder")
    parser.add_argument("--options", type=json.loads, required=True)
    parser.add_argument("--ready", type=int, required=True)
    given = parser.parse_args()
    os.set_inheritable(given.ready, False)
    try:
        hold(options_of(given.options), given.ready)
    except OrchestratorError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
