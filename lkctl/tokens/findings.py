"""What a rule finds, what it looks at, and what a rule is.

Named tuples, here and in what else a mint loads: a frozen dataclass takes eight times as long to define (0.5 ms each).
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from lkctl.settings.shape import Pair
from lkctl.tokens.document import Problem
from lkctl.tokens.reading import Reading

if TYPE_CHECKING:  # a mint requires no keys
    from lkctl.userid.paths import KeyPath


class Severity(StrEnum):
    """How bad a finding is, worst first. Only an error makes a token invalid."""

    error = "error"
    security = "security"
    warning = "warning"
    info = "info"

    @property
    def rank(self) -> int:
        """Its place in the order; the worst has 0."""
        return _RANKS[self]

    def at_least(self, other: "Severity") -> bool:
        """Whether it is as bad as another, or worse."""
        return self.rank <= other.rank


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Signature(StrEnum):
    """Whether a signature could be checked, and fits."""

    verified = "verified"
    unverified = "unverified"
    bad = "bad"


class Finding(NamedTuple):
    """One thing found: the rule's id, how bad, what, and the next step."""

    id: str
    severity: Severity
    message: str
    hint: str

    def json(self) -> dict[str, str]:
        """Give it as `-o json` shows it."""
        return {"id": self.id, "severity": self.severity.value, "message": self.message, "hint": self.hint}


class Facts(NamedTuple):
    """What is known beside the token itself; empty, or None, where nothing is.

    `host` is that of the configured URL. `strict_key`: another API key than the configured one is an error.
    `required_keys`, as lkctl.userid.paths.parse_path gives them, must be in the metadata. `agent` is the one whose
    dispatch is expected, `room` the room that the token is to be used for, `room_live` whether that room is open.
    `changes_itself` tells where the project's code changes its own metadata or attributes, as `src/app.ts:12`.
    """

    host: str = ""
    strict_key: bool = False
    required_keys: tuple["KeyPath", ...] = ()
    agent: str = ""
    room: str = ""
    room_live: bool | None = None
    changes_itself: str = ""


NO_FACTS = Facts()


class Subject(NamedTuple):
    """A token as the rules see it.

    `pair` is the configured key and secret; `meant` names the other pair that a bad signature fits, `remedy` the way to
    it. `now` is in seconds; `size` in bytes.
    """

    header: Mapping[str, Any]
    reading: Reading
    now: float
    size: int
    signature: Signature = Signature.unverified
    meant: str = ""
    pair: Pair | None = None
    problems: tuple[Problem, ...] = ()
    facts: Facts = NO_FACTS
    remedy: str = ""

    @property
    def joins(self) -> bool:
        """Whether it allows joining a room."""
        return bool(self.reading.video.get("roomJoin"))

    @property
    def kind(self) -> str:
        """The kind of participant in lower case, as the server compares it; "" where it is absent."""
        return self.reading.text("kind").lower()


class Fault(NamedTuple):
    """What a check found; `severity` only where it differs from the rule's."""

    message: str
    hint: str = ""
    severity: Severity | None = None


Check = Callable[[Subject], Iterable[Fault]]


class Rule(NamedTuple):
    """One rule of the catalogue; `title` says what it finds, `check` finds it, `consequence` what comes of it."""

    id: str
    severity: Severity
    title: str
    check: Check
    consequence: str
