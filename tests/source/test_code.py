"""Dependencies, agents, images and clients: what is wrong is found in its line, and what looks alike is left alone."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from lkctl.checks.result import Status
from tests.source.projects import CLOUD, KEY, OWN, SECRET, found, judge, put, world_of

Expected = list[tuple[str, str, str]]  # severity, place, words
AGENTS = "from livekit.agents import JobContext, WorkerOptions, cli\n"
RUN = "\ncli.run_app(WorkerOptions(entrypoint_fnc=entrypoint))\n"
START = "\n\nasync def entrypoint(ctx):\n    await ctx.connect()\n{}" + RUN
ENV = f"LIVEKIT_URL={CLOUD}\nLIVEKIT_API_KEY={KEY}\nLIVEKIT_API_SECRET={SECRET}\n"
OLD = "from livekit.agents.pipeline import VoicePipelineAgent\n"


def agent(body: str = "", before: str = "") -> str:
    """Write an agent: `before` at the top, `body` in its entrypoint from line 6 on."""
    return before + AGENTS + START.format("".join(f"    {line}\n" for line in body.splitlines()))


def entry(body: str, decorator: str = "@server.rtc_session()") -> str:
    """Write an agent whose entrypoint has this body, from line 6 on."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return (
        f"from livekit.agents import AgentServer\nserver = AgentServer()\n\n{decorator}\nasync def entry(ctx):\n{lines}"
    )


def lock(version: str) -> str:
    return f'[[package]]\nname = "livekit-agents"\nversion = "{version}"\n'


