"""What a worker's output tells of it: that it registered, got its job, has a result, or failed, and of what.

A worker of livekit-agents exits 0 however it fails, so its words are the evidence (measured on 1.8.9). They are judged
here, line by line; nothing is waited for or asked.
"""

import json
import re
from collections import deque
from typing import Any, Final, NamedTuple

from lkctl.agents.launch.logline import LogLine, last_word, read_line

RESULT: Final = "LKCTL_RESULT "  # of lkctl.agents.worker, which may run in another interpreter
_SHOWN: Final = 20  # last lines that are kept for people
_LONGEST_SHOWN: Final = 500  # characters of one
_LOGGED: Final = re.compile(
    "(?:\u2705|\U0001f517|\U0001f30d) Using user ID from .+|\u26a0\ufe0f No Chrome user ID detected.*"
)
_MOST_LOGGED: Final = 100
_REFUSED: Final = {401, 403}
_TOLERATED: Final = 2  # failed tries to reach a server that has just answered us; the second follows the first at once
_STATUS: Final = re.compile(r"\b(\d{3}), message=")
_LOST: Final = "failed to connect to livekit after"
_EXIT: Final = re.compile(r"exit code (-?\d+)")
_UNIMPORTABLE: Final = re.compile(r"No module named '(livekit(?:\.agents|\.rtc|\.api)?)'")
_ENDINGS: Final = ("job exiting", "process exiting")  # the thread and the process of a job
_NOISE: Final = (
    "dev mode is deprecated",
    "in-process auto-reload has been",
)  # of how we run a script, not of the script
_NO_DEV: Final = re.compile(r"No such command|invalid choice|unrecognized arguments", re.IGNORECASE)


class Symptom(NamedTuple):
    """Why a worker failed: a key of the catalogue of errors, and what it said; `status` if a process ended mutely."""

    code: str
    told: str
    cause: str = ""
    status: int | None = None

    def __str__(self) -> str:
        return f"{self.told}: {self.cause}" if self.cause else self.told


# What livekit-agents says of a failure; the first that a line begins with
_SAYINGS: Final = {
    "worker failed": ("agent-start-failed", "the worker failed"),
    "error initializing process": ("agent-start-failed", "the worker could not start a process for the job"),
    "unhandled exception while running the job task": ("agent-crashed", "the agent's entrypoint raised an exception"),
    "process exited with non-zero exit code": ("agent-crashed", "the process of the job ended by itself"),
    "The job task completed without establishing": (
        "agent-unconnected",
        "the agent's entrypoint ended without ctx.connect()",
    ),
    "job_request_fnc failed": ("agent-rejected", "the worker's request function raised an exception"),
    "no answer was given inside the job_request_fnc": (
        "agent-rejected",
        "the worker's request function gave no answer",
    ),
}


