"""The file that says what a deployment should be like (TOML): `lkctl diagnose --expect FILE`.

[server]
version = ">=1.9.10,<2"          # or "1.13": any 1.13.x
services = ["egress", "SIP"]     # of egress, ingress, SIP

[rooms.demo]                     # it is open, and
metadata = ["userId"]            # its metadata has these keys
participants = { min = 1, max = 10 }
agents = ["helper"]              # these are in it, and live
user_id = "user_1704067200000_abc123"
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lkctl.errors import LkctlError
from lkctl.files.content import decode, read_file

Path_ = tuple[str, ...]  # of keys
SERVICES = ("egress", "ingress", "SIP")
_VERSION = re.compile(r"(>=|<=|>|<|==|)\s*(\d+(?:\.\d+){0,3})")
_MOST_BYTES, _MOST_ROOMS = 1024 * 1024, 100
_KEYS = {
    "": ("server", "rooms"),
    "server": ("version", "services"),
    "rooms": ("metadata", "participants", "agents", "user_id"),
    "participants": ("min", "max"),
}


@dataclass(frozen=True, slots=True)
class Bound:
    """One bound on a version; "" is any version that begins so."""

    operator: str
    number: tuple[int, ...]

    def admits(self, version: tuple[int, ...]) -> bool:
        """Tell whether a version is inside; what the shorter one leaves out is 0."""
        if not self.operator:
            return version[: len(self.number)] == self.number
        size = max(len(version), len(self.number))
        found, wanted = (one + (0,) * (size - len(one)) for one in (version, self.number))
        outcomes = {">=": found >= wanted, "<=": found <= wanted, ">": found > wanted, "<": found < wanted}
        return outcomes.get(self.operator, found == wanted)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a room should be like; None: nothing is expected. `places`: the line of each key."""

    name: str
    metadata: tuple[str, ...] | None = None
    least: int | None = None
    most: int | None = None
    agents: tuple[str, ...] | None = None
    user_id: str | None = None
    places: Mapping[str, str] | None = None

    def place(self, key: str = "") -> str:
        """Say where it stands: `deployment.toml:7`."""
        return (self.places or {}).get(key, "")


@dataclass(frozen=True, slots=True)
class Expectations:
    """All that a file expects."""

    version: tuple[Bound, ...] | None
    said_version: str
    services: tuple[str, ...] | None
    rooms: tuple[Wanted, ...]
    places: Mapping[str, str]


def read_expectations(path: Path) -> Expectations:
    """Read the file; raise `input-malformed`, with the line, for what is no TOML or means nothing here."""
    import tomllib

    text = decode(read_file(path, most=_MOST_BYTES), str(path))
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise LkctlError("input-malformed", f"{path} is no TOML: {error}", hint=_HINT) from None
    return _Reader(path, key_lines(text)).read(document)


_HINT = "Its form: README.md, Expectations"


