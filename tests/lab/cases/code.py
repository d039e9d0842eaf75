"""Code and images, judged where they lie (77 to 81)."""

from collections.abc import Sequence

from tests.lab.bench import Bench
from tests.lab.case import Case

_AGENT = """\
from dotenv import load_dotenv
from livekit import agents
from livekit.agents import AgentServer, JobContext, cli
{imports}

load_dotenv()
server = AgentServer()


@server.rtc_session(agent_name="helper")
async def entrypoint(ctx: JobContext) -> None:
    await ctx.connect()
{body}

if __name__ == "__main__":
    cli.run_app(server)
"""
_TURN_DETECTOR = _AGENT.format(
    imports="from livekit.plugins.turn_detector.multilingual import MultilingualModel",
    body="    MultilingualModel()\n",
)
_REQUIREMENTS = "livekit-agents[turn-detector]==1.8.9\npython-dotenv\n"
_DOCKERFILE = """\
FROM python:3.12-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . .
{more}CMD ["python", "agent.py", "start"]
"""


def project(bench: Bench, **files: str) -> Sequence[str]:
    """Write the files of an agent's project beside a server that works."""
    bench.configured()
    for name, text in files.items():
        bench.write(name.replace("__", "."), text)
    return ["--source", "."]


def models_not_downloaded(bench: Bench) -> Sequence[str]:
    image = _DOCKERFILE.format(more="")
    return project(bench, agent__py=_TURN_DETECTOR, requirements__txt=_REQUIREMENTS, Dockerfile=image)


def models_of_another_user(bench: Bench) -> Sequence[str]:
    image = _DOCKERFILE.format(more="RUN python agent.py download-files\nUSER 1001\n")
    return project(bench, agent__py=_TURN_DETECTOR, requirements__txt=_REQUIREMENTS, Dockerfile=image)


def code_for_0x(bench: Bench) -> Sequence[str]:
    code = "from livekit.agents.pipeline import VoicePipelineAgent\n\nagent = VoicePipelineAgent(vad=None)\n"
    return project(bench, agent__py=code, requirements__txt="livekit-agents==1.8.9\n")


def noise_cancellation(bench: Bench) -> Sequence[str]:
    code = _AGENT.format(
        imports="from livekit.agents import RoomInputOptions\nfrom livekit.plugins import noise_cancellation",
        body="    RoomInputOptions(noise_cancellation=noise_cancellation.BVC())\n",
    )
    return project(
        bench, agent__py=code, requirements__txt="livekit-agents==1.8.9\nlivekit-plugins-noise-cancellation\n"
    )


def another_jwt(bench: Bench) -> Sequence[str]:
    code = _AGENT.format(imports="", body="")
    return project(bench, agent__py=code, requirements__txt="livekit-agents==1.8.9\nPyJWT>=2.10\njwt==1.3.1\n")


CASES = (
    Case(
        77,
        "models are not in the image",
        "Could not find model livekit/turn-detector …",
        models_not_downloaded,
        "source.agent-needs",
        "lacks the model of the turn detector",
        "https://github.com/livekit/agents/pull/4084",
        exit_code=0,
    ),
    Case(
        78,
        "models are root's, the process is not",
        "Could not find model …: cache under root, the process is another user",
        models_of_another_user,
        "source.agent-needs",
        "USER|cache|root",
        "https://github.com/livekit-examples/agent-starter-node/issues/30",
        exit_code=0,
    ),
    Case(
        79,
        "code of 0.x with agents 1.x",
        "No module named 'livekit.agents.pipeline'",
        code_for_0x,
        "source.versions",
        "pipeline|VoicePipelineAgent",
        "https://github.com/livekit/livekit/issues/4094",
        exit_code=0,
    ),
    Case(
        80,
        "Cloud's noise cancellation on a server of one's own",
        "failed to fetch server settings: http status: 404, agent deaf",
        noise_cancellation,
        "source.agent-needs",
        "noise",
        "https://github.com/livekit/agents/issues/4252",
        exit_code=0,
    ),
    Case(
        81,
        "the package jwt beside PyJWT",
        "module 'jwt' has no attribute 'encode'",
        another_jwt,
        "source.versions",
        r"\bjwt\b",
        "https://github.com/livekit/agents/issues/1344",
        exit_code=0,
    ),
)
