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


def usable_user_id(text: str) -> str:
    """Give an ID that the resolver would take, trimmed; raise `usage` (the rules: lkctl/userid/values.py)."""
    user_id = text.strip()
    size = len(user_id.encode("utf-8", "surrogatepass"))
    problem = (
        "is blank" if not user_id
        else "holds control characters" if not user_id.isprintable()
        else f"has {size} bytes, over the limit of {LONGEST_NAME}" if size > LONGEST_NAME
        else ""
    )  # fmt: skip
    if problem:
        hint = "Write it with letters, digits and underscores, as in user_1704067200000_abc123, or say: new"
        raise LkctlError("usage", f"the user ID {problem}: no agent would take it", hint=hint)
    return user_id


def room_of(user_id: str) -> str:
    """Name the room that belongs to a user."""
    return ROOM_PREFIX + user_id


def with_user_id(metadata: Mapping[str, Any] | None, user_id: str) -> dict[str, Any]:
    """Add a user ID to metadata; raise `usage` when there is another one already."""
    merged = {**(metadata or {}), METADATA_KEY: user_id}
    if metadata and metadata.get(METADATA_KEY, user_id) != user_id:
        raise LkctlError(
            "usage",
            f"the metadata holds another {METADATA_KEY} than {user_id}",
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
    size = size_of(name, what)
    if size > LONGEST_NAME:
        raise LkctlError("usage", f"the {what} has {size} bytes; the server takes {LONGEST_NAME}", hint="Shorten it")
    return name


def check_metadata(text: str, what: str) -> str:
    """Let metadata pass that a server takes; raise `input-too-large`."""
    size = size_of(text, what)
    if size > LONGEST_METADATA:
        raise LkctlError(
            "input-too-large", f"the {what} has {size} bytes; the server takes {LONGEST_METADATA}", hint="Shorten it"
        )
    return text


def size_of(text: str, what: str) -> int:
    """Count the bytes that are sent; raise `input-encoding` for halves of characters, which no JSON reader takes."""
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise LkctlError(
            "input-encoding", f"the {what} is not valid Unicode", hint="Look for broken bytes in it"
        ) from None
