"""The resolver runs inside agents and in every `room inspect`: it loads nothing heavy and touches nothing outside."""

import subprocess
import sys
from pathlib import Path

import lkctl

HEAVY = "asyncio logging ssl socket typer rich livekit google aiohttp pydantic hashlib subprocess urllib"


def test_importing_loads_no_sdk() -> None:
    code = "import sys, lkctl.userid; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    # -S: the .pth files of other packages would load modules of their own
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(lkctl.__file__).parents[1],
    )
    loaded = set(done.stdout.split())
    assert "lkctl" in loaded
    assert loaded & set(HEAVY.split()) == set()
