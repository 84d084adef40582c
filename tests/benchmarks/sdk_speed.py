"""How much the types cost: ratios to the least that the same work could take.

Run as a script; exits with 1 when a ratio or the memory is over its limit.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from xml.etree import ElementTree

import requests
import urllib3

from kempsdk import ApiKey, LoadMaster, Pin, RsRef, VsRef
from kempsdk.codec_services import read_service_list
from kempsdk.emulator import Switches, VirtualLoadMaster
from kempsdk.transport.call import Call
from kempsdk.transport.dialect import HttpAnswer
from kempsdk.transport.v1 import V1
from kempsdk.transport.v2 import V2

SERVICES, SERVERS = 1000, 10
V1_LIMIT, V2_LIMIT, SHOW_LIMIT, MEMORY_LIMIT_MIB = 3.0, 8.0, 1.5, 150.0
GROWTH_LIMIT = 2.0
"""Time per service with all services, to that with a quarter of them: the square gives 4."""
_CALL = Call(command="listvs", mutates=False)
_AUTH = ApiKey("benchmark")


def small_list(api: str) -> bytes:
    """Return a listvs answer of a virtual LoadMaster: one service with one server."""
    with VirtualLoadMaster() as box, box.client(api=api) as lm:
        ref = VsRef.parse("tcp/10.0.0.1:80")
        lm.virtual_services.create(ref, nickname="service1")
        lm.real_servers.add(ref, RsRef.parse("10.0.1.1:80"))
        if api == "v1":
            url, credential = f"{box.url}/access/listvs", {"apikey": box.api_key}
            return requests.get(url, params=credential, verify=False, timeout=10).content  # noqa: S501 - loopback
        body = {"cmd": "listvs", "apikey": box.api_key}
        return requests.post(f"{box.url}/accessv2", json=body, verify=False, timeout=10).content  # noqa: S501 - loopback


def large_xml(small: bytes, services: int = SERVICES) -> bytes:
    """Return the same answer with many services and servers."""
    start, end = small.index(b"<VS>"), small.index(b"</VS>")
    server_start = small.index(b"<Rs>")
    server_end = small.index(b"</Rs>") + len(b"</Rs>")
    service, server = small[start:server_start], small[server_start:server_end]
    parts = [small[:start]]
    for one in range(services):
        address = f"10.{one >> 8}.{one & 255}.1".encode()
        parts.append(service.replace(b"10.0.0.1", address).replace(b"service1", b"s%d" % one))
        for two in range(SERVERS):
            parts.append(server.replace(b"10.0.1.1", b"10.%d.%d.%d" % (one >> 8, one & 255, two)))
            parts.append(b"\r\n")
        parts.append(small[server_end : end + len(b"</VS>")])
    parts.append(small[end + len(b"</VS>") :])
    return b"".join(parts)


def large_json(small: bytes) -> bytes:
    """Return the same answer with many services and servers."""
    answer = json.loads(small)
    (service,) = answer["VS"]
    (server,) = service["Rs"]
    answer["VS"] = [
        {
            **service,
            "VSAddress": f"10.{one >> 8}.{one & 255}.1",
            "Rs": [
                {**server, "Addr": f"10.{one >> 8}.{one & 255}.{two}"} for two in range(SERVERS)
            ],
        }
        for one in range(SERVICES)
    ]
    return json.dumps(answer, indent=0).encode()


def best_s(work: Callable[[], object], *, times: int) -> float:
    """Return the shortest processor time of several runs: the one least disturbed."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def typed(dialect: V1 | V2, body: bytes) -> int:
    """Turn an answer into models and return how many."""
    answer = HttpAnswer(status=200, content_type="text/xml", body=body)
    return len(read_service_list(dialect.read(answer, _CALL).data))


_MEMORY = """
import resource, sys
from kempsdk.transport.v1 import V1
from tests.benchmarks.sdk_speed import typed, _AUTH
body = sys.stdin.buffer.read()
assert typed(V1(_AUTH), body) > 0
sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
"""


def peak_mib(body: bytes) -> float:
    """Return the peak memory of a whole process that reads the answer into models."""
    run = [sys.executable, "-c", _MEMORY]
    return float(subprocess.run(run, input=body, capture_output=True, check=True).stdout)


def show_ratio() -> tuple[float, float]:
    """Return typed showvs over HTTPS keep-alive, and its ratio to the bare bytes."""
    ratios, typed_s = [], []
    ref = VsRef.parse("tcp/10.0.0.1:80")
    with VirtualLoadMaster(switches=Switches(rate_limit=False)) as box:
        with box.client(api="v2") as lm:
            lm.virtual_services.create(ref, nickname="web")
            lm.real_servers.add(ref, RsRef.parse("10.0.1.1:80"))
        body = {
            "cmd": "showvs",
            "apikey": box.api_key,
            "vs": ref.address,
            "port": 80,
            "prot": "tcp",
        }
        with requests.Session() as bare:
            bare.verify, bare.trust_env = False, False
            for _ in range(8):
                # A new client each time: a client paces itself at 28 calls in 3 s.
                with LoadMaster(
                    box.url, ApiKey(box.api_key), api="v2", tls=Pin(box.fingerprint)
                ) as lm:
                    pairs = []
                    for _ in range(27):
                        start = time.perf_counter()
                        lm.virtual_services.get(ref)
                        middle = time.perf_counter()
                        assert bare.post(f"{box.url}/accessv2", json=body, timeout=10).content
                        pairs.append((middle - start, time.perf_counter() - middle))
                # The first call makes the connection.
                mine, bytes_only = zip(*pairs[2:], strict=True)
                typed_s.append(statistics.median(mine))
                ratios.append(statistics.median(mine) / statistics.median(bytes_only))
    return min(typed_s), statistics.median(ratios)


def main() -> int:
    """Print the ratios; return 1 if one is over its limit."""
    urllib3.disable_warnings()  # of the bare session, which trusts anybody
    small = small_list("v1")
    xml, as_json = large_xml(small), large_json(small_list("v2"))
    bare_s = best_s(lambda: ElementTree.fromstring(xml), times=5)  # noqa: S314 - made above
    bare_json_s = best_s(lambda: json.loads(as_json), times=5)
    v1_s = best_s(lambda: typed(V1(_AUTH), xml), times=5)
    v2_s = best_s(lambda: typed(V2(_AUTH), as_json), times=5)
    quarter = large_xml(small, SERVICES // 4)
    growth = v1_s / 4 / best_s(lambda: typed(V1(_AUTH), quarter), times=5)
    memory = peak_mib(xml)
    show_s, show = show_ratio()
    size = f"{SERVICES} services x {SERVERS} servers"
    results = [
        (
            f"typed list, {size}, v1 / xml.etree ({len(xml) / 1e6:.1f} MB)",
            v1_s,
            v1_s / bare_s,
            V1_LIMIT,
        ),
        (f"typed list, {size}, v2 / json.loads", v2_s, v2_s / bare_json_s, V2_LIMIT),
        (f"typed list, {size}, per service / of a quarter as many", v1_s, growth, GROWTH_LIMIT),
        ("typed show over HTTPS / bare requests.Session", show_s, show, SHOW_LIMIT),
    ]
    failed = False
    for name, seconds, ratio, limit in results:
        failed |= ratio > limit
        sys.stdout.write(f"{name}: {ratio:.2f}x of at most {limit:g}x ({seconds * 1000:.2f} ms)\n")
    failed |= memory > MEMORY_LIMIT_MIB
    sys.stdout.write(
        f"peak memory of that list: {memory:.0f} of at most {MEMORY_LIMIT_MIB:g} MiB\n"
    )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
