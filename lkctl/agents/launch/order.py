"""What is to be launched, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lkctl.agents.launch.dismissal import Step
from lkctl.agents.trace.canary import Canaries
from lkctl.errors import LkctlError
from lkctl.userid import Policy, Resolution
from lkctl.userid.readiness import Patience

if TYPE_CHECKING:
    from lkctl.agents.trace.reading import Flaw
    from lkctl.agents.trace.tracing import Read

WINDOW = 3.0  # seconds in which a script is watched, from the first user on
_AROUND = 12.0  # seconds that start, joining and result may take; measured: 5


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be launched; without `script` it is the bundled agent.

    `env` are the variables that the agent was given; `rules` are the keyword arguments that made `policy`. `patience`
    None: as fits the room. `window`: seconds in which a script is watched.
    """

    room: str
    seconds: float
    script: Path | None = None
    python: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    rules: Mapping[str, Any] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    wait: Patience | None = None
    metadata: str = ""
    create: bool = False
    window: float = WINDOW
    trace: bool = True
    canaries: Canaries | None = None


def longest_wait(seconds: float) -> float:
    """Give how long an agent can wait for its user in a launch that may take so many seconds."""
    return max(seconds / 2, seconds - _AROUND)


@dataclass(frozen=True, slots=True)
class Found:
    """What became of one canary: read in the script's own code (None: nobody looked), and where it came out again.

    `part`: what came out of it where it never came out whole, else "".
    """

    source: str
    value: str
    read: bool | None
    came_out: tuple[str, ...]
    part: str = ""


@dataclass(slots=True)
class Launched:
    """What a launch has seen until now. `result` is the resolution that the bundled agent told, as JSON has it.

    `prediction` is what the API would have told at that time. Times are seconds since the launch began.
    """

    room: str
    agent_name: str
    script: Path | None = None
    room_created: bool = False
    identity: str | None = None
    result: dict[str, Any] | None = None
    prediction: Resolution | None = None
    published: bool | None = None  # the result shows in the agent's attributes
    user_came: bool | None = None
    waited_s: float | None = None  # how long it may wait for its user
    expired: bool = False  # the bundled agent has waited so long, in vain
    log: tuple[str, ...] = ()
    reads: "tuple[Read, ...]" = ()
    trace_unavailable: str = ""
    flaws: "tuple[Flaw, ...]" = ()
    canaries: tuple[Found, ...] = ()
    timing: dict[str, float | None] = field(
        default_factory=lambda: dict.fromkeys(("registered_s", "joined_s", "result_s", "total_s"))
    )
    worker: dict[str, Any] = field(default_factory=dict)
    cleanup: tuple[Step, ...] = ()
    left: tuple[Step, ...] = ()
    failure: LkctlError | None = None

    @property
    def used(self) -> Found | None:
        """The canary that came out whole, where nothing came out of any other."""
        out = [one for one in self.canaries if one.came_out]
        return out[0] if len(out) == 1 and not out[0].part else None

    @property
    def user_id(self) -> str | None:
        """The user ID that the agent used, as far as that is known."""
        if self.result is not None:
            return None if self.result["user_id"] is None else str(self.result["user_id"])
        return self.used.value if self.used else None

    @property
    def source(self) -> str | None:
        """Where it came from."""
        if self.result is not None:
            return None if self.result["source"] is None else str(self.result["source"])
        return self.used.source if self.used else None

    @property
    def agrees(self) -> bool | None:
        """Whether the API's prediction is what the agent told; a random ID is another one each time."""
        if self.prediction is None or self.result is None:
            return None
        same_id = self.source == "random" or self.prediction.user_id == self.user_id
        return self.prediction.source == self.source and same_id
