"""The bundled worker before it contacts anything; with a server: tests/live/test_agent_session.py."""

import json
import subprocess
import sys

import pytest

from lkctl.agents.worker import main

# Another interpreter has livekit-agents, and of lkctl only a link to the package on its path
ALLOWED = {"lkctl", "lkctl.agents", "lkctl.agents.session", "lkctl.agents.worker", "lkctl.convention", "lkctl.errors"}


def test_it_imports_only_the_resolver() -> None:
    script = "import lkctl.agents.worker, sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    modules = set(json.loads(done.stdout))
    ours = {name for name in modules if name.split(".")[0] == "lkctl" and not name.startswith("lkctl.userid")}
    assert ours == ALLOWED
    assert not modules & {"livekit", "typer", "rich", "dotenv", "yaml", "jwt", "aiohttp"}


@pytest.mark.parametrize(
    ("name", "order", "told"),
    [
        ("LKCTL_POLICY", "{", "LKCTL_POLICY is not understood: "),
        ("LKCTL_POLICY", "[1]", "LKCTL_POLICY is not understood: "),
        ("LKCTL_POLICY", '{"preset": "x"}', "LKCTL_POLICY is not understood: preset 'x' is unknown"),
        ("LKCTL_PATIENCE", '{"hurry": 1}', "LKCTL_PATIENCE is not understood: "),
    ],
)
def test_orders_that_cannot_be_read_end_the_worker_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, order: str, told: str
) -> None:
    monkeypatch.setenv(name, order)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(told)
