"""What an agent needs around its code: model files, caches, variables, and to be started for production.

Source: the Dockerfiles of livekit-cli (pkg/agentfs/examples); livekit-agents' plugins for the variables they read;
`livekit-plugins-silero` carries its model, `turn-detector` downloads it.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from lkctl.checks.result import Finding, Fix, NotApplicable, Severity
from lkctl.checks.source.agentcode import NO_AGENT, Agent, agents_of
from lkctl.checks.source.dependencies import NO_WORKER
from lkctl.checks.source.project import Project, line_of, project_of
from lkctl.checks.source.pythoncode import calls, imported, text_of
from lkctl.checks.source.services import Service, services_of
from lkctl.checks.verdict import settle
from lkctl.checks.world import World
from lkctl.settings.layers import KEY, NAMES, SECRET, URL

DOCKERFILE = r"(?:Docker|Container)file[\w.-]*|[\w.-]+\.[Dd]ockerfile"
_DETECTOR = "livekit.plugins.turn_detector"
_NOISE = "livekit.plugins.noise_cancellation"
# Plugins of livekit-agents, and the variables of which one must be set
_PROVIDERS: Mapping[str, tuple[str, ...]] = {
    "openai": ("OPENAI_API_KEY",), "deepgram": ("DEEPGRAM_API_KEY",), "cartesia": ("CARTESIA_API_KEY",),
    "elevenlabs": ("ELEVEN_API_KEY", "ELEVENLABS_API_KEY"), "anthropic": ("ANTHROPIC_API_KEY",),
    "google": ("GOOGLE_API_KEY", "GOOGLE_APPLICATION_CREDENTIALS"), "groq": ("GROQ_API_KEY",),
    "assemblyai": ("ASSEMBLYAI_API_KEY",), "azure": ("AZURE_SPEECH_KEY",), "gladia": ("GLADIA_API_KEY",),
    "rime": ("RIME_API_KEY",), "hume": ("HUME_API_KEY",), "mistralai": ("MISTRAL_API_KEY",),
    "speechmatics": ("SPEECHMATICS_API_KEY",), "tavus": ("TAVUS_API_KEY",), "bey": ("BEY_API_KEY",),
    "simli": ("SIMLI_API_KEY",), "neuphonic": ("NEUPHONIC_API_KEY",), "resemble": ("RESEMBLE_API_KEY",),
}  # fmt: skip
_GIVEN = re.compile(r"\bapi_key\s*=|\bwith_\w+\s*\(|\bbase_url\s*=|\bcredentials\w*\s*=|\bvertexai\s*=|\bclient\s*=")
_CACHES = re.compile(r"^[ \t]*ENV\s.*\b(?:HF_HOME|HF_HUB_CACHE|XDG_CACHE_HOME|HOME)\b", re.MULTILINE)
_ROOTS = {"root", "0", "0:0", "root:root"}


def judge_surroundings(world: World) -> str:
    """Look at what an agent in Python needs beside its code: model files in its image, variables, keys of providers."""
    project = project_of(world)
    agents = agents_of(project)
    if not agents:
        raise NotApplicable("there is no agent in Python here")
    findings = [*_models(project, agents), *_noise(agents, world), *_dotenv(agents, world), *_providers(agents, world)]
    return settle(findings, "model files, variables and keys of providers are where the agent looks for them")


def _models(project: Project, agents: list[Agent]) -> Iterator[Finding]:
    """The turn detector's model must be in the image, and where the user of the image finds it."""
    detecting = [agent for agent in agents if any(name.startswith(_DETECTOR) for name in imported(agent.tree))]
    for name in project.named(DOCKERFILE) if detecting else ():
        text = project.texts[name]
        if not any(_runs(text, agent, name) for agent in agents):
            continue
        where = re.search(r"^[ \t]*RUN\b(?:[^\n]*\\\n){0,60}[^\n]*\bdownload-files\b", text, re.MULTILINE)
        if where is None:
            said = "the image lacks the model of the turn detector: `Could not find model livekit/turn-detector`"
            hint = f"Add before the CMD: RUN python {detecting[0].name.rpartition('/')[2]} download-files"
            yield Finding(said, hint, project.place(name, 1), Severity.warn, NO_AGENT)
            continue
        yield from _cache(project, name, where.start())


def _cache(project: Project, name: str, download: int) -> Iterator[Finding]:
    """What root has downloaded lies under /root, and another user looks under its own home."""
    text = project.texts[name]
    users = [(found.start(), found[1]) for found in re.finditer(r"^[ \t]*USER\s+(\S+)", text, re.MULTILINE)]
    stage = max((found.start() for found in re.finditer(r"^[ \t]*FROM\s", text, re.MULTILINE)), default=0)
    before = [user for position, user in users if position < download]
    runs_as = users[-1][1] if users and users[-1][0] > stage else "root"
    loads_as = before[-1] if before else "root"
    if loads_as in _ROOTS and runs_as not in _ROOTS and _CACHES.search(text) is None:
        line = text.count("\n", 0, download) + 1
        said = f"root downloads the model files into its own cache, where {runs_as}, who runs the agent, finds none"
        hint = f"Put `USER {runs_as}` before it, or set ENV HOME=/app (or HF_HOME) before it, and copy that"
        yield Finding(said, hint, project.place(name, line), Severity.warn, NO_AGENT)


def _runs(text: str, agent: Agent, dockerfile: str) -> bool:
    """Whether an image is that of an agent: it names the file, or lies beside it and starts Python."""
    if re.search(rf"(?:^|[\s/\"'=]){re.escape(agent.name.rpartition('/')[2])}\b", text, re.MULTILINE):
        return True
    beside = PurePosixPath(dockerfile).parent == PurePosixPath(agent.name).parent
    return beside and "python" in text and "CMD" in text


