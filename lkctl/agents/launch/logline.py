"""A line of a worker's output: a record of livekit-agents' log, as JSON (`start`) or coloured (`dev`), or plain."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_COLOUR: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_DEV: Final = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ - (?P<level>[A-Z]+)\s+(?P<logger>\S+) - (?P<rest>.*)", re.DOTALL
)
_MOST_TRIES: Final = 8  # objects that may begin in a line: one of them is at its end, and lines may be hostile
_SDK: Final = "livekit"  # the loggers of the SDK; others are the script's own
# What livekit-agents adds to each record of a job: not said by the script, though it holds the room's name
_ADDED: Final = frozenset({"job_id", "room", "room_id", "agent_name", "pid", "tid", "timestamp", "level", "name"})


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line, without its colours; `logger` is "" for what is no record of a log."""

    text: str
    logger: str = ""
    level: str = ""
    message: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_sdks(self) -> bool:
        """Whether livekit-agents says it, and not the script."""
        return self.logger.partition(".")[0] == _SDK

    @property
    def shown(self) -> str:
        """The line for people: of a record what matters, of all else itself."""
        if not self.logger:
            return self.text
        why = str(self.fields.get("error") or "") or last_word(str(self.fields.get("exc_info") or ""))
        return f"{self.level} {self.logger} - {self.message}" + (f": {why}" if why else "")

    @property
    def said(self) -> str:
        """What the script itself says with it."""
        if not self.logger:
            return self.text
        told = [str(value) for name, value in self.fields.items() if name not in _ADDED]
        return "" if self.is_sdks else " ".join([self.message, *told])


def read_line(line: str) -> LogLine:
    """Read a line of any program; whatever it holds, this raises nothing."""
    text = _COLOUR.sub("", line)
    record = _object(text)
    if record is not None and isinstance(record.get("message"), str) and isinstance(record.get("level"), str):
        name = record.get("name")
        fields = {key: value for key, value in record.items() if key not in {"message", "level", "name"}}
        return LogLine(
            text, name if isinstance(name, str) and name else "?", record["level"], record["message"], fields
        )
    found = _DEV.match(text)
    if found is None:
        return LogLine(text)
    message, extra = _split(found["rest"])
    return LogLine(text, found["logger"], found["level"], message, extra)


def _split(rest: str) -> tuple[str, Mapping[str, Any]]:
    """Part a message from the JSON object that `dev` writes behind it."""
    at = -1
    for _ in range(_MOST_TRIES if rest.endswith("}") else 0):
        at = rest.find(' {"', at + 1)
        fields = _object(rest[at + 1 :]) if at >= 0 else None
        if fields is not None:
            return rest[:at], fields
    return rest.rstrip(), {}


def _object(text: str) -> dict[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def last_word(trace: str) -> str:
    """Give the line of a traceback that names the exception."""
    lines = [line for line in trace.splitlines() if line.strip() and not line.startswith(" ")]
    return lines[-1] if lines else ""
