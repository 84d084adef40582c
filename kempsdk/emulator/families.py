"""Importing this module registers every command."""

from kempsdk.emulator import (
    access_lists,
    accounts,
    backups,
    health_parameters,
    parameters,
    real_servers,
    rule_assignment,
    rules,
    statistics,
    system,
    virtual_services,
)

__all__ = [
    "access_lists",
    "accounts",
    "backups",
    "health_parameters",
    "parameters",
    "real_servers",
    "rule_assignment",
    "rules",
    "statistics",
    "system",
    "virtual_services",
]