VERSIONS: dict[str, tuple[dict[str, str], Expected]] = {
    "0.x code, nothing required": ({"a.py": OLD}, [("warn", "a.py:1", "pip installs 1.x")]),
    "0.x code, 1.x required": (
        {"a.py": OLD, "requirements.txt": "livekit-agents~=1.0\n"},
        [("warn", "a.py:1", "livekit-agents~=1.0 (requirements.txt:1) installs 1.x")],
    ),
    "0.x code, any version required": (
        {"a.py": OLD, "pyproject.toml": '[project]\ndependencies = ["livekit-agents>=0.8"]\n'},
        [("warn", "a.py:1", "installs 1.x")],
    ),
    "0.x code, 0.x required": ({"a.py": OLD, "requirements.txt": "livekit-agents~=0.12\n"}, []),
    "0.x code, below 1": ({"a.py": OLD, "requirements.txt": "livekit-agents[openai]>=0.8,<1.0\n"}, []),
    "0.x code, Poetry": ({"a.py": OLD, "pyproject.toml": '[tool.poetry.dependencies]\nlivekit-agents = "^0.12"\n'}, []),
    "0.x code, locked at 0.x": ({"a.py": OLD, "requirements.in": "livekit-agents\n", "uv.lock": lock("0.12.3")}, []),
    "0.x code, locked at 1.x": (
        {"a.py": OLD, "requirements.in": "livekit-agents\n", "poetry.lock": lock("1.2.0")},
        [("warn", "a.py:1", "1.2.0 is locked")],
    ),
    "0.x class": (
        {"a.py": "import os\nfrom livekit.agents.multimodal import MultimodalAgent\n"},
        [("warn", "a.py:2", "livekit.agents.multimodal")],
    ),
    "a class of one's own": ({"a.py": "import livekit.agents\nclass VoicePipelineAgent: pass\n"}, []),
    "in a text": ({"a.py": "import livekit.agents\n# livekit.agents.pipeline\nx = 'livekit.agents.pipeline'\n"}, []),
    "jwt beside PyJWT": (
        {"requirements.txt": "livekit-api\njwt\n"},
        [("warn", "requirements.txt:2", "the package jwt lies over PyJWT")],
    ),
    "jwt in pyproject": (
        {"pyproject.toml": '[project]\ndependencies = [\n  "livekit-api>=1",\n  "jwt>=1.3",\n]\n'},
        [("warn", "pyproject.toml:4", "the package jwt")],
    ),
    "jwt without LiveKit": ({"requirements.txt": "jwt\nflask\n"}, []),
    "PyJWT": ({"requirements.txt": "livekit-api\nPyJWT>=2\n"}, []),
    "livekit 1.2 with agents": (
        {"requirements.txt": "livekit>=1.2\nlivekit-agents\n"},
        [("warn", "requirements.txt:1", "pip takes livekit-agents 1.3")],
    ),
    "livekit 1.2 with agents 1.8": (
        {"requirements.txt": "livekit==1.2.0\nlivekit-agents==1.8.9\n"},
        [("warn", "requirements.txt:1", "pip finds no livekit-agents")],
    ),
    "livekit 1.1 with agents": ({"requirements.txt": "livekit>=1.1.2,<2\nlivekit-agents>=1.8\n"}, []),
    "livekit 1.2 alone": ({"requirements.txt": "livekit>=1.2\nlivekit-api\n"}, []),
    "client with a slash too many": (
        {"package.json": '{"dependencies": {\n"livekit-client": "2.9.6"}}'},
        [("warn", "package.json:2", "wss://host//rtc")],
    ),
    "client range, locked there": (
        {
            "package.json": '{"dependencies": {"livekit-client": "^2.9.0"}}',
            "pnpm-lock.yaml": "a: 1\n  livekit-client@2.9.8:\n",
        },
        [("warn", "pnpm-lock.yaml:2", "livekit-client 2.9.8")],
    ),
    "client range, locked later": (
        {
            "package.json": '{"dependencies": {"livekit-client": "^2.9.6"}}',
            "package-lock.json": '{"packages": {"node_modules/livekit-client": {\n"version": "2.15.0"}}}',
        },
        [],
    ),
    "client range": ({"package.json": '{"dependencies": {"livekit-client": "^2.9.6"}}'}, []),
    "client for a newer server": (
        {
            "package.json": '{"dependencies": {"livekit-client": "2.18.3"}}',
            "compose.yaml": "services: {sfu: {image: 'livekit/livekit-server:v1.9.9'}}\n",
        },
        [("warn", "package.json:1", "livekit-client 2.18.3 cannot join livekit-server 1.9.9")],
    ),
    "components 2 with client 1": (
        {"package.json": '{"dependencies": {\n"@livekit/components-react": "^2.9.0",\n"livekit-client": "^1.15.0"}}'},
        [("warn", "package.json:3", "wants livekit-client ^2.9.5, and ^1.15.0 is asked for")],
    ),
    "components 1 with client 2": (
        {"package.json": '{"dependencies": {"@livekit/components-react": "1.5.3", "livekit-client": "^2.0.0"}}'},
        [("warn", "package.json:1", "wants livekit-client ^1.15.1, and ^2.0.0 is asked for")],
    ),
    "components with a client that is too old": (
        {"package.json": '{"dependencies": {"@livekit/components-react": "2.9.23", "livekit-client": "2.15.0"}}'},
        [("warn", "package.json:1", "wants livekit-client ^2.20.1, and 2.15.0 is asked for")],
    ),
    "components with a range that goes far enough": (
        {"package.json": '{"dependencies": {"@livekit/components-react": "^2.9.0", "livekit-client": "^2.5.0"}}'},
        [],
    ),
    "components 3.0.0 are for client 2": (
        {"package.json": '{"dependencies": {"@livekit/components-react": "3.0.0", "livekit-client": "^2.0.10"}}'},
        [],
    ),
    "components and client of two packages": (
        {
            "a/package.json": '{"dependencies": {"@livekit/components-react": "^2.9.0"}}',
            "b/package.json": '{"dependencies": {"livekit-client": "^1.15.0"}}',
        },
        [],
    ),
    "components with either client": (
        {"package.json": '{"dependencies": {"@livekit/components-react": "2.9.0", "livekit-client": "^1 || ^2.9.5"}}'},
        [],
    ),
    "components of any version": (
        {"package.json": '{"dependencies": {"@livekit/components-react": "latest", "livekit-client": "1.15.0"}}'},
        [],
    ),
    "client and server of one time": (
        {
            "package.json": '{"dependencies": {"livekit-client": "2.18.3"}}',
            "compose.yaml": "services: {sfu: {image: 'livekit/livekit-server:v1.9.10'}}\n",
        },
        [],
    ),
}

