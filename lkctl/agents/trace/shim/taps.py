"""Where the reads are seen: in rtc's Room and Participant, in the job and the API's messages, in the environment.

Nothing of LiveKit is imported here: its modules are changed when the script has loaded them. The worker is bound to
127.0.0.1 at a free port, without spare processes and load limits, and with a short drain. Runs in the script's
interpreter (see sitecustomize.py).
"""

import contextlib
import functools
import inspect
import math
import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lkctl.agents.trace.shim.recorder import Recorder

_ROOM = ("name", "metadata", "remote_participants")
_PARTICIPANT = ("identity", "name", "metadata", "attributes", "kind")
_JOB = ("metadata", "attributes")
_PARTS = ("room", "participant")  # messages within a job
_MOST_PARTS = 64
_FORCED = {"host": "127.0.0.1", "port": 0, "load_threshold": math.inf, "num_idle_processes": 0, "drain_timeout": 1}
_ENVIRON_MODULES = ("os", "_collections_abc", "collections.abc")
_ONE_NAME = {"get", "getenv", "getenvb", "pop", "setdefault", "__contains__"}  # functions there that look up one name


def install(recorder: "Recorder") -> None:
    """Watch the environment now, and LiveKit's modules as soon as they are loaded."""
    _watch_environment(recorder)
    afters: dict[str, Callable[[ModuleType], None]] = {
        "livekit.rtc": functools.partial(_watch_rtc, recorder),
        "livekit.protocol.agent": functools.partial(_watch_messages, recorder),
        "livekit.agents.worker": _bind_worker,
    }
    sys.meta_path.insert(0, _Finder(recorder, afters))


