"""The entrance: a sitecustomize that comes into a foreign agent script through PYTHONPATH.

It runs in the script's own interpreter, where lkctl may be missing, so it loads nothing but its neighbours here and the
standard library. It must never break the script: what fails is reported or passed over. It gives way to the
sitecustomize that it hides, if there is one.
"""

import os
import sys
from types import ModuleType

_FILE = "LKCTL_TRACE_FILE"
_FOLDER = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120  (pathlib would slow the script's start)


def _begin(file: str, names: str) -> None:
    """Start to record, then leave the script's path."""
    try:
        recorder = _neighbour("recorder").Recorder(file, names)
        try:
            _neighbour("taps").install(recorder)
            recorder.note("shim", sys.version.split()[0])
        except Exception as error:  # noqa: BLE001  (never break the script)
            recorder.note("unavailable", f"the shim does not start: {error!r}")
    except Exception:  # noqa: BLE001, S110  (nobody to tell: the trace finds nothing in its file and says so)
        pass
    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry) != _FOLDER]


def _neighbour(name: str) -> ModuleType:
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(f"lkctl_trace_{name}", f"{_FOLDER}/{name}.py")
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _give_way() -> None:
    """Run the sitecustomize that this one hides, under its name; its errors are its own."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    spec = PathFinder.find_spec("sitecustomize")
    if spec is not None and spec.loader is not None:
        hidden = module_from_spec(spec)
        sys.modules["sitecustomize"] = hidden
        spec.loader.exec_module(hidden)


if _FILE in os.environ:  # else somebody only imports this file
    _begin(os.environ[_FILE], os.environ.get("LKCTL_TRACE_NAMES", ""))
    _give_way()
