"""The shim in interpreters of all sorts, with an SDK that is as expected and others; and what is made of its notes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from lkctl.agents.trace.shim import recorder, sitecustomize
from lkctl.agents.trace.shim.recorder import Recorder, shown
from lkctl.agents.trace.tracing import Read, Trace
from lkctl.userid import ENV_NAME

ID = "user_1704067200000_abc123"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJub2JvZHkifQ.c2lnbmF0dXJlLW9mLW5vYm9keQ"
READS = f"import os; print(os.environ.get({ENV_NAME!r}))"


def run(
    trace: Trace, folder: Path, script: str, *flags: str, env: Mapping[str, str] | None = None, python: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a script under the trace."""
    file = folder / "agent.py"
    file.write_text(script)
    given = {"PATH": os.environ["PATH"], ENV_NAME: ID, **(env or {})}
    command = [python or sys.executable, *flags, str(file)]
    return subprocess.run(
        command, env=trace.environment(given), capture_output=True, text=True, timeout=60, check=False, cwd=folder
    )


LOOKUPS = [
    pytest.param(f"os.environ[{ENV_NAME!r}]", 1, id="item"),
    pytest.param(f"os.environ.get({ENV_NAME!r})", 1, id="get"),
    pytest.param(f"os.getenv({ENV_NAME!r})", 1, id="getenv"),
    pytest.param(f"{ENV_NAME!r} in os.environ", 1, id="in"),
    pytest.param(f"os.environ.pop({ENV_NAME!r})", 1, id="pop"),
    pytest.param(f"os.environ.setdefault({ENV_NAME!r}, 'x')", 2, id="setdefault"),
    pytest.param(f"os.environb[{ENV_NAME.encode()!r}]", 1, id="bytes"),
    pytest.param(f"'%({ENV_NAME})s' % os.environ", 1, id="format"),
    pytest.param("dict(os.environ)", 0, id="copy to a dict"),
    pytest.param("os.environ.copy()", 0, id="copy"),
    pytest.param("{**os.environ}", 0, id="spread"),
    pytest.param("os.environ | {}", 0, id="union"),
    pytest.param("list(os.environ.items())", 0, id="items"),
    pytest.param("[value for _, value in os.environ.items()]", 0, id="loop"),
    pytest.param("os.environ['PATH']", 0, id="another"),
    pytest.param("subprocess.run(['true'])", 0, id="a child"),
]


@pytest.mark.parametrize(("expression", "expected"), LOOKUPS)
def test_lookups_of_the_environment(tmp_path: Path, expression: str, expected: int) -> None:
    with Trace() as trace:
        done = run(trace, tmp_path, f"import os, subprocess\n\nfound = {expression}\n")
        assert (done.returncode, done.stderr) == (0, "")
        found = [(read.source, read.subject, read.line, read.value, read.count) for read in trace.reads()]
    assert found == ([("env", ENV_NAME, 3, ID, expected)] if expected else [])


def test_what_is_not_set(tmp_path: Path) -> None:
    with Trace(["ABSENT", "EMPTY", "BLANK"]) as trace:
        script = "import os\nfor name in ('ABSENT', 'EMPTY', 'BLANK'):\n    os.environ.get(name)\nos.environ['ABSENT']"
        done = run(trace, tmp_path, script, env={"EMPTY": "", "BLANK": " "})
        assert done.stderr.strip().endswith("KeyError: 'ABSENT'"), "as without the shim"
        values = [read.value for read in trace.reads()]
    assert values[:2] == ["(not set)", '""']
    assert values[2].startswith("1 characters, #")
    assert values[3] == "(not set)"


