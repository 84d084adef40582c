"""Where the captured answers of real appliances are; they do not ship with the project."""

import os
from pathlib import Path

import pytest

_PLACES = (
    os.environ.get("KEMP_RECORDINGS", ""),
    str(Path(__file__).parents[3] / "shared/loadmaster-api/recordings"),
)


def places() -> list[Path]:
    """Return the folders that are there."""
    return [Path(one) for one in _PLACES if one and Path(one).is_dir()]


def recording(name: str) -> bytes:
    """Return a captured answer, or skip the test where the captures are not at hand."""
    for place in filter(None, _PLACES):
        path = Path(place) / name
        if path.exists():
            return path.read_bytes()
    pytest.skip(f"recordings absent: {name}; KEMP_RECORDINGS names their folder")
