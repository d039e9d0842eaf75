"""What is wrong with the way an agent reads: the bugs that reads, the room and the script's text prove or suggest.

What was read is no proof of what is used; canaries are (canary.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from lkctl.agents.trace.scripttext import Script
from lkctl.agents.trace.tracing import Read
from lkctl.tokens.findings import Severity
from lkctl.userid import Policy, Resolution, Snapshot, resolve
from lkctl.userid.notices import quoted
from lkctl.userid.snapshot import by_arrival, disqualification

FIND_USER_ID: Final = "After ctx.connect(), call: resolution = await find_user_id(ctx)  (from lkctl.agents)"
_STANDARD: Final = Policy()
OURS: Final = "lkctl"  # the package through which `find_user_id` reads
_CARRIERS: Final = ("metadata", "attributes", "identity", "name")
_PARTICIPANT: Final = tuple(f"participant.{name}" for name in ("metadata", "attributes", "identity"))


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that is wrong: a stable id, how bad, what, the next step; `file` and `line` where it is one place."""

    id: str
    severity: Severity
    message: str
    hint: str
    file: str = ""
    line: int = 0


def judge_reads(
    reads: Sequence[Read], snapshot: Snapshot, scripts: Mapping[str, str], policy: Policy = _STANDARD
) -> tuple[Flaw, ...]:
    """Find what is wrong, the worst first; empty for an agent that uses `find_user_id`.

    `snapshot` is the room with everybody in it when the agent had read; `scripts` the text of each file that reads;
    `policy` says where the ID is to be looked for.
    """
    own = [read for read in reads if read.through != OURS]
    texts = {file: Script(text) for file, text in scripts.items()}
    found = [
        *_before_connect(own, snapshot),
        *_first_participant(own, snapshot, texts),
        *_cut_texts(own, texts),
        *_too_early(own, snapshot),
    ]
    found += _unread(reads, resolve(snapshot, policy), quiet=bool(found))
    return tuple(sorted(dict.fromkeys(found), key=lambda flaw: flaw.severity.rank))


def _before_connect(own: Sequence[Read], snapshot: Snapshot) -> Iterator[Flaw]:
    late = {read.source for read in own if read.connected}
    for read in own:
        if read.connected or read.source in late:
            continue
        if read.source == "room.metadata":
            has = " although the room has metadata" if snapshot.room and snapshot.room.metadata else ""
            told = f'room.metadata is read before ctx.connect(): it is "" there{has}; ctx.job.room.metadata has it'
            yield _flaw("before-connect", Severity.error if has else Severity.warning, told, read)
        elif read.source == "room.remote_participants":
            told = "room.remote_participants is read before ctx.connect(): nobody is there then"
            yield _flaw("before-connect", Severity.error, told, read)


def _first_participant(own: Sequence[Read], snapshot: Snapshot, texts: Mapping[str, Script]) -> Iterator[Flaw]:
    yield from _no_user(own, snapshot)
    for read in own:
        if read.source == "room.remote_participants" and _script(read, texts).takes_first(
            read.line, "remote_participants"
        ):
            told = "takes the first of remote_participants, which are in no order: agents, recorders and others too"
            yield _flaw("first-participant", Severity.warning, told, read)
    users = [person for person in by_arrival(snapshot.participants) if not disqualification(person)]
    first = next((read for read in own if read.source in _PARTICIPANT and read.subject), None)
    if first and _alone(first, own) and first.subject in {user.identity for user in users[1:]}:
        earlier = quoted(users[0].identity)
        told = f"reads the {_noun(first)} of {quoted(first.subject)} first, although {earlier} has come earlier"
        yield _flaw("first-participant", Severity.warning, told, first)


def _alone(read: Read, own: Sequence[Read]) -> bool:
    """Whether nobody else is read at that line: a loop that reads everybody does not take whoever comes first."""
    return not any(
        (one.file, one.line) == (read.file, read.line) and one.subject not in {"", read.subject} for one in own
    )


def _no_user(own: Sequence[Read], snapshot: Snapshot) -> Iterator[Flaw]:
    """Find participants who are no users and are read like users; who asks for the kind passes them over."""
    strangers = {person.identity: disqualification(person) for person in snapshot.participants}
    asked = {read.subject for read in own if read.source == "participant.kind"}
    seen: set[str] = set()
    for read in own:
        passed_over = read.subject in {*asked, *seen} or not _alone(read, own)
        if read.source in _PARTICIPANT and strangers.get(read.subject) and not passed_over:
            seen.add(read.subject)
            who = f"{quoted(read.subject)} ({strangers[read.subject]})"
            told = f"takes whoever comes first: reads the {_noun(read)} of {who}"
            yield _flaw("first-participant", Severity.error, told, read)


def _cut_texts(own: Iterable[Read], texts: Mapping[str, Script]) -> Iterator[Flaw]:
    for read in own:
        is_name = read.place in {"room.name", "participant.identity"}
        if is_name and (cut := _script(read, texts).cut_of(read.line, _noun(read))):
            told = f"takes a part of {read.source} by {cut} and does not look whether it is of the expected form"
            yield _flaw("cut-text", Severity.warning, told, read)


def _too_early(own: Sequence[Read], snapshot: Snapshot) -> Iterator[Flaw]:
    looks = [read for read in own if read.source == "room.remote_participants" and read.connected]
    users = [person for person in by_arrival(snapshot.participants) if not disqualification(person)]
    met = any(read.source in _PARTICIPANT for read in own)
    if looks and users and not met and all(read.value == "0" for read in looks):
        late = quoted(users[0].identity)
        told = f"looks for participants when nobody is there yet; {late} has come later and is never read"
        yield _flaw("too-early", Severity.error, told, looks[0])


def _unread(reads: Sequence[Read], winner: Resolution, *, quiet: bool) -> Iterator[Flaw]:
    """Find the strongest source that holds an ID, if the agent never looks there; `quiet`: other bugs tell why."""
    carrying = {read.place for read in reads if _noun(read) in _CARRIERS and not read.source.startswith("local_")}
    env = next((read for read in reads if read.source == "env"), None)
    where = winner.source or "random"
    if not carrying and env:
        told = f"reads the environment only ({env.subject}): all users of this worker get the same ID"
        yield _flaw("environment-only", Severity.warning, told, env)
    elif not carrying:
        if not quiet:
            told = "reads none of the places where a user ID stands"
            yield Flaw("reads-nothing", Severity.warning, told, FIND_USER_ID)
    elif where not in {*carrying, "random", "env"} or (where == "env" and not env):
        told = f"never reads {where}, where {winner.user_id} stands"
        yield Flaw("unread", Severity.warning, told, FIND_USER_ID)


def _script(read: Read, texts: Mapping[str, Script]) -> Script:
    return texts.get(read.file) or Script("")


def _noun(read: Read) -> str:
    return read.source.rpartition(".")[2]


def _flaw(code: str, severity: Severity, told: str, read: Read) -> Flaw:
    place = f"{PurePath(read.file).name}:{read.line}"
    return Flaw(code, severity, f"{place}: {told}", FIND_USER_ID, read.file, read.line)
