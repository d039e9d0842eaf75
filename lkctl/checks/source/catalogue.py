"""The checks of `--source DIR`. All are advice: none turns a run red, but each can name the cause of what does.

What judges is loaded when it is first asked: most runs judge no source.
"""

from collections.abc import Callable

from lkctl.checks.result import Check, Severity
from lkctl.checks.world import World

_TIMEOUT = 20.0  # seconds; the first check to run reads the project for all


def _project(world: World) -> str:
    """Say what was found: packages, agents, compose files, configurations; and what could not be read."""
    from lkctl.checks.source.kinds import judge_project

    return judge_project(world)


def _env_files(world: World) -> str:
    """Judge the project's env files as env.* judges those of this folder: spelling, names, agreement, exposure."""
    from lkctl.checks.source.envfiles import judge_env_files

    return judge_env_files(world)


def _versions(world: World) -> str:
    """Look for versions that are known not to work together; nothing is installed or looked up."""
    from lkctl.checks.source.dependencies import judge_versions

    return judge_versions(world)


def _server_config(world: World) -> str:
    """Read livekit.yaml as livekit-server's own parser would: types, unknown and repeated keys, tabs, blanks.

    A pass says that the file loads, not that what it says can work (source.server-settings).
    """
    from lkctl.checks.source.servers import judge_loading

    return judge_loading(world)


def _server_settings(world: World) -> str:
    """Find what loads and cannot work: sample values, short secrets, ports that clash, TURN without certificate, …"""
    from lkctl.checks.source.servers import judge_meaning

    return judge_meaning(world)


def _compose(world: World) -> str:
    """Compare compose files with livekit.yaml: ports, network, command, addresses, the name of Redis.

    A pass does not prove that a firewall lets the ports through.
    """
    from lkctl.checks.source.servers import judge_compose

    return judge_compose(world)


def _agent(world: World) -> str:
    """Read agents written in Python, without importing them: entrypoints, dispatch, metadata, order of participants.

    A pass does not prove that the agent runs; for that, see --agent NAME --probe.
    """
    from lkctl.checks.source.agentcode import judge_agent

    return judge_agent(world)


def _agent_needs(world: World) -> str:
    """Look at what an agent in Python needs beside its code: model files in its image, variables, keys of providers."""
    from lkctl.checks.source.agentimage import judge_surroundings

    return judge_surroundings(world)


def _agent_mode(world: World) -> str:
    """Find out how the agent is started where it is deployed: `start`; `dev` and `console` are for the desk."""
    from lkctl.checks.source.agentimage import judge_production

    return judge_production(world)


def _configured(world: World) -> str:
    """Compare the LIVEKIT_ variables that code reads with those that env files and examples set."""
    from lkctl.checks.source.tokencode import judge_configuration

    return judge_configuration(world)


def _token_endpoint(world: World) -> str:
    """Find the code that mints tokens, and mistakes in it: a promise for a token, grants that count for nothing.

    A pass does not prove that the route answers; for that, see --token-endpoint URL.
    """
    from lkctl.checks.source.tokencode import judge_token_endpoint

    return judge_token_endpoint(world)


def _states(world: World) -> str:
    """Is there code for the states of the connection: connecting, connected, disconnected?"""
    from lkctl.checks.source.clientcode import judge_states

    return judge_states(world)


def _autoplay(world: World) -> str:
    """Is there a way to start audio by a click? Browsers hold it back until the user has done something."""
    from lkctl.checks.source.clientcode import judge_autoplay

    return judge_autoplay(world)


def _errors(world: World) -> str:
    """Are errors caught and shown: of connecting, and of camera and microphone?"""
    from lkctl.checks.source.clientcode import judge_errors

    return judge_errors(world)


def _reconnection(world: World) -> str:
    """Is the user told while the SDK reconnects by itself?"""
    from lkctl.checks.source.clientcode import judge_reconnection

    return judge_reconnection(world)


def _cleanup(world: World) -> str:
    """Is the room left when the page or component goes? One who is not gone stays for 20 s or so, and is heard."""
    from lkctl.checks.source.clientcode import judge_cleanup

    return judge_cleanup(world)


def _check(name: str, title: str, probe: Callable[[World], str], severity: Severity = Severity.warn) -> Check[World]:
    return Check(f"source.{name}", title, probe, severity=severity, timeout=_TIMEOUT, scope="source")


SOURCE_CHECKS: tuple[Check[World], ...] = (
    _check("project", "Project can be read", _project, Severity.info),
    _check("env-files", "Env files of the project are in order", _env_files),
    _check("versions", "Versions fit each other", _versions),
    _check("server-config", "livekit-server would load its configuration", _server_config),
    _check("server-settings", "Settings of livekit-server can work", _server_settings),
    _check("compose", "Compose file and livekit-server agree", _compose),
    _check("agent", "Agent code does what livekit-agents wants", _agent),
    _check("agent-needs", "Agent has what it needs around it", _agent_needs),
    _check("agent-mode", "Agent is started for production", _agent_mode),
    _check("configured", "Code finds its LIVEKIT_ variables", _configured),
    _check("token-endpoint", "Tokens are minted on the server", _token_endpoint),
    _check("states", "Connection states are handled", _states),
    _check("autoplay", "Autoplay is handled", _autoplay),
    _check("errors", "Errors are shown", _errors),
    _check("reconnection", "Reconnection is shown", _reconnection),
    _check("cleanup", "Room is left at the end", _cleanup),
)