def _noise(agents: list[Agent], world: World) -> Iterator[Finding]:
    """The plugin asks LiveKit Cloud for its settings."""
    url = world.likely_url()
    for agent in agents if url is not None and not url.cloud else ():
        for call in calls(agent.tree, "BVC", "NC", "BVCTelephony"):
            if any(name.startswith(_NOISE) for name in imported(agent.tree)):
                said = f"noise cancellation is of LiveKit Cloud, and the server is {url.host}: the agent hears nothing "  # type: ignore[union-attr]
                said += "(`failed to fetch server settings: http status: 404`)"
                yield agent.finding(call, said, "Leave noise_cancellation out with a server of your own", None, ())
                break


def _dotenv(agents: list[Agent], world: World) -> Iterator[Finding]:
    """An agent reads no env file by itself; and load_dotenv says nothing of a file that is not there."""
    project = agents[0].project
    for agent in agents:
        for call in calls(agent.tree, "load_dotenv"):
            name = text_of(call.args[0]) if call.args else ""
            beside = project.folder / agent.name
            if not name or (beside.parent / name).exists() or (project.folder / name).exists():
                continue
            other = next((file.name for file in project.env_files if any(e.name in NAMES for e in file.entries)), "")
            if other:
                said = f"load_dotenv reads {name}, which does not exist, and says nothing; {other} is there"
                yield agent.finding(call, said, f"Load {other}, or rename it", None, NO_WORKER)
    loads = any("dotenv" in text or "decouple" in text or "pydantic_settings" in text for text in _texts(project))
    file = next((file for file in project.env_files if any(entry.name == URL for entry in file.entries)), None)
    if file is None or loads or any(world.environ.get(name) for name in NAMES):
        return
    said = f"nothing loads {file.name} for the agent: without {URL} it tries ws://localhost:7880"
    hint = "Call load_dotenv() at the top of the script, or start it with the variables set"
    runs = [(agent, call) for agent in agents for call in calls(agent.tree, "run_app")]
    for agent, call in runs if not _handed_over(project) else ():
        yield agent.finding(call, said, hint, None, NO_WORKER)


def _handed_over(project: Project) -> bool:
    """Whether something else sets the variables: a compose file, or a runner that reads env files."""
    composed = any(isinstance(one, Service) and one.body.get("env_file") is not None for one in services_of(project))
    declared = any(declared.name in {URL, KEY, SECRET} for declared in project.around.declared)
    return composed or declared or any("env-file" in text or "direnv" in text for text in _texts(project))


def _texts(project: Project) -> Iterator[str]:
    yield from (text for name, text in project.texts.items() if not name.endswith((".lock", "package-lock.json")))


def _providers(agents: list[Agent], world: World) -> Iterator[Finding]:
    """A plugin without its key stops the job. Where there is no env file with values, nothing can be told."""
    project = agents[0].project
    if not any((entry.value or "").strip() for file in project.env_files for entry in file.entries):
        return
    present = project.variables(world.environ)
    told: set[str] = set()
    for agent in agents:
        text = project.texts[agent.name]
        for name, line in imported(agent.tree).items():
            plugin = (
                name.removeprefix("livekit.plugins.").partition(".")[0] if name.startswith("livekit.plugins.") else ""
            )
            keys = _PROVIDERS.get(plugin, ())
            if keys and plugin not in told and not set(keys) & present and not _GIVEN.search(text):
                told.add(plugin)
                said = f"the plugin {plugin} needs {' or '.join(keys)}, which no env file sets"
                place = project.place(agent.name, line)
                yield Finding(said, f"Write it into {project.env_files[0].name}", place, Severity.warn, NO_AGENT)


def judge_production(world: World) -> str:
    """Find out how the agent is started where it is deployed: `start`; `dev` and `console` are for the desk."""
    project = project_of(world)
    ours = any("@livekit/agents" in text for text in _texts(project)) or agents_of(project)
    starts = list(_starts(project)) if ours else []
    if not starts:
        raise NotApplicable("no Dockerfile, compose file or Procfile starts an agent")
    findings = [_wrong_mode(project, name, line, mode) for name, line, mode in starts if mode in {"dev", "console"}]
    return settle(findings, f"{', '.join(project.place(name, line) for name, line, _ in starts)}: `start`")


def _starts(project: Project) -> Iterator[tuple[str, int, str]]:
    """Give file, line and mode of each place that starts an agent: `agent.py start`, also as a list of words."""
    command = re.compile(r"""[\w./-]+\.(?:py|[mc]?js|ts)["']?(?:\s*,\s*|\s+)["']?(start|dev|console)\b""")
    for name in project.named(rf"{DOCKERFILE}|Procfile[\w.-]*|(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml"):
        for number, line in enumerate(project.texts[name].splitlines(), 1):
            found = command.search(line[:2000])
            if found is not None and not line.lstrip().startswith("#"):
                yield name, number, found[1]


def _wrong_mode(project: Project, name: str, line: int, mode: str) -> Finding:
    old = line_of(project.texts[name], line)
    new = re.sub(rf"(\.(?:py|[mc]?js|ts)[\"']?(?:\s*,\s*|\s+)[\"']?){mode}\b", r"\1start", old)
    said = f"the agent is started with `{mode}`: it restarts on file changes, takes every job, and does not drain"
    return Finding(said, "Start it with `start`", project.place(name, line), Severity.warn, (),
                   Fix(path=project.place(name), line=line, old=old, new=new))  # fmt: skip