AGENT: dict[str, tuple[str, Expected]] = {
    "plain": (agent(), []),
    "unguarded metadata": (agent("wish = json.loads(ctx.job.metadata)"), [("warn", "agent.py:6", "stops the job")]),
    "metadata in a try": (agent("try:\n    x = json.loads(ctx.job.metadata)\nexcept ValueError:\n    x = {}"), []),
    "metadata asked first": (agent("x = json.loads(ctx.job.metadata) if ctx.job.metadata else {}"), []),
    "metadata left first": (agent("if not ctx.job.metadata:\n    return\nx = json.loads(ctx.job.metadata)"), []),
    "try without except": (
        agent("try:\n    x = json.loads(ctx.job.metadata)\nfinally:\n    pass"),
        [("warn", "agent.py:7", "json.loads(ctx.job.metadata)")],
    ),
    "metadata with a default": (agent('x = json.loads(ctx.job.metadata or "{}")'), []),
    "other JSON": (agent("x = json.loads(reply.text)"), []),
    "participant's metadata": (
        agent("x = json.loads(participant.metadata)"),
        [("warn", "agent.py:6", "participant.metadata")],
    ),
    "first of all": (
        agent("x = next(iter(ctx.room.remote_participants.values()))"),
        [("warn", "agent.py:6", "takes whichever comes first")],
    ),
    "the first that fits": (
        agent("x = next(p for p in ctx.room.remote_participants.values() if p.identity == 'a')"),
        [],
    ),
    "the first to come": (agent("x = sorted(ctx.room.remote_participants.values(), key=when)[0]"), []),
    "first of another list": (agent("x = list(things.values())[0]"), []),
    "read before connecting": (
        entry("a = ctx.room.metadata\nawait ctx.connect()\nb = ctx.room.metadata"),
        [("warn", "agent.py:6", "ctx.room.metadata is read before the agent is connected")],
    ),
    "people before connecting": (
        entry("a = len(ctx.room.remote_participants)\nawait ctx.connect()"),
        [("warn", "agent.py:6", "ctx.room.remote_participants is read before")],
    ),
    "name before connecting": (entry("a = ctx.room.name\nawait ctx.connect()"), []),
    "snapshot before connecting": (entry("a = ctx.job.room.metadata\nawait ctx.connect()"), []),
    "handler that runs later": (entry("def late():\n    return ctx.room.metadata\nawait ctx.connect()\nlate()"), []),
    "session connects": (entry("await session.start(agent=a, room=ctx.room)\nb = ctx.room.metadata"), []),
    "never connects": (entry("print(ctx.job.id)"), [("warn", "agent.py:5", "entry never connects")]),
    "handed on": (entry("await run(ctx)"), []),
    "decorator of the guide": (
        entry("await ctx.connect()", "@agents.job_entrypoint"),
        [("warn", "agent.py:4", "livekit-agents has no agents.job_entrypoint")],
    ),
    "no entrypoint": (
        "from livekit.agents import AgentServer, cli\nserver = AgentServer()\ncli.run_app(server)\n",
        [("warn", "agent.py:3", "no entrypoint is declared")],
    ),
    "not an agent": ("from livekit import rtc\nx = list(room.remote_participants.values())[0]\n", []),
}

NAMED = agent().replace("entrypoint_fnc=entrypoint", "entrypoint_fnc=entrypoint, agent_name='helper'")
MINT = "from livekit.api import AccessToken\ntoken = AccessToken('k', 's')\n"
DOCKER = 'FROM python:3.12\nCOPY . .\n{}CMD ["python", "agent.py", "start"]\n'
DETECTOR = agent(before="from livekit.plugins.turn_detector.multilingual import MultilingualModel\n")
OPENAI = agent(before="from livekit.plugins import openai\n")
NOISE = agent("x = noise_cancellation.BVC()", before="from livekit.plugins import noise_cancellation\n")
DOTENV = agent(before="from dotenv import load_dotenv\nload_dotenv('.env.local')\n")