def test_libraries_read_for_the_script(tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "config"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("import os\ndef ask(name):\n    return os.environ[name]\n")
    with Trace() as trace:
        script = f"import config\n\nconfig.ask({ENV_NAME!r})\n"
        done = run(trace, tmp_path, script, env={"PYTHONPATH": str(package.parent)})
        assert done.stderr == ""
        assert [(Path(read.file).name, read.line, read.through) for read in trace.reads()] == [
            ("agent.py", 3, "config")
        ]


CHAINS = [
    pytest.param("sitecustomize", "", id="sitecustomize"),
    pytest.param("usercustomize", "", id="usercustomize"),
    pytest.param("helper", "import helper", id="a module of the user's"),
    pytest.param("sitecustomize", "import sitecustomize as s; assert s.mine", id="sitecustomize, imported again"),
]


@pytest.mark.parametrize(("module", "use"), CHAINS)
def test_the_path_of_the_user_stays(tmp_path: Path, module: str, use: str) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / f"{module}.py").write_text(f"mine = True\nprint({module!r}, 'runs as', __name__)\n")
    script = f"{use}\n{READS}\nimport sys; print([p for p in sys.path if 'lkctl-trace' in p])"
    with Trace() as trace:
        base = sys._base_executable  # type: ignore[attr-defined]  # a virtual environment runs no usercustomize
        done = run(trace, tmp_path, script, env={"PYTHONPATH": str(own)}, python=base)
        assert done.stderr == ""
        assert done.stdout.splitlines() == [f"{module} runs as {module}", ID, "[]"]
        assert len(trace.reads()) == 1


