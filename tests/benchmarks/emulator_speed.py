"""Speed of the virtual LoadMaster: prints figures, exits with 1 where one is over its limit.

Run: python -m tests.benchmarks.emulator_speed [--services N]

The server runs in a process of its own. Calls are counted per second of its processor time,
which is what one core can do and does not depend on what else the machine is doing; wall times
include a bare client.
"""

import argparse
import http.client
import json
import multiprocessing
import resource
import ssl
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

from kempsdk.emulator import Switches, VirtualLoadMaster

CPU = "processor seconds so far?"
MIN_SHOWVS_PER_CPU_S = 1500.0
MAX_LIST_S = 1.0
MAX_PEAK_MIB = 300.0
SHOW_CALLS = 3000
SERVERS_EACH = 10


def _serve(pipe: Connection, plain: bool) -> None:
    switches = Switches(rate_limit=False, addrs_ignores_forward=False)
    with VirtualLoadMaster(http=plain, health="up", switches=switches) as box:
        pipe.send((box.port, box.api_key))
        while pipe.recv() == CPU:
            peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            pipe.send((time.process_time(), peak_mib))


class _Client:
    def __init__(self, port: int, key: str, *, plain: bool) -> None:
        self._key = key
        if plain:
            self._http = http.client.HTTPConnection("127.0.0.1", port)
        else:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self._http = http.client.HTTPSConnection("127.0.0.1", port, context=context)

    def v2(self, command: str, **params: object) -> bytes:
        body = json.dumps({"cmd": command, "apikey": self._key, **params})
        self._http.request("POST", "/accessv2", body=body)
        return self._read()

    def v1(self, path: str) -> bytes:
        self._http.request("GET", f"/access/{path}?apikey={self._key}")
        return self._read()

    def _read(self) -> bytes:
        answer = self._http.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"HTTP {answer.status}")
        return body

    def close(self) -> None:
        self._http.close()


def _timed(action: Callable[[], bytes]) -> tuple[float, bytes]:
    start = time.perf_counter()
    body = action()
    return time.perf_counter() - start, body


def _measure(plain: bool, services: int) -> dict[str, float]:
    # A fresh interpreter: the server must not share this one's lock.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=_serve, args=(theirs, plain))
    server.start()
    try:
        port, key = ours.recv()
        client = _Client(port, key, plain=plain)
        try:
            return _figures(client, ours, services)
        finally:
            client.close()
    finally:
        ours.send("end")
        server.join(10)
        server.close()


def _used(server: Connection) -> tuple[float, float]:
    """Return the server's processor seconds and its peak memory in MiB."""
    server.send(CPU)
    cpu_s, peak_mib = server.recv()
    return float(cpu_s), float(peak_mib)


def _figures(client: _Client, server: Connection, services: int) -> dict[str, float]:
    client.v2("addvs", vs="198.18.0.1", port=80, prot="tcp")
    start, cpu_start = time.perf_counter(), _used(server)[0]
    for _ in range(SHOW_CALLS):
        client.v2("showvs", vs=1)
    show_s, show_cpu_s = time.perf_counter() - start, _used(server)[0] - cpu_start
    start = time.perf_counter()
    for number in range(services):
        address = f"198.18.{1 + number // 250}.{1 + number % 250}"
        client.v2("addvs", vs=address, port=80, prot="tcp")
        for host in range(SERVERS_EACH):
            client.v2("addrs", vs=2 + number, rs=f"198.19.0.{1 + host}", rsport=80)
    fill_s = time.perf_counter() - start
    list_v1_s, body_v1 = min(_timed(lambda: client.v1("listvs")) for _ in range(3))
    list_v2_s, body_v2 = min(_timed(lambda: client.v2("listvs")) for _ in range(3))
    return {
        "peak_mib": _used(server)[1],
        "showvs_per_cpu_s": SHOW_CALLS / show_cpu_s,
        "showvs_per_s": SHOW_CALLS / show_s,
        "writes_per_s": services * (1 + SERVERS_EACH) / fill_s,
        "listvs_v1_s": list_v1_s,
        "listvs_v2_s": list_v2_s,
        "listvs_v1_mib": len(body_v1) / 2**20,
        "listvs_v2_mib": len(body_v2) / 2**20,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=1000)
    services: int = parser.parse_args().services
    failed = False
    for plain in (True, False):
        figures = _measure(plain, services)
        name = "http" if plain else "https"
        print(f"{name}: " + "  ".join(f"{key} {value:,.2f}" for key, value in figures.items()))  # noqa: T201 - the figures are the output
        slow_list = max(figures["listvs_v1_s"], figures["listvs_v2_s"]) > MAX_LIST_S
        slow_show = figures["showvs_per_cpu_s"] < MIN_SHOWVS_PER_CPU_S
        too_large = figures["peak_mib"] > MAX_PEAK_MIB
        failed = failed or slow_list or slow_show or too_large
    limits = f"limits: showvs_per_cpu_s >= {MIN_SHOWVS_PER_CPU_S:,.0f}, listvs <= {MAX_LIST_S} s"
    limits += f", peak_mib <= {MAX_PEAK_MIB:.0f}"
    print(f"{limits}: {'NOT HELD' if failed else 'held'}")  # noqa: T201 - the verdict is the output
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