AROUND: dict[str, tuple[str, dict[str, str], str, Expected]] = {
    "name, nobody dispatches": (
        "agent",
        {"agent.py": NAMED, "mint.py": MINT},
        OWN,
        [("warn", "agent.py:7", "agent_name 'helper' is set")],
    ),
    "name, dispatched by the token": ("agent", {"agent.py": NAMED, "mint.py": MINT + "# RoomAgentDispatch\n"}, OWN, []),
    "name, tokens from elsewhere": ("agent", {"agent.py": NAMED}, OWN, []),
    "model not in the image": (
        "agent-needs",
        {"agent.py": DETECTOR, "Dockerfile": DOCKER.format("")},
        OWN,
        [("warn", "Dockerfile:1", "the image lacks the model of the turn detector")],
    ),
    "model in the image": (
        "agent-needs",
        {"agent.py": DETECTOR, "Dockerfile": DOCKER.format("RUN python agent.py download-files\n")},
        OWN,
        [],
    ),
    "model, loaded over lines": (
        "agent-needs",
        {
            "agent.py": DETECTOR,
            "Dockerfile": DOCKER.format("RUN pip install x \\\n && python agent.py download-files\n"),
        },
        OWN,
        [],
    ),
    "model in root's cache": (
        "agent-needs",
        {"agent.py": DETECTOR, "Dockerfile": DOCKER.format("RUN python agent.py download-files\nUSER app\n")},
        OWN,
        [("warn", "Dockerfile:3", "root downloads the model files")],
    ),
    "model lost between the stages": (
        "agent-needs",
        {
            "agent.py": DETECTOR,
            "Dockerfile": "FROM python AS build\nRUN python agent.py download-files\nFROM python\n"
            'COPY --from=build /app /app\nUSER app\nCMD ["python", "agent.py", "start"]\n',
        },
        OWN,
        [("warn", "Dockerfile:2", "root downloads the model files")],
    ),
    "model in a cache for all": (
        "agent-needs",
        {
            "agent.py": DETECTOR,
            "Dockerfile": DOCKER.format("ENV HF_HOME=/app/cache\nRUN python agent.py download-files\nUSER app\n"),
        },
        OWN,
        [],
    ),
    "model by the user itself": (
        "agent-needs",
        {"agent.py": DETECTOR, "Dockerfile": DOCKER.format("USER app\nRUN python agent.py download-files\n")},
        OWN,
        [],
    ),
    "image of something else": (
        "agent-needs",
        {"agent/agent.py": DETECTOR, "web/Dockerfile": "FROM node\nCMD npm start\n"},
        OWN,
        [],
    ),
    "silero carries its model": (
        "agent-needs",
        {"agent.py": agent(before="from livekit.plugins import silero\n"), "Dockerfile": DOCKER.format("")},
        OWN,
        [],
    ),
    "noise cancellation at home": (
        "agent-needs",
        {"agent.py": NOISE},
        OWN,
        [("warn", "agent.py:7", "noise cancellation is of LiveKit Cloud")],
    ),
    "noise cancellation in the cloud": ("agent-needs", {"agent.py": NOISE}, CLOUD, []),
    "provider without a key": (
        "agent-needs",
        {"agent.py": OPENAI + "dotenv", ".env": ENV},
        OWN,
        [("warn", "agent.py:1", "needs OPENAI_API_KEY")],
    ),
    "provider with a key": (
        "agent-needs",
        {"agent.py": OPENAI + "dotenv", ".env": ENV + "OPENAI_API_KEY=x\n"},
        OWN,
        [],
    ),
    "provider, key in code": ("agent-needs", {"agent.py": OPENAI + "openai.LLM(api_key=dotenv)", ".env": ENV}, OWN, []),
    "provider, no env file": ("agent-needs", {"agent.py": OPENAI}, OWN, []),
    "load_dotenv of nothing": (
        "agent-needs",
        {"agent.py": DOTENV, ".env": ENV},
        OWN,
        [("warn", "agent.py:2", "load_dotenv reads .env.local, which does not exist")],
    ),
    "load_dotenv of a file": ("agent-needs", {"agent.py": DOTENV, ".env.local": ENV}, OWN, []),
    "nothing loads the file": (
        "agent-needs",
        {"agent.py": agent(), ".env": ENV},
        OWN,
        [("warn", "agent.py:7", "nothing loads .env for the agent")],
    ),
    "compose hands it over": (
        "agent-needs",
        {"agent.py": agent(), ".env": ENV, "compose.yaml": "services: {a: {env_file: .env}}\n"},
        OWN,
        [],
    ),
    "start": ("agent-mode", {"agent.py": agent(), "Procfile": "worker: python agent.py start\n"}, OWN, []),
    "dev in compose": (
        "agent-mode",
        {"agent.py": agent(), "compose.yaml": "services:\n  a:\n    command: python agent.py dev\n"},
        OWN,
        [("warn", "compose.yaml:3", "started with `dev`")],
    ),
    "dev of something else": (
        "agent-mode",
        {"web.js": "//", "compose.yaml": "services:\n  a:\n    command: node web.js dev\n"},
        OWN,
        [],
    ),
}