def test_a_broken_sitecustomize_breaks_as_without_the_shim(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("1 / 0")
    env = {"PYTHONPATH": str(own)}
    with Trace() as trace:
        traced = run(trace, tmp_path, READS, env=env)
        assert len(trace.reads()) == 1
    plain = subprocess.run(
        [sys.executable, str(tmp_path / "agent.py")],
        env={**env, ENV_NAME: ID},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (traced.stdout, traced.stderr) == (plain.stdout, plain.stderr)
    assert "Error in sitecustomize" in plain.stderr


@pytest.mark.parametrize("flag", ["-I", "-E", "-S"])
def test_interpreters_that_take_no_shim(tmp_path: Path, flag: str) -> None:
    with Trace() as trace:
        assert run(trace, tmp_path, READS, flag).stdout == f"{ID}\n"
        assert "not loaded" in trace.unavailable
        assert trace.reads() == ()


def sdk(folder: Path, room: str, participant: str = "", job: str = "") -> None:
    """Write a LiveKit SDK of another time."""
    names = ("identity", "name", "metadata", "attributes", "kind")
    body = participant or "\n".join(f"    {name} = property(lambda self: '{name} of it')" for name in names)
    rtc = folder / "site-packages" / "livekit" / "rtc"
    rtc.mkdir(parents=True)
    (rtc / "__init__.py").write_text(
        f"class Room:\n{room}\n    def isconnected(self): return True\n"
        f"class Participant:\n{body}\nclass RemoteParticipant(Participant): {job or 'pass'}\n"
        "class LocalParticipant(Participant): pass\n__version__ = '9.9'\n"
    )


ROOM = "\n".join(
    f"    {name} = property(lambda self: {value})"
    for name, value in (("name", "'demo'"), ("metadata", "'{}'"), ("remote_participants", "{1: 2}"))
)
SDKS = [
    pytest.param({"room": ROOM}, "", 4, id="as expected"),
    pytest.param({"room": ROOM.replace("    metadata", "    topic")}, "Room.metadata is no property", 3, id="renamed"),
    pytest.param({"room": "    name = metadata = 'x'; remote_participants = {}"}, "Room.name", 1, id="plain"),
    pytest.param({"room": ROOM, "participant": "    pass"}, "identity", 1, id="no properties"),
    pytest.param({"room": ROOM, "job": "metadata = 'x'"}, "RemoteParticipant.metadata", 4, id="overridden"),
]


@pytest.mark.parametrize(("parts", "reason", "most"), SDKS)
def test_an_sdk_of_another_time(tmp_path: Path, parts: dict[str, str], reason: str, most: int) -> None:
    sdk(tmp_path, **parts)
    script = (
        "from livekit import rtc\nr, p = rtc.Room(), rtc.RemoteParticipant()\n"
        "places = ((r, 'name'), (r, 'metadata'), (r, 'remote_participants'), (p, 'metadata'))\n"
        "print(*(getattr(one, name, None) for one, name in places))"
    )
    with Trace() as trace:
        done = run(trace, tmp_path, script, env={"PYTHONPATH": str(tmp_path / "site-packages")})
        assert (done.returncode, done.stderr) == (0, ""), "never broken"
        assert done.stdout
        assert reason in trace.unavailable
        assert bool(trace.unavailable) is bool(reason)
        assert len(trace.reads()) <= most


def test_the_values_of_an_sdk(tmp_path: Path) -> None:
    sdk(tmp_path, ROOM)
    script = (
        "from livekit import rtc\nrtc.RemoteParticipant().metadata\nrtc.Room().remote_participants\nrtc.Room().name\n"
    )
    with Trace() as trace:
        run(trace, tmp_path, script, env={"PYTHONPATH": str(tmp_path / "site-packages")})
        found = [(read.line, read.source, read.subject, read.connected, read.value) for read in trace.reads()]
    assert found[0][:4] == (2, "participant.metadata", "identity of it", True)
    assert found[0][4].startswith("14 characters, #")
    assert found[1:] == [(3, "room.remote_participants", "", True, "1"), (4, "room.name", "", True, '"demo"')]


def test_forks_threads_and_processes_are_counted_together(tmp_path: Path) -> None:
    script = (
        "import multiprocessing, os, sys, threading\n"
        f"def ask(_=0): os.environ[{ENV_NAME!r}]\n"
        "if __name__ == '__main__':\n"
        "    for _ in range(3): ask()\n"
        "    t = threading.Thread(target=ask); t.start(); t.join()\n"
        "    for method in ('fork', 'spawn', 'forkserver'):\n"
        "        with multiprocessing.get_context(method).Pool(1) as pool: pool.map(ask, range(2))\n"
    )
    with Trace() as trace:
        done = run(trace, tmp_path, script)
        assert (done.returncode, done.stderr) == (0, "")
        assert [(read.line, read.count) for read in trace.reads()] == [(2, 10)]


def test_the_folder_is_private_and_goes(tmp_path: Path) -> None:
    trace = Trace()

    def fail() -> None:
        with trace:
            files.append(Path(trace.environment({})["LKCTL_TRACE_FILE"]))
            modes.extend(path.stat().st_mode & 0o777 for path in (files[0], files[0].parent))
            run(trace, tmp_path, READS)
            raise RuntimeError("stop")

    files: list[Path] = []
    modes: list[int] = []
    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert modes == [0o600, 0o700]
    assert not files[0].parent.exists()
    assert [read.value for read in trace.reads()] == [ID], "still known"
    with pytest.raises(RuntimeError):
        trace.environment({})


def test_a_script_that_outlives_the_trace_is_not_harmed(tmp_path: Path) -> None:
    with Trace() as trace:
        environment = trace.environment({"PATH": os.environ["PATH"], ENV_NAME: ID})
        file = tmp_path / "agent.py"
        file.write_text(f"input()\n{READS}\n")
        child = subprocess.Popen(
            [sys.executable, str(file)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        while "shim" not in trace._file.read_text():
            time.sleep(0.02)
    assert child.communicate("go\n", timeout=30) == (f"{ID}\n", "")
    assert not Path(environment["LKCTL_TRACE_FILE"]).parent.exists()


def test_the_environment_of_the_child() -> None:
    with Trace(["A", "B"]) as trace:
        given = trace.environment({"PYTHONPATH": "/one:/two", "X": "y"})
        folder = str(Path(given["LKCTL_TRACE_FILE"]).parent)
        assert given["PYTHONPATH"] == f"{folder}:/one:/two"
        assert (given["X"], given["LKCTL_TRACE_NAMES"]) == ("y", "A,B")
        assert trace.environment({"PYTHONPATH": ""})["PYTHONPATH"] == folder, (
            "an empty entry would be the current folder"
        )


GOOD = {
    "source": "room.name", "subject": "", "file": "/a.py", "line": 3, "through": "", "connected": True,
    "value": '"x"', "count": 2, "at": 0.0, "pid": 1,
}  # fmt: skip
LINES = [
    pytest.param([GOOD, {**GOOD, "count": 5}], 5, id="the last count"),
    pytest.param([GOOD, {**GOOD, "pid": 2}], 4, id="of two processes"),
    pytest.param([GOOD, {**GOOD, "count": "x"}], 2, id="no number"),
    pytest.param([GOOD, {**GOOD, "line": None}], 2, id="no line"),
    pytest.param([GOOD, 7, [], None, "x", {}], 2, id="no read"),
    pytest.param([GOOD, {**GOOD, "at": "nan"}, {**GOOD, "line": float("inf")}], 2, id="no time"),
]


@pytest.mark.parametrize(("notes", "count"), LINES)
def test_lines_that_the_script_wrote_itself(notes: list[object], count: int) -> None:
    with Trace() as trace:
        lines = [json.dumps({"read": note}).encode() for note in notes]
        junk = [b"junk", b"\xff\xfe", b"[" * 200_000, b"[1]", b"7", b""]
        trace._file.write_bytes(b"\n".join([*lines, *junk]))
        assert [(read.source, read.line, read.count) for read in trace.reads()] == [("room.name", 3, count)]


def test_what_the_script_writes_is_scrubbed_and_cut() -> None:
    with Trace() as trace:
        note = {**GOOD, "value": f"{JWT} {'x' * 9999}", "subject": JWT}
        trace._file.write_text(json.dumps({"read": note}) + "\n" + json.dumps({"unavailable": JWT}))
        assert "eyJ" not in repr(trace.reads()) + trace.unavailable
        assert len(trace.reads()[0].value) == 400


SHOWN = [
    pytest.param("env", None, "(not set)", id="not set"),
    pytest.param("room.metadata", "", '""', id="empty"),
    pytest.param("participant.attributes", {}, "{}", id="no attributes"),
    pytest.param("participant.kind", 4, "4", id="number"),
    pytest.param("room.name", "my room", '"my room"', id="name"),
    pytest.param("participant.identity", "ann", '"ann"', id="identity"),
    pytest.param("env", ID, ID, id="user ID"),
    pytest.param("room.metadata", f'{{"userId":"{ID}"}}', f"{ID} in 38 characters, #556591ce", id="user ID in JSON"),
    pytest.param("participant.attributes", {"u": ID}, f"{ID} in 34 characters, #c1a07fb6", id="in attributes"),
    pytest.param("env", "hunter2", "7 characters, #f52fbd32", id="anything else"),
    pytest.param("room.name", JWT, "70 characters, #", id="JWT as a name"),
    pytest.param("room.metadata", f"{JWT} {ID}", "96 characters, #", id="JWT beside a user ID"),
    pytest.param("room.name", "a\x1b[31m", "6 characters, #", id="control characters"),
    pytest.param("room.name", "x" * 101, "101 characters, #", id="long name"),
    pytest.param("room.metadata", "\ud800", "1 characters, #", id="half a character"),
]


@pytest.mark.parametrize(("source", "value", "expected"), SHOWN)
def test_values_are_masked(source: str, value: object, expected: str) -> None:
    assert shown(source, value).startswith(expected)


def test_a_flood_is_bounded(tmp_path: Path) -> None:
    file = tmp_path / "reads.jsonl"
    file.touch()
    one = Recorder(str(file), "")
    for number in range(3000):
        one.read(("/a.py", number, ""), "x" * 1000, source="room.metadata")
        for _ in range(40):
            one.read(("/a.py", 1, ""), str(number), source="room.metadata")
    one.note("read", "x" * recorder._MOST_BYTES)
    one.note("read", "too much")
    assert file.stat().st_size < recorder._MOST_BYTES + 400_000
    assert "too much" not in file.read_text()[-100:]
    assert file.read_text().count("unavailable") == 1


def test_only_imported_it_does_nothing() -> None:
    assert sitecustomize.__name__ == "lkctl.agents.trace.shim.sitecustomize"
    assert not [finder for finder in sys.meta_path if type(finder).__name__ == "_Finder"]
    assert type(os.environ).__getitem__.__module__ == "os"


def test_copies_are_the_same_place() -> None:
    sources = ("job.room.metadata", "api.participant.identity", "room.name", "job.metadata", "env")
    places = [Read(source, "", "a.py", 1, 0, False, "").place for source in sources]
    assert places == ["room.metadata", "participant.identity", "room.name", "job.metadata", "env"]