class _Finder:
    """Finds modules as the others do, and has something done after the loading of some."""

    def __init__(self, recorder: "Recorder", afters: dict[str, Callable[[ModuleType], None]]) -> None:
        self._recorder = recorder
        self._afters = afters

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Have the others find a module that is to be watched; the rest is none of our business."""
        if name not in self._afters:
            return None
        for finder in [finder for finder in sys.meta_path if finder is not self]:
            if spec := finder.find_spec(name, path, target):
                self._prepare(spec)
                return spec
        return None

    def _prepare(self, spec: ModuleSpec) -> None:
        load = getattr(spec.loader, "exec_module", None)
        if load is None or isinstance(spec.loader, type):
            self._recorder.note("unavailable", f"{spec.name} is loaded in a way of its own")
            return

        def load_and_watch(module: ModuleType) -> None:
            load(module)
            try:
                self._afters[spec.name](module)
            except Exception as error:  # noqa: BLE001  (never break the script)
                self._recorder.note("unavailable", f"{spec.name} is not as expected: {error!r}")

        vars(spec.loader)["exec_module"] = load_and_watch


def _watch_rtc(recorder: "Recorder", rtc: Any) -> None:
    """Tap the properties, if they are where they are expected; then say that the trace works."""
    identity_of = rtc.Participant.identity.fget

    def in_room(room: Any, name: str) -> dict[str, Any]:
        return {"source": f"room.{name}", "connected": bool(room.isconnected())}

    def in_participant(participant: Any, name: str) -> dict[str, Any]:
        whose = "local_participant" if isinstance(participant, rtc.LocalParticipant) else "participant"
        return {"source": f"{whose}.{name}", "subject": identity_of(participant), "connected": True}

    for name in _ROOM:
        _tap(recorder, rtc.Room, name, in_room)
    for name in _PARTICIPANT:
        _tap(recorder, rtc.Participant, name, in_participant)
        for kind in (rtc.RemoteParticipant, rtc.LocalParticipant):
            if inspect.getattr_static(kind, name) is not vars(rtc.Participant)[name]:
                raise TypeError(f"{kind.__name__}.{name} is a property of its own")
    recorder.note("ready", str(getattr(rtc, "__version__", "")))


def _tap(recorder: "Recorder", owner: Any, name: str, circumstances: Callable[[Any, str], dict[str, Any]]) -> None:
    found = vars(owner).get(name)
    if not isinstance(found, property) or found.fget is None:
        raise TypeError(f"{owner.__name__}.{name} is no property")
    get = found.fget

    def read(self: Any) -> Any:
        value = get(self)
        with contextlib.suppress(Exception):
            if caller := recorder.reader(sys._getframe(1)):  # noqa: SLF001
                seen = len(value) if name == "remote_participants" else value
                recorder.read(caller, seen, **circumstances(self, name))
        return value

    setattr(owner, name, property(read, found.fset, found.fdel, found.__doc__))


def _watch_messages(recorder: "Recorder", agent: Any) -> None:
    """Tap the fields of messages on their way to Python; what happens inside protobuf is left alone.

    A room or participant that comes out of a job is read as `job.room.…`, any other one as `api.room.…`.
    """
    models = sys.modules["livekit.protocol.models"]
    parts: dict[int, tuple[Any, str]] = {}  # the messages too: kept alive, no other one can have their number

    def in_job(_: Any, name: str, value: Any) -> dict[str, Any] | None:
        if name in _JOB:
            return {"source": f"job.{name}"}
        while len(parts) >= _MOST_PARTS:
            parts.pop(next(iter(parts)))
        parts[id(value)] = (value, f"job.{name}")
        return None

    def in_part(what: str, message: Any, name: str, _: Any) -> dict[str, Any]:
        part, whose = parts.get(id(message), (None, ""))
        subject = "" if what == "room" else bare(message, "identity")
        return {"source": f"{whose if part is message else f'api.{what}'}.{name}", "subject": subject}

    bare = models.ParticipantInfo.__getattribute__
    _tap_fields(recorder, agent.Job, (*_JOB, *_PARTS), in_job)
    _tap_fields(recorder, models.Room, ("name", "metadata"), functools.partial(in_part, "room"))
    _tap_fields(recorder, models.ParticipantInfo, _PARTICIPANT, functools.partial(in_part, "participant"))


def _tap_fields(
    recorder: "Recorder", message: Any, names: Sequence[str], circumstances: Callable[..., dict[str, Any] | None]
) -> None:
    get = message.__getattribute__
    missing = [name for name in names if name not in message.DESCRIPTOR.fields_by_name]

    def read(self: Any, name: str) -> Any:
        value = get(self, name)
        if name in names:
            with contextlib.suppress(Exception):
                told = circumstances(self, name, value)
                if told and (caller := recorder.reader(sys._getframe(1))):  # noqa: SLF001
                    recorder.read(caller, _plain(value), connected=_is_connected(), **told)
        return value

    message.__getattribute__ = read
    if missing:
        raise TypeError(f"{message.__name__} has no {' and '.join(missing)}")


def _plain(value: Any) -> Any:
    return value if isinstance(value, (str, int)) else dict(value)


def _is_connected() -> bool:
    """Whether the job that runs here has its room; for reads that know of no room."""
    with contextlib.suppress(Exception):
        return bool(sys.modules["livekit.agents.job"].get_job_context().room.isconnected())
    return False


def _watch_environment(recorder: "Recorder") -> None:
    """Tap look-ups of the names given. Copies of the whole are no reads: libraries make them all the time."""
    environ: Any = type(os.environ)
    get = environ.__getitem__
    names = (*recorder.names, *map(os.fsencode, recorder.names))

    def read(self: Any, key: Any) -> Any:
        if key not in names:
            return get(self, key)
        value = None
        try:
            value = get(self, key)
        finally:
            with contextlib.suppress(Exception):
                caller = _looks_up(sys._getframe(1))  # noqa: SLF001
                if caller and (reader := recorder.reader(caller)):
                    seen = None if value is None else os.fsdecode(value)
                    recorder.read(reader, seen, source="env", subject=os.fsdecode(key), connected=_is_connected())
        return value

    environ.__getitem__ = read


def _looks_up(frame: FrameType) -> FrameType | None:
    """Give the frame if it looks up one name, None if it goes through all."""
    if str(frame.f_globals.get("__name__")).startswith("lkctl."):
        return frame  # the resolver keeps a copy and then looks up just this name
    if frame.f_globals.get("__name__") in _ENVIRON_MODULES:
        return frame if frame.f_code.co_name in _ONE_NAME else None
    import dis

    code, at = frame.f_code.co_code, frame.f_lasti
    while at > 0 and dis.opname[code[at]] == "CACHE":
        at -= 2
    return frame if dis.opname[code[at]].startswith(("BINARY_", "CONTAINS_")) else None


def _bind_worker(worker: Any) -> None:
    """Have workers take what lkctl needs, in whatever style the script makes them."""
    for name in ("ServerOptions", "AgentServer", "WorkerOptions"):
        kind = getattr(worker, name, None)
        if isinstance(kind, type) and not hasattr(vars(kind).get("__init__"), "__wrapped__"):
            _force(kind)


def _force(kind: Any) -> None:
    make = vars(kind)["__init__"]
    signature = inspect.signature(make)
    forced = {name: value for name, value in _FORCED.items() if name in signature.parameters}

    @functools.wraps(make)
    def init(self: Any, *arguments: Any, **options: Any) -> None:
        with contextlib.suppress(TypeError):  # which `make` then raises itself
            bound = signature.bind(self, *arguments, **options)
            bound.arguments.update(forced)
            arguments, options = bound.args[1:], bound.kwargs
        make(self, *arguments, **options)

    kind.__init__ = init