@pytest.mark.parametrize("name", VERSIONS)
def test_versions(name: str, tmp_path: Path) -> None:
    """Only what is known to fail is told."""
    files, expected = VERSIONS[name]
    assert_told("versions", files, OWN, expected, tmp_path)


@pytest.mark.parametrize("name", AGENT)
def test_agent(name: str, tmp_path: Path) -> None:
    """Read from the tree of the code."""
    text, expected = AGENT[name]
    assert_told("agent", {"agent.py": text}, OWN, expected, tmp_path)


@pytest.mark.parametrize("name", AROUND)
def test_around_the_agent(name: str, tmp_path: Path) -> None:
    """Its dispatch, image, variables and mode."""
    check, files, url, expected = AROUND[name]
    assert_told(check, files, url, expected, tmp_path)


def assert_told(check: str, files: Mapping[str, str], url: str, expected: Expected, folder: Path) -> None:
    """These findings, and no other."""
    told = found(judge(check, world_of(put(folder / "p", files), url=url)))
    assert [it[:2] for it in told] == [it[:2] for it in expected], told
    assert all(words in it[2] for it, (_, _, words) in zip(told, expected, strict=True)), told


def test_agent_of_another_name(tmp_path: Path) -> None:
    """--agent asks for a name that the code does not have."""
    folder = put(tmp_path / "p", {"agent.py": NAMED})
    result = judge("agent", world_of(folder, agent="other"))
    assert "is called 'helper' here, and --agent asks for 'other'" in result.detail
    assert judge("agent", world_of(folder, agent="helper")).status is Status.passed


ROUTE = """import { AccessToken } from 'livekit-server-sdk';
const at = new AccessToken(process.env.LIVEKIT_API_KEY, process.env.LIVEKIT_API_SECRET, { identity: 'a' });
%s
"""
TOKENS: dict[str, tuple[dict[str, str], Expected]] = {
    "awaited": ({"r.ts": ROUTE % "const t = await at.toJwt();"}, []),
    "returned": ({"r.ts": ROUTE % "return at.toJwt();"}, []),
    "then": ({"r.ts": ROUTE % "at.toJwt().then(send);"}, []),
    "arrow": ({"r.ts": ROUTE % "const mint = () => at.toJwt();"}, []),
    "kept and awaited": ({"r.ts": ROUTE % "const p = at.toJwt();\nsend(await p);"}, []),
    "promise for a token": (
        {"r.ts": ROUTE % "res.json({ token: at.toJwt() });"},
        [("warn", "r.ts:3", "toJwt() gives a promise")],
    ),
    "in a comment": ({"r.ts": ROUTE % "// send(at.toJwt())\n/* send(at.toJwt()) */"}, []),
    "room name": (
        {"r.ts": ROUTE % "at.addGrant({ roomJoin: true, roomName: 'x' });"},
        [("warn", "r.ts:3", "roomName counts for nothing")],
    ),
    "snake case": (
        {"r.ts": ROUTE % "at.addGrant({\n  room_join: true,\n});"},
        [("warn", "r.ts:4", "room_join counts for nothing")],
    ),
    "right grants": ({"r.ts": ROUTE % "at.addGrant({ roomJoin: true, room: roomName });"}, []),
    "Python's own names": (
        {"r.py": "from livekit import api\napi.AccessToken().with_grants(api.VideoGrants(room_join=True))\n"},
        [],
    ),
    "secret in the page": (
        {"r.ts": ROUTE % "const s = import.meta.env.VITE_LIVEKIT_API_SECRET;"},
        [("security", "r.ts:3", "VITE_LIVEKIT_API_SECRET puts the secret into the page")],
    ),
    "minted in the page": (
        {"r.tsx": "'use client';\n" + ROUTE % ""},
        [("security", "r.tsx:3", "a token is minted in code for the browser")],
    ),
    "types of the client in a route": (
        {"pages/api/token.ts": "import type { Room } from 'livekit-client';\n" + ROUTE % "return at.toJwt();"},
        [],
    ),
    "URL in the page": ({"r.ts": ROUTE % "const s = process.env.NEXT_PUBLIC_LIVEKIT_URL;"}, []),
    "minted elsewhere": (
        {"c.ts": "import { Room } from 'livekit-client';\nnew Room().connect(url, token);\n"},
        [("info", "", "no code here mints tokens")],
    ),
    "a token server is named": (
        {"c.ts": "import { Room } from 'livekit-client';\nfetch(TOKEN_ENDPOINT);\nnew Room().connect(url, token);\n"},
        [],
    ),
}


