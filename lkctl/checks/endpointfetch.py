"""Fetching a token from the user's app in the ways that LiveKit's clients do, and reading what comes back.

`TokenSource.endpoint` of the client SDKs posts JSON (livekit.TokenSourceRequest) and reads server_url and
participant_token, in snake or camel case; older apps are asked with GET, or with JSON of other names. Whatever comes
back is foreign: it is cut, and shown only where it holds no secret.
"""

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from lkctl.checks.world import World
from lkctl.secret import remember, scrub
from lkctl.server.browser import Fetched, Place, fetch, parse_place
from lkctl.server.deadline import Deadline
from lkctl.tokens.rules.secrets import secrets_in

_PATIENCE = 8.0  # seconds for all ways together
_TOKEN_NAMES = {"token", "accesstoken", "participanttoken", "livekittoken", "jointoken", "roomtoken", "jwt"}
_URL_NAMES = {"serverurl", "url", "livekiturl", "livekitserverurl", "livekithost", "wsurl", "websocketurl", "host"}
_ROOMS = ("room", "roomName", "room_name")
_NAMES = (
    *("identity", "username", "user", "name", "participantName", "participant_name"),
    *("participantIdentity", "participant_identity"),
)
_DEEPEST, _MOST_SHOWN = 3, 160
_SAYING = ("error", "message", "detail", "msg", "reason")


class Way(NamedTuple):
    """One way to ask: `name` says it in words; `varies`: the identity that is asked for is in it."""

    name: str
    method: str
    place: Place
    body: bytes | None = None
    varies: bool = True


class Reply(NamedTuple):
    """What an app gave: the token, whatever it is, and the server's URL; "" without. The names are those it used."""

    token: str
    token_name: str
    server_url: str = ""
    url_name: str = ""


class Attempt(NamedTuple):
    """One fetch; `reply` is None where nothing like a token came back. `identity` is the one that was asked for."""

    way: Way
    fetched: Fetched
    reply: Reply | None
    identity: str

    def __repr__(self) -> str:
        return f"<Attempt {self.way.name}>"


class Visit(NamedTuple):
    """All that was tried, in order; the last one gave a token, if any did."""

    place: Place
    room: str
    attempts: tuple[Attempt, ...]

    @property
    def good(self) -> Attempt | None:
        """The attempt that gave a token."""
        return next((one for one in self.attempts if one.reply is not None), None)


def visit(world: World) -> Visit:
    """Fetch a token, once in a run; raise `url-invalid`, and what `fetch` raises."""
    return world.memory.once("endpoint", lambda: _visit(world))


def fetch_again(world: World, way: str) -> Attempt:
    """Fetch another one in the same way, for another identity."""
    place = parse_place(world.scope.token_endpoint)
    identity = _identity()
    wanted = next(one for one in _ways(world, place, visit(world).room, identity) if one.name == way)
    return _try(wanted, identity, Deadline(min(world.patience, _PATIENCE)))


def headers_for(way: Way, origin: str) -> dict[str, str]:
    """Give the headers that a page of this origin sends along."""
    headers = {"Accept": "application/json", "Origin": origin}
    return headers if way.body is None else {**headers, "Content-Type": "application/json"}


def read_reply(content: str) -> Reply | None:
    """Find token and server URL in a body: JSON of any of the usual shapes, or the bare token."""
    bare = content.strip().strip('"')
    if re.fullmatch(r"eyJ[\w-]+\.[\w-]+\.[\w-]*", bare):
        return Reply(bare, "the body itself")
    body = _json(content)
    tokens = sorted(_held(body, _TOKEN_NAMES, _DEEPEST), key=lambda held: not held[1].startswith("eyJ"))
    if not tokens:
        return None
    name, token = tokens[0]
    url_name, url = next(_held(body, _URL_NAMES, _DEEPEST), ("", ""))
    return Reply(token, name, url, url_name)


def odd_token(content: str) -> str:
    """Say what stands in the place of a token, where it is no text; "" where there is no such place."""
    for name, value in _fields(_json(content), _DEEPEST):
        if _folded(name) in _TOKEN_NAMES and not (isinstance(value, str) and value):
            return f"{name} is {'an empty object' if value == {} else 'null' if value is None else 'no text'}"
    return ""


def say_body(content: str) -> str:
    """Give the app's own words, cut and on one line; "" for none, or where they may hold a secret."""
    body = _json(content)
    words = next((body[key] for key in _SAYING if isinstance(body.get(key), str)), "") if isinstance(body, dict) else ""
    said = scrub(" ".join((words or content).split()))[:_MOST_SHOWN]
    return "" if any(secrets_in(said)) else said


def names_in(content: str) -> list[str]:
    """Name the fields of a JSON object."""
    body = _json(content)
    return [scrub(key)[:40] for key in list(body)[:8]] if isinstance(body, dict) else []


def _visit(world: World) -> Visit:
    place, identity = parse_place(world.scope.token_endpoint), _identity()
    room, deadline = world.scope.room or f"lkctl-{secrets.token_hex(4)}", Deadline(min(world.patience, _PATIENCE))
    attempts: list[Attempt] = []
    for way in _ways(world, place, room, identity):
        attempts.append(_try(way, identity, deadline))
        if attempts[-1].reply is not None:
            break
    return Visit(place, room, tuple(attempts))


def _try(way: Way, identity: str, deadline: Deadline) -> Attempt:
    headers = headers_for(way, way.place.origin)
    fetched = fetch(way.place, deadline, method=way.method, headers=headers, body=way.body)
    answer = fetched.answer
    fine = answer.status // 100 == 2 and not answer.is_html  # noqa: PLR2004
    reply = read_reply(answer.text) if fine else None
    if reply is not None:
        remember(reply.token)
    return Attempt(way, fetched, reply, identity)


def _ways(world: World, place: Place, room: str, identity: str) -> Iterator[Way]:
    asked: dict[str, Any] = {"room_name": room, "participant_identity": identity, "participant_name": identity}
    if world.scope.agent:
        asked["room_config"] = {"agents": [{"agent_name": world.scope.agent}]}
    older = {**dict.fromkeys(_ROOMS, room), **dict.fromkeys(_NAMES, identity)}
    if place.has_query:
        yield Way("GET as it is written", "GET", place, varies=False)
    yield Way("POST as TokenSource.endpoint does", "POST", place, _body(asked))
    yield Way("GET with ?room= and ?identity= and the like", "GET", place.with_query(urlencode(older)))
    yield Way("POST with room, identity and the like", "POST", place, _body(older))


def _body(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields).encode()


def _identity() -> str:
    return f"lkctl-{secrets.token_hex(4)}"


def _held(body: Any, names: set[str], depth: int) -> Iterator[tuple[str, str]]:
    for name, value in _fields(body, depth):
        if _folded(name) in names and isinstance(value, str) and value.strip():
            yield name, value.strip()


def _fields(body: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """Give the fields of an object, those of the outermost first."""
    if not isinstance(body, dict) or not depth:
        return
    yield from body.items()
    for value in body.values():
        yield from _fields(value, depth - 1)


def _folded(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _json(content: str) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
