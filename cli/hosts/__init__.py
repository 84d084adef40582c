"""``kemp host``: the real servers' own network state, read, planned, changed and given back."""

from cli.command import group
from cli.hosts.changing import apply, ensure, revert
from cli.hosts.looking import facts, plan, script, verify
from cli.hosts.this_machine import unit


@group("The servers behind a LoadMaster: their addresses, ARP, routes and files.")
def command() -> None:
    """Hold the verbs."""


for _verb in (facts, plan, verify, apply, revert, ensure, unit, script):
    command.add_command(_verb)
