"""Runs as a Python below ``kemp record`` starts, so that its kempsdk tells the recorder.

``kemp record`` puts this folder in front of PYTHONPATH, also for what the script starts in
turn.
"""

import importlib.machinery
import importlib.util
import os
import sys

_RECORDER = "KEMP_RECORDER"
_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib is slow to load


def _listen(address: str) -> None:
    """Have the clients that the script will make tell the recorder.

    By the list of observers alone, put where kempsdk will find it: kempsdk itself may be on a
    path that is not known yet, or be what somebody like pytest wants to be the first to import.
    """
    name = "kempsdk.transport.observers"
    place = os.path.join(_HERE, "..", "..", "transport", "observers.py")  # noqa: PTH118 - as above
    spec = importlib.util.spec_from_file_location(name, place)
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018 - it lies beside us
    observers = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(observers)

    def forward(where, request, reply):  # type: ignore[no-untyped-def]  # the types take long
        from kempsdk.recording.forwarding import forward

        forward(address, where, request, reply)

    observers.observe_all(forward)


def _run_the_one_behind() -> None:
    """Run the module of this name that would be found if this one were not there."""
    sys.path[:] = [one for one in sys.path if os.path.abspath(one) != _HERE]  # noqa: PTH100
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize")
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


if os.environ.get(_RECORDER):
    _listen(os.environ[_RECORDER])
_run_the_one_behind()