class WorkerLog:
    """What was heard of a worker so far. `registered` is the agent name that it registered with."""

    def __init__(self) -> None:
        self.registered: str | None = None
        self.version = ""  # of livekit-agents
        self.url = ""  # of the server with which it registered
        self.requested = False
        self.over = ""  # why the job ended, in the worker's words
        self.full = False
        self.begun = False  # livekit-agents spoke at all
        self.started = False
        self.result: dict[str, Any] | None = None
        self.logged: list[str] = []  # the lines by which agents of this system tell their user ID
        self._failure: Symptom | None = None
        self._failed_tries = 0
        self._tracing = False
        self._cause = ""
        self._refused_dev = False
        self._missing = ""
        self._last: deque[str] = deque(maxlen=_SHOWN)

    @property
    def failure(self) -> Symptom | None:
        """The first failure that was told, with its cause as far as it was heard."""
        failure = self._failure
        return None if failure is None else _refined(failure._replace(cause=failure.cause or self._cause))

    @property
    def last(self) -> tuple[str, ...]:
        """The last lines, for people."""
        return tuple(self._last)

    def hear(self, text: str) -> LogLine:
        """Take the next line in, which may hold anything, and give what was said with it; a result says nothing."""
        line = read_line(text)
        if line.text.startswith(RESULT):
            self._take_result(line.text.removeprefix(RESULT))
            return LogLine("")
        if line.text.strip() and not line.text.startswith(_NOISE) and line.level != "DEBUG":
            self._last.append(line.shown[:_LONGEST_SHOWN])
        if line.is_sdks:
            self._take_record(line)
        else:
            self._take_words(line)
        return line

    def end(self, status: int) -> Symptom:
        """Judge that the worker has ended, which it should not have."""
        if self.failure is not None:
            return self.failure
        if self._missing:
            return Symptom("extra-missing", f"the worker's interpreter has no {self._missing}")
        if "Could not find AgentServer" in self._cause:
            return Symptom("agent-script", "the script defines no agent server")
        how = f"was ended by signal {-status}" if status < 0 else f"ended by itself (exit status {status})"
        before = "" if self.registered is None else " after it had registered"
        code = "agent-start-failed" if self.registered is None else "agent-crashed"
        last = self._last[-1] if self._last and not self.begun else ""  # what is said in place of a traceback
        cause = (self._cause or last) if status else ""
        return Symptom(code, f"the worker {how}{before}", cause, None if cause else status)

    def knows_no_dev(self, status: int) -> bool:
        """Whether a script that has ended knows no command `dev`, or ran through without starting a worker."""
        return self._refused_dev or (status == 0 and not self.begun)

    def _take_record(self, line: LogLine) -> None:
        self.begun = True
        self._tracing = False
        if line.message.startswith("starting worker"):
            self._take_start(str(line.fields.get("version", "")))
        elif line.message.startswith("registered worker"):
            self.url = str(line.fields.get("url", ""))
            self.registered = str(line.fields.get("agent_name", ""))
        elif line.message.startswith("received job request"):
            self.requested = True
        elif line.message.startswith(_ENDINGS):
            self.over = str(line.fields.get("reason") or "for no reason that it tells")
        elif "at full capacity" in line.message:
            self.full = True
        elif line.message.startswith("failed to connect to livekit, retrying") and self.registered is None:
            self._take_failed_try(str(line.fields.get("error", "")))
        else:
            self._take_saying(line)

    def _take_start(self, version: str) -> None:
        """Take note of a worker's start. A job's process imports the script, and may start a second worker by that."""
        if self.started:
            told = 'the script starts a worker in the process of its job, too: it lacks `if __name__ == "__main__":`'
            self._fail(Symptom("agent-script", told))
        self.started, self.version = True, version

    def _take_failed_try(self, error: str) -> None:
        self._failed_tries += 1
        found = _STATUS.search(error)
        status = int(found[1]) if found else 0
        if status in _REFUSED:
            self._fail(Symptom("agent-credentials", f"the server refused the worker's credentials ({status})"))
        elif status:
            self._fail(Symptom("agent-unreachable", f"the worker's URL leads to no LiveKit server (HTTP {status})"))
        elif self._failed_tries >= _TOLERATED:
            self._fail(Symptom("agent-unreachable", "the worker cannot reach the server", error))

    def _take_saying(self, line: LogLine) -> None:
        found = next((one for start, one in _SAYINGS.items() if line.message.startswith(start)), None)
        if found is None:
            return
        code, told = found
        if self.registered is not None and code == "agent-start-failed":
            code = "agent-crashed"  # it had started
        trace = str(line.fields.get("exc_info") or "")
        status = _EXIT.search(line.message)
        if status:
            self._fail(Symptom(code, told, status[0], None if self._cause else int(status[1])))
        else:
            self._fail(Symptom(code, told, last_word(trace)[:_LONGEST_SHOWN]))
        self._tracing = not trace

    def _take_words(self, line: LogLine) -> None:
        self._take_claim(line.message if line.logger else line.text)
        if line.logger:
            return
        missing = _UNIMPORTABLE.search(line.text)
        self._missing = self._missing or (missing[1] if missing else "")
        self._refused_dev |= not self.begun and bool(_NO_DEV.search(line.text))
        # The last line of a traceback: `Traceback` and its frames come before it
        if line.text.startswith("Traceback "):
            self._tracing |= self._failure is None
        elif (
            self._tracing
            and line.text.strip()
            and not line.text.startswith((" ", "Traceback ", "During ", "The above"))
        ):
            self._cause = line.text[:_LONGEST_SHOWN]

    def _take_claim(self, text: str) -> None:
        if _LOGGED.fullmatch(text) and len(self.logged) < _MOST_LOGGED:
            self.logged.append(text[:_LONGEST_SHOWN])

    def _take_result(self, text: str) -> None:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return
        if isinstance(found, dict) and {"user_id", "source", "log"} <= found.keys():
            self.result = self.result or found

    def _fail(self, symptom: Symptom) -> None:
        self._failure = self._failure or symptom


def _refined(failure: Symptom) -> Symptom:
    """Tell the causes of a worker's end apart that have a next step of their own."""
    if _LOST in failure.cause:
        return failure._replace(code="agent-unreachable")
    if failure.code == "agent-start-failed" and re.search(r"Errno (?:98|48)\b|address already in use", failure.cause):
        return failure._replace(code="agent-port-taken", told="the worker's health port is taken")
    return failure
