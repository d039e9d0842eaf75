"""The integration checklist for code that joins rooms: is each thing handled that will happen to its users?

Source: LiveKit's guides for its JavaScript SDK and React components. Text is searched with comments blanked out; a name
in a text or in dead code counts as handled.
"""

import re

from lkctl.checks.result import Finding, NotApplicable, Severity
from lkctl.checks.source.project import Project, line_at, project_of
from lkctl.checks.verdict import settle
from lkctl.checks.world import World

_IMPORT = re.compile(r"""^[ \t]*import\b[^;'"]{0,2000}["'][^"'\n]{0,200}["']""", re.MULTILINE)
_CLIENT = re.compile(r"""["'](?:livekit-client|@livekit/components-react|@livekit/components-js|@livekit/components-core
    |@livekit/react-native|livekit-client\.umd[^"']*)["']|\bLivekitClient\b|\bLiveKitRoom\b""", re.VERBOSE)  # fmt: skip
_SERVED = re.compile(r"(?:^|/)(?:api|server|functions)/|(?:^|/)(?:route|server|middleware)\.\w+$")
_JOINS = re.compile(r"<LiveKitRoom\b|\.connect\(|<SessionProvider\b|\buseSession\(|\bnew\s+(?:LivekitClient\.)?Room\(")
_PREFABS = r"<VideoConference\b|<AudioConference\b"
_STATES = re.compile(
    r"ConnectionState\b|useConnectionState|ConnectionStateChanged|ConnectionStateToast|RoomEvent\.(?:Disconnected|Connected)"
    rf"|onDisconnected|onConnected|\bisConnected\b|[\"']disconnected[\"']|{_PREFABS}"
)
_AUTOPLAY = re.compile(
    r"startAudio\b|canPlaybackAudio|AudioPlaybackStatusChanged|<StartAudio\b|useStartAudio|useAudioPlayback|StartMediaButton"
    rf"|<ControlBar\b|<VoiceAssistantControlBar\b|<AgentControlBar\b|{_PREFABS}"
)
_ERRORS = re.compile(
    r"\bonError\b|onMediaDeviceFailure|MediaDevicesError|TrackSubscriptionFailed|ConnectionError\b|catch\s*\(|\.catch\(|catch\s*\{"
)
_RECONNECTS = re.compile(
    r"Reconnect(?:ing|ed)\b|[\"'](?:signalR|r)econnect(?:ing|ed)[\"']|ConnectionStateToast|useConnectionState|onReconnect"
    rf"|{_PREFABS}"
)
_LEAVES = re.compile(
    rf"\.disconnect\(|<LiveKitRoom\b|<SessionProvider\b|\.end\(\)|<DisconnectButton\b|<\w*ControlBar\b|{_PREFABS}"
)
_HEARS = re.compile(
    r"RoomAudioRenderer|AudioTrack\b|Kind\.Audio|\.attach\(|<LiveKitRoom\b|useSession\(|TrackSubscribed"
)


def judge_states(world: World) -> str:
    """Is there code for the states of the connection: connecting, connected, disconnected?"""
    return _handled(world, _STATES, "nothing looks at the state of the connection: users do not see that it is lost",
                    "Listen to RoomEvent.ConnectionStateChanged, or use useConnectionState()")  # fmt: skip


def judge_autoplay(world: World) -> str:
    """Is there a way to start audio by a click? Browsers hold it back until the user has done something."""
    if not any(_HEARS.search(text) for _, text, _ in clients_of(project_of(world))):
        raise NotApplicable("no code here plays audio")
    return _handled(world, _AUTOPLAY, "nothing handles autoplay: where the browser holds audio back, nothing is heard",
                    "Use <StartAudio/>, or room.startAudio() in a click while !room.canPlaybackAudio")  # fmt: skip


def judge_errors(world: World) -> str:
    """Are errors caught and shown: of connecting, and of camera and microphone?"""
    return _handled(world, _ERRORS, "no error of connecting or of the devices is caught: the user sees nothing",
                    "Catch what room.connect() throws, and handle onError and onMediaDeviceFailure")  # fmt: skip


def judge_reconnection(world: World) -> str:
    """Is the user told while the SDK reconnects by itself?"""
    return _handled(world, _RECONNECTS, "nothing tells the user that the connection is being restored",
                    "Listen to RoomEvent.Reconnecting and Reconnected, or show <ConnectionStateToast/>")  # fmt: skip


def judge_cleanup(world: World) -> str:
    """Is the room left when the page or component goes? One who is not gone stays for 20 s or so, and is heard."""
    return _handled(world, _LEAVES, "nothing leaves the room: after navigation the user is still in it",
                    "Call room.disconnect() where the component unmounts")  # fmt: skip


def clients_of(project: Project) -> list[tuple[str, str, int]]:
    """Give name, text and line of code that joins rooms in a browser or app."""
    found = []
    whole = any(_CLIENT.search(text) for text in project.scripts.values())
    for name, text in project.scripts.items():
        joins = _JOINS.search(text)
        if whole and joins is not None and _CLIENT.search(text):
            found.append((name, text, line_at(text, joins.start())))
    return found


def is_served(name: str) -> bool:
    """Whether a file is that of a server by its place: a route, or below `api` or `server`."""
    return _SERVED.search(name) is not None


def _handled(world: World, wanted: re.Pattern[str], said: str, hint: str) -> str:
    """Look for any sign that something is handled, in all code of the client."""
    project = project_of(world)
    clients = clients_of(project)
    if not clients:
        raise NotApplicable("no code here joins rooms")
    for name, text in project.scripts.items():
        found = None if is_served(name) else wanted.search(_IMPORT.sub(_blank, text))
        if found is not None:
            return f"{project.place(name, line_at(text, found.start()))}: {found.group().strip('<.(')}"
    name, _, line = clients[0]
    return settle([Finding(said, hint, project.place(name, line), Severity.warn)], "")


def _blank(found: "re.Match[str]") -> str:
    """What is imported is not yet used; everything behind it stays where it is."""
    return re.sub(r"[^\n]", " ", found.group())
