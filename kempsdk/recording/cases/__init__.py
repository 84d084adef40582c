"""What is recorded in the project's fixtures: the cases, by kind of resource.

Each is recorded on v1 and v2, and done again by the tests on each recording; both must
give the same results.
"""

from typing import Final

from kempsdk.recording.cases import (
    access,
    certificates,
    diagnostics,
    geo,
    limits,
    network,
    parameters,
    rules,
    security,
    servers,
    services,
    system,
)
from kempsdk.recording.cases.case import Case

CASES: Final[tuple[Case, ...]] = (
    *services.CASES,
    *servers.CASES,
    *rules.CASES,
    *access.CASES,
    *certificates.CASES,
    *network.CASES,
    *parameters.CASES,
    *limits.CASES,
    *security.CASES,
    *geo.CASES,
    *system.CASES,
    *diagnostics.CASES,
)
