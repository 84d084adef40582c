"""The methods that are there, by the name that a file gives them."""

from collections.abc import Mapping

from orchestrator.hosts.methods.arptables import ArpTables
from orchestrator.hosts.methods.firewalld import Redirect
from orchestrator.hosts.methods.gateway import Gateway
from orchestrator.hosts.methods.loopback import Loopback
from orchestrator.hosts.methods.method import Method, MethodName
from orchestrator.hosts.methods.none import Untouched

METHODS: Mapping[MethodName, Method] = {
    "loopback": Loopback(),
    "arptables": ArpTables(),
    "firewalld": Redirect(),
    "gateway": Gateway(),
    "none": Untouched(),
}