@pytest.mark.parametrize("name", TOKENS)
def test_tokens(name: str, tmp_path: Path) -> None:
    """Mistakes of the code that mints."""
    files, expected = TOKENS[name]
    assert_told("token-endpoint", files, OWN, expected, tmp_path)


CLIENT = (
    "import { Room, RoomEvent } from 'livekit-client';\nconst room = new Room();\n%s\nawait room.connect(url, token);\n"
)
HANDLED = {
    "states": [
        "room.on(RoomEvent.ConnectionStateChanged, show)",
        "room.on('disconnected', show)",
        "show(room.state === ConnectionState.Connected)",
    ],
    "autoplay": ["button.onclick = () => room.startAudio();", "if (!room.canPlaybackAudio) ask();"],
    "errors": ["try { go(); } catch (error) { show(error); }", "go().catch(show)"],
    "reconnection": ["room.on(RoomEvent.Reconnecting, show)", "room.on('reconnecting', show)"],
    "cleanup": ["addEventListener('pagehide', () => room.disconnect())"],
}


@pytest.mark.parametrize(("check", "line"), [(check, line) for check, lines in HANDLED.items() for line in lines])
def test_what_is_handled_is_seen(check: str, line: str, tmp_path: Path) -> None:
    """The line is found where it is code; as a comment, or not at all, it is missed."""
    hears = "\nroom.on(RoomEvent.TrackSubscribed, play);"
    handled = judge(check, world_of(put(tmp_path / "a", {"c.ts": CLIENT % (line + hears)})))
    assert (handled.status, "c.ts:3" in handled.detail) == (Status.passed, True)
    for other in ("", f"// {line}"):
        missed = judge(check, world_of(put(tmp_path / "b", {"c.ts": CLIENT % (other + hears)})))
        assert (missed.status, len(missed.findings)) == (Status.warn, 1)


def test_what_is_only_imported_is_not_handled(tmp_path: Path) -> None:
    """An import shows nothing to anybody."""
    text = (
        "import {\n  ConnectionStateToast,\n  StartAudio,\n} from '@livekit/components-react';\n"
        + CLIENT % "play(<AudioTrack/>)"
    )
    for check in ("states", "autoplay", "reconnection"):
        assert judge(check, world_of(put(tmp_path / "p", {"c.tsx": text}))).status is Status.warn


def test_what_a_route_handles_is_not_handled_for_the_user(tmp_path: Path) -> None:
    """A `catch` on the server shows nothing in the page."""
    files = {"c.ts": CLIENT % "", "app/api/token/route.ts": ROUTE % "try { go(); } catch (error) { log(error); }"}
    assert judge("errors", world_of(put(tmp_path / "p", files))).status is Status.warn


def test_a_server_without_pages_has_no_checklist(tmp_path: Path) -> None:
    """Code that joins no room in a browser has nothing to handle."""
    folder = put(tmp_path / "p", {"r.ts": ROUTE % "database.connect(); return at.toJwt();"})
    for check in HANDLED:
        assert judge(check, world_of(folder)).status is Status.skip


def test_variables_that_nobody_sets(tmp_path: Path) -> None:
    """Where there is an env file with values, what code reads must be in one, or in the environment."""
    folder = put(
        tmp_path / "p", {"r.ts": ROUTE % "connect(process.env.LIVEKIT_URL)", ".env": f"LIVEKIT_API_KEY={KEY}\n"}
    )
    told = found(judge("configured", world_of(folder, environ={"LIVEKIT_API_SECRET": SECRET})))
    assert told == [("warn", "r.ts:3", "LIVEKIT_URL is read here, and set nowhere")]
    (folder / ".env").unlink()
    assert judge("configured", world_of(folder)).status is Status.passed
