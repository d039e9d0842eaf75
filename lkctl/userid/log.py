"""The lines an agent prints, byte for byte as the system's other parts and their users know them."""

from typing import Final

_METADATA: Final = "\u2705 Using user ID from metadata: "
_RANDOM: Final = "\u26a0\ufe0f No Chrome user ID detected, using random session"
_PREFIXES: Final = {
    "room.name": "\U0001f517 Using user ID from room name: ",
    "env": "\U0001f30d Using user ID from environment: ",
}


def log_lines(source: str | None, user_id: str | None) -> tuple[str, ...]:
    """Give the lines that the agent prints about a result; none if it is unresolved."""
    if source is None:
        return ()
    if source == "random":
        return (_RANDOM,)
    return (f"{_PREFIXES.get(source, _METADATA)}{user_id}",)
