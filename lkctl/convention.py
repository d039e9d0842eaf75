"""The conventions by which a user ID travels: how it looks, the room named after it, the key in metadata."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from lkctl.errors import LkctlError

ROOM_PREFIX = "mcp-chrome-user-"
METADATA_KEY = "userId"
NEW = "new"
LONGEST_NAME = 256  # bytes, of a room's name and of an identity (livekit-server, limit.max_room_name_length)
LONGEST_METADATA = 524_288  # bytes (limit.max_metadata_size)
USER_ID_FORM = r"user_[0-9]{10,}_[A-Za-z0-9]+"
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


def make_user_id(now_ms: int, below: Callable[[int], int]) -> str:
    """Make `user_{ms}_{12 of a-z0-9}`; `below(n)` gives an int below n, such as `secrets.randbelow`."""
    tail = "".join(_ALPHABET[below(len(_ALPHABET))] for _ in range(12))
    return f"user_{now_ms:013d}_{tail}"


def is_conventional(user_id: str) -> bool:
    """Whether an ID is of the form `user_{timestamp}_{random}`."""
    return re.fullmatch(USER_ID_FORM, user_id) is not None


def room_of(user_id: str) -> str:
    """Name the room that belongs to a user."""
    return ROOM_PREFIX + user_id


def with_user_id(metadata: Mapping[str, Any] | None, user_id: str) -> dict[str, Any]:
    """Add a user ID to metadata; raise `usage` when there is another one already."""
    merged = {**(metadata or {}), METADATA_KEY: user_id}
    if metadata and metadata.get(METADATA_KEY, user_id) != user_id:
        raise LkctlError(
            "usage",
            f"--metadata holds another {METADATA_KEY} than --user-id {user_id}",
            hint="Give the user ID in one place only",
        )
    return merged


def metadata_text(metadata: Mapping[str, Any]) -> str:
    """Write metadata as the compact JSON text that goes into rooms and tokens."""
    return json.dumps(metadata, ensure_ascii=False, separators=(",", ":"))


def check_name(name: str, what: str) -> str:
    """Let a room's name or an identity pass; raise `usage` for what no server takes."""
    if not name.strip():
        raise LkctlError("usage", f"the {what} is blank", hint="Give it a name")
    size = len(name.encode("utf-8", "surrogatepass"))
    if size > LONGEST_NAME:
        raise LkctlError("usage", f"the {what} has {size} bytes; the server takes {LONGEST_NAME}", hint="Shorten it")
    return name


def check_metadata(text: str, what: str) -> str:
    """Let metadata pass that a server takes; raise `input-too-large`."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > LONGEST_METADATA:
        raise LkctlError(
            "input-too-large", f"the {what} has {size} bytes; the server takes {LONGEST_METADATA}", hint="Shorten it"
        )
    return text