class _Reader:
    """Reads the document; knows where each key stands."""

    def __init__(self, path: Path, lines: Mapping[Path_, int]) -> None:
        self._path, self._lines = path, lines

    def read(self, document: Mapping[str, Any]) -> Expectations:
        self._insist_known((), document, "")
        server, rooms = (self._table((name,), document.get(name, {})) for name in ("server", "rooms"))
        self._insist_known(("server",), server, "server")
        if len(rooms) > _MOST_ROOMS:
            raise self._wrong(("rooms",), f"it names {len(rooms)} rooms, and {_MOST_ROOMS} are the most")
        wanted = tuple(self._room(name, table) for name, table in rooms.items())
        said = server.get("version")
        found = Expectations(
            None if said is None else self._bounds(said),
            said or "",
            self._names(("server", "services"), server, SERVICES),
            wanted,
            {key: self._place(("server", key)) for key in server},
        )
        if found.version is None and found.services is None and not wanted:
            raise LkctlError("input-malformed", f"{self._path} expects nothing", hint=_HINT)
        return found

    def _room(self, name: str, value: Any) -> Wanted:
        at = ("rooms", name)
        table = self._table(at, value)
        self._insist_known(at, table, "rooms")
        people = self._table((*at, "participants"), table.get("participants", {}))
        self._insist_known((*at, "participants"), people, "participants")
        least, most = (self._count((*at, "participants", key), people.get(key)) for key in ("min", "max"))
        if least is not None and most is not None and least > most:
            raise self._wrong((*at, "participants"), f"min is {least}, and max is {most}")
        user_id = table.get("user_id")
        if user_id is not None and (not isinstance(user_id, str) or not user_id):
            raise self._wrong((*at, "user_id"), "user_id is no text")
        places = {"": self._place(at), **{key: self._place((*at, key)) for key in table}}
        metadata, agents = (self._names((*at, key), table) for key in ("metadata", "agents"))
        return Wanted(name, metadata, least, most, agents, user_id, places)

    def _bounds(self, said: Any) -> tuple[Bound, ...]:
        matches = [_VERSION.fullmatch(part.strip()) for part in said.split(",")] if isinstance(said, str) else [None]
        if None in matches:
            raise self._wrong(("server", "version"), f'version is {said!r:.60}; write it like ">=1.9.10" or "1.13"')
        return tuple(
            Bound(match[1], tuple(int(part) for part in match[2].split("."))) for match in matches if match is not None
        )

    def _names(self, at: Path_, table: Mapping[str, Any], choices: tuple[str, ...] = ()) -> tuple[str, ...] | None:
        value = table.get(at[-1])
        if value is None:
            return None
        if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
            raise self._wrong(at, f'{at[-1]} is no list of names; write it like ["one", "two"]')
        for one in value if choices else ():
            if one not in choices:
                raise self._wrong(at, f"{one!r:.60} is none of {', '.join(choices)}")
        return tuple(value)

    def _count(self, at: Path_, value: Any) -> int | None:
        if value is not None and (type(value) is not int or value < 0):
            raise self._wrong(at, f"{at[-1]} is {value!r:.60}, which is no number of participants")
        return value

    def _table(self, at: Path_, value: Any) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self._wrong(at, f"{'.'.join(at)} is no table")
        return value

    def _insist_known(self, at: Path_, table: Mapping[str, Any], kind: str) -> None:
        for key in table:
            if key not in _KEYS[kind]:
                where = f"[{'.'.join(at)}]" if at else "the file"
                raise self._wrong((*at, key), f"{where} has the unknown key {key!r:.60}", _known(key, _KEYS[kind]))

    def _wrong(self, at: Path_, why: str, hint: str = _HINT) -> LkctlError:
        return LkctlError("input-malformed", f"{self._place(at)}: {why}", hint=hint)

    def _place(self, at: Path_) -> str:
        while at and at not in self._lines:
            at = at[:-1]
        return f"{self._path}:{self._lines[at]}" if at else str(self._path)


def _known(key: str, known: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(key, known, 1)
    return f"Is {near[0]} meant?" if near else f"Choose of: {', '.join(known)}"


def key_lines(text: str) -> Mapping[Path_, int]:
    """Tell on which line each key of a TOML text stands; tomllib does not. Keys of inline tables are on their line."""
    found: dict[Path_, int] = {}
    header: Path_ = ()
    for number, line in enumerate(text.splitlines(), 1):
        written = line.strip()
        if written.startswith("["):
            header = _keys(written.partition("#")[0] if '"' not in written else written) or header
            found.setdefault(header, number)
        elif "=" in written:
            key = _keys(f"{written.partition('=')[0]} = 0")
            found.setdefault((*header, *key), number)
    return found


def _keys(written: str) -> Path_:
    """Read the keys of one header or one assignment; () for what is none by itself."""
    import tomllib

    try:
        inner: Any = tomllib.loads(written)
    except (tomllib.TOMLDecodeError, RecursionError):
        return ()
    path: list[str] = []
    while isinstance(inner, dict) and inner:
        name = next(iter(inner))
        path.append(name)
        inner = inner[name]
    return tuple(path)
