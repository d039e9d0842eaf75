"""Every change that a check of --source prints is made, by the program it is for, and mends what it is for."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from lkctl.checks.cause import Cause
from lkctl.checks.result import Finding
from lkctl.views.change import change_lines
from tests.mended import make_change
from tests.source.configs import REFUSED
from tests.source.projects import judge_all, put, sample, world_of
from tests.source.test_code import ROUTE
from tests.source.test_projects import BROKEN

COMPOSE = "services:\n  livekit:\n    image: livekit/livekit-server\n{}    ports: ['127.0.0.1:7880:7880']\n"
AGENT = """from livekit import agents
from livekit.agents import AgentSession, cli

{}
async def entrypoint(ctx):
    await ctx.connect()

cli.run_app(server)
"""
MENDED = {
    "await, in a function that may": {"r.ts": ROUTE % "export async function GET() {\n  return r(at.toJwt());\n}"},
    "await, in an arrow that may": {"r.ts": ROUTE % "app.get('/t', async (q, r) => {\n  r.send(at.toJwt());\n});"},
    "--dev as a text": {"compose.yaml": COMPOSE.format("    command: --dev --node-ip 127.0.0.1\n")},
    "--dev in a list": {"compose.yaml": COMPOSE.format('    command: ["--dev", "--node-ip", "127.0.0.1"]\n')},
    "--dev in a list without quotes": {"compose.yaml": COMPOSE.format("    command: [--node-ip=1.2.3.4, --dev]\n")},
    "jwt in pyproject.toml": {
        "pyproject.toml": '[project]\nname = "a"\ndependencies = ["livekit-agents~=1.0",\n  "jwt>=1.0"]\n'
    },
    "a decorator that nobody has": {"agent.py": AGENT.format("@agents.job_entrypoint")},
    "a decorator that is called": {"agent.py": AGENT.format("@agents.job_entrypoint()")},
    "a decorator beside a server": {
        "agent.py": AGENT.format("server = agents.AgentServer()\n\n@agents.job_entrypoint()")
    },
    "dev in a list of words": {
        "agent.py": AGENT.format("server = agents.AgentServer()\n\n@server.rtc_session()"),
        "Dockerfile": 'FROM python:3.12\nCMD ["python", "dev/agent.py", "dev"]\n',
    },
}
BY_HAND = {
    "await, where it must not stand": (
        {"r.ts": ROUTE % "export function GET() {\n  return r(at.toJwt());\n}"}, "toJwt() gives a promise"
    ),
    "await, where nobody knows": ({"r.ts": ROUTE % "send(at.toJwt());"}, "toJwt() gives a promise"),
    "--dev in a line of its own": (
        {"compose.yaml": COMPOSE.format("    command:\n      - --dev\n")}, "listens on loopback only"
    ),
    "a decorator that was imported": (
        {"agent.py": AGENT.format("from livekit.agents import job_entrypoint\n\n@job_entrypoint")},
        "has no job_entrypoint",
    ),
}  # fmt: skip


def fixable(folder: Path) -> Iterator[Finding]:
    """Give the findings with a change, of checks that find the project's own faults."""
    for result in judge_all(world_of(folder)).values():
        yield from (finding for finding in result.findings if finding.fix is not None)


def said(folder: Path) -> list[str]:
    """Give all that is found, but where."""
    return [f"{id_}: {it.message}" for id_, result in judge_all(world_of(folder)).items() for it in result.findings]


def assert_mended(folder: Path, *, uncovers: bool = False) -> None:
    """Make one change after the other; each takes its finding away, and brings no other, unless it hid them."""
    findings = list(fixable(folder))
    assert findings
    while findings:
        before, finding = said(folder), findings[0]
        assert finding.fix is not None
        path = Path(finding.fix.path)
        lines = change_lines(
            Cause("source.x", "", finding.message, "", "", fix=finding.fix), path.read_bytes().decode()
        )
        make_change("".join(f"{line}\n" for line in lines))
        mended, after = [one for one in before if one.endswith(finding.message)], said(folder)
        assert mended
        assert not set(mended) & set(after), path.read_text()
        assert uncovers or set(after) <= set(before), path.read_text()
        findings = list(fixable(folder))


@pytest.mark.parametrize("name", BROKEN)
def test_samples(name: str, tmp_path: Path) -> None:
    """The broken projects, until nothing is left that has a change."""
    assert_mended(sample(name, tmp_path))


@pytest.mark.parametrize("files", MENDED.values(), ids=MENDED.keys())
def test_single_faults(files: Mapping[str, str], tmp_path: Path) -> None:
    """However the same is spelled; in Python what is read again can be read."""
    folder = put(tmp_path / "my app", files)
    assert_mended(folder)
    for file in folder.glob("*.py"):
        compile(file.read_text(), file.name, "exec")


@pytest.mark.parametrize(("files", "words"), BY_HAND.values(), ids=BY_HAND.keys())
def test_what_would_break_something_else_is_not_printed(files: Mapping[str, str], words: str, tmp_path: Path) -> None:
    """There is a finding with a hint, and no change."""
    folder = put(tmp_path / "app", files)
    assert list(fixable(folder)) == []
    assert any(words in one for one in said(folder))


def test_configurations(tmp_path: Path) -> None:
    """What livekit-server refuses: after every change that is printed one fault less remains."""
    changed = 0
    for number, case in enumerate(REFUSED):
        folder = put(tmp_path / f"{number}", {"livekit.yaml": case.body})
        if list(fixable(folder)):
            assert_mended(folder, uncovers=True)
            changed += 1
    assert changed > 5
