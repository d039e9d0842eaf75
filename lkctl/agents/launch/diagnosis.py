"""The errors of a launch: the cause, the worker's last words as evidence, and the next step."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from lkctl.agents.launch.symptoms import Symptom
from lkctl.errors import LkctlError

_HINTS: Final = {  # where it is a script of the user's
    "agent-credentials": "lkctl's own were accepted: does the script load others, from an env file or in its code?",
    "agent-unreachable": "lkctl itself reached it just before: does the script use another URL? Run: lkctl diagnose",
    "agent-start-failed": "Run the script by itself to see all of its output: python SCRIPT dev",
    "agent-script": (
        'It wants a global `server = AgentServer()`, and at its end: `if __name__ == "__main__": cli.run_app(server)`'
    ),
    "agent-port-taken": "Leave --no-trace out, which gives it a free port, or let it use port=0",
    "agent-elsewhere": "The script loads another URL, from an env file or in its code; lkctl gives it LIVEKIT_URL",
    "agent-name": "LIVEKIT_AGENT_NAME_OVERRIDE needs livekit-agents 1.8 or later in the worker's interpreter",
    "agent-rejected": "It must call `await request.accept()`",
    "agent-crashed": "The traceback names the line",
    "agent-unconnected": "Call `await ctx.connect()`, or start an AgentSession",
    "agent-unregistered": "More time: --timeout 60s; a worker needs some seconds, and with many plugins more",
    "agent-left": "Does its code call ctx.shutdown(), or did somebody remove it from the room?",
    "agent-absent": "Does its request function reject the job? More time: --timeout 60s",
    "agent-silent": "More time: --timeout 60s; or wait for nobody: --wait none",
    "extra-missing": "Run: pip install 'lkctl[agents]'; or name the interpreter that has it: --python PATH",
}


def bundled_hints(python: str) -> Mapping[str, str]:
    """Give the next steps that are other ones where no script of the user's is run, by the interpreter `python`."""
    has_it = f"Is {python} a Python >= 3.11 with livekit-agents >= 1.8? Name another one: --python PATH"
    return {
        "agent-credentials": "lkctl's own were accepted just before. Run: lkctl diagnose",
        "agent-unreachable": "lkctl itself reached it just before. Run: lkctl diagnose",
        "agent-start-failed": has_it,
        "agent-elsewhere": f"Does {python} set LIVEKIT_URL itself?",
        "agent-left": "Did somebody remove it from the room?",
        "agent-absent": "More time: --timeout 60s",
    }


def failure_of(
    symptom: Symptom, last: Sequence[str] = (), hints: Mapping[str, str] = MappingProxyType({})
) -> LkctlError:
    """Make the error for a symptom, with the worker's last lines; `hints` come before the usual ones."""
    said = "\n".join(["; its last words:", *(f"  {line}" for line in last)]) if last else ""
    return LkctlError(symptom.code, f"{symptom}{said}", hint=hints.get(symptom.code) or _hint(symptom))


def _hint(symptom: Symptom) -> str:
    status = symptom.status
    if symptom.code != "agent-crashed" or status is None:
        return _HINTS[symptom.code]
    if status < 0:
        return f"A process was ended by signal {-status}: from outside, or by a crash in native code?"
    return f"A process ended with status {status}: os._exit, or a crash in native code?"
