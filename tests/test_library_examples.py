"""The library as its readers use it: the README's examples in a folder of their own, with nothing but the package."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from lkctl import agents, testing, userid
from lkctl.localserver.program import VARIABLE
from tests.test_imports import HEAVY, NETWORK

EXAMPLES = Path(__file__).parent / "examples"
USER_ID = "user_1704067200000_abc123"

TOKENS = f"""\
True 200 {USER_ID} mcp-chrome-user-{USER_ID}
met valid for another 5 min -> 59 min 59 s
NOT MET may join room demo -> may join room mcp-chrome-user-{USER_ID}
met canPublishSources~camera -> camera, microphone, screen_share, screen_share_audio
met !roomAdmin -> false
error L05 expired 1 h ago -> Mint a new one; those already inside stay connected
token-refused the token would not work: L11: it allows joining, but names no room
"""
SNAPSHOT = f"""\
{USER_ID} from room.metadata trusted
absent participant.metadata None no participants
won room.metadata {USER_ID} key userId
absent room.name None does not match mcp-chrome-user-{{userId}}
outranked env user_1700000000000_old is set; room.metadata comes first
outranked random None made by the agent at run time; room.metadata comes first
disabled participant.attributes None not in the order
disabled participant.identity None not in the order
disabled job.metadata None not in the order
disabled job.attributes None not in the order
W-CONFLICT CHROME_USER_ID holds user_1700000000000_old, but room.metadata comes first
{USER_ID}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with the examples in it, as somebody has it who copied them."""
    return Path(shutil.copytree(EXAMPLES, tmp_path / "examples"))


def run(folder: Path, *words: str, stdin: str = "", **environ: str) -> tuple[int, str, str]:
    """Run Python there."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        input=stdin,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("script", "stdin", "result"),
    [
        pytest.param("tokens.py", "", (0, TOKENS, ""), id="tokens"),
        pytest.param(
            "snapshot.py",
            f'{{"room": {{"name": "demo", "metadata": "{{\\"userId\\": \\"{USER_ID}\\"}}"}}}}',
            (0, SNAPSHOT, ""),
            id="a snapshot",
        ),
        pytest.param(
            "snapshot.py", '{"room": 7}', (1, "", "no snapshot of a room: room must be an object\n"), id="a wrong one"
        ),
    ],
)
def test_scripts(script: str, stdin: str, result: tuple[int, str, str], folder: Path) -> None:
    """What they print, whole."""
    assert run(folder, "-W", "error", script, stdin=stdin) == result


@pytest.mark.live
def test_the_fixtures(folder: Path, livekit_server_program: Path) -> None:
    """The reader's tests pass in a pytest of their own."""
    words = ["-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "test_rooms.py"]
    code, said, _ = run(folder, *words, **{VARIABLE: str(livekit_server_program)})
    assert (code, "2 passed" in said) == (0, True), said


def test_types(folder: Path) -> None:
    """To a type checker outside of the project, the package is typed, and the examples are right, strictly."""
    scripts = sorted(path.name for path in folder.glob("*.py"))
    code, said, wrong = run(folder, "-m", "mypy", "--strict", "--cache-dir", str(folder / "cache"), *scripts)
    assert (code, wrong) == (0, ""), said


def test_types_are_checked(folder: Path) -> None:
    """The test above can fail: a wrong type is seen through the lazy names."""
    (folder / "wrong.py").write_text(
        "from lkctl.testing import LocalServer\n"
        "from lkctl.tokens import TokenRequest\n"
        "TokenRequest(identity=7)\n"
        "LocalServer(port='7880')\n"
    )
    code, said, _ = run(folder, "-m", "mypy", "--strict", "--cache-dir", str(folder / "cache"), "wrong.py")
    assert (code, re.findall(r"wrong.py:(\d+): error: .*\[arg-type\]", said)) == (1, ["3", "4"]), said


@pytest.mark.parametrize("face", [agents, testing, userid], ids=lambda face: str(face.__name__))
def test_public_names(face: ModuleType) -> None:
    """Each is there, and says what it is; others are no attributes. For tokens and webhooks: tokens/test_face.py."""
    assert face.__doc__
    for name in face.__all__:
        found = getattr(face, name)
        assert not callable(found) or (found.__doc__ or "").strip(), name
    assert not hasattr(face, "no_such_name")


def test_using_it_loads_no_sdk(folder: Path) -> None:
    """Minting and judging are pure; so is resolving."""
    probe = "import runpy, sys; runpy.run_path('tokens.py'); print(*sorted(sys.modules), file=sys.stderr)"
    code, _, modules = run(folder, "-c", probe)
    assert (code, set(modules.split()) & (HEAVY | NETWORK | {"typer", "jwt"})) == (0, set())
