"""What the metadata in a room is worth to an agent: can it be read, and whose user ID is in it?"""

from collections.abc import Iterator

from lkctl.checks.result import Finding, Severity
from lkctl.checks.roomsight import Sight
from lkctl.checks.verdict import settle
from lkctl.tokens.document import shown
from lkctl.tokens.rules.contents import metadata_faults
from lkctl.userid import Notice, Resolution

_LARGE = 64_000  # bytes; what is sent to everybody
_MOST_READ = 50
_SAID = {"W-JSON", "W-NOTOBJECT", "W-DOUBLE", "W-OVERSIZE", "W-RANDOM", "W-NOROOM"}  # elsewhere, or in the answer
_BETWEEN_USERS = {"W-AMBIGUOUS", "W-CONFLICT"}  # of weight where an agent has to choose
_OVERLOOKED = {"W-NEARMISS", "W-SKIPPED"}  # of weight where nothing else is found
_HARMLESS = {"W-FORMAT", "W-COERCED", "W-TRIMMED"}


def judge_metadata(sight: Sight) -> str:
    """Say what is wrong with metadata; empty metadata is nothing wrong."""
    texts = [(place, text) for place, text in _texts(sight) if text]
    passed = f"texts of metadata: {len(texts)}, all JSON objects" if texts else "there is no metadata in it"
    return settle((finding for place, text in texts[:_MOST_READ] for finding in metadata_findings(place, text)), passed)


def judge_user_id(sight: Sight) -> str:
    """Say which user ID an agent would use."""
    resolution = sight.resolution()
    notices = [notice for notice in resolution.warnings if notice.code not in _SAID]
    findings = [_finding(notice, sight, resolution) for notice in notices]
    answer = _answer(resolution)
    answer += "".join(f"; {finding.message}" for finding in findings if finding.severity is Severity.info)
    return settle([finding for finding in findings if finding.severity is not Severity.info], answer)


def _answer(resolution: Resolution) -> str:
    if resolution.user_id is None:
        return "no user ID is in it: an agent uses CHROME_USER_ID of its own environment, or makes one up"
    whose = f" of {shown(resolution.participant)}" if resolution.participant is not None else ""
    return f"an agent would use {shown(resolution.user_id)}, from {resolution.source}{whose}"


def _finding(notice: Notice, sight: Sight, resolution: Resolution) -> Finding:
    return Finding(f"{notice.message} ({notice.code})", notice.hint, severity=_severity(notice, sight, resolution))


def _severity(notice: Notice, sight: Sight, resolution: Resolution) -> Severity:
    """Weigh a warning: what a meeting without agents has of user IDs, nobody reads."""
    agents = sight.agents or any(not one.automatic for one in sight.dispatches or ())
    if notice.code in _HARMLESS:
        return Severity.info
    if notice.code in _BETWEEN_USERS:
        return Severity.warn if agents else Severity.info
    if notice.code in _OVERLOOKED:
        return Severity.warn if resolution.user_id is None else Severity.info
    return Severity.security if notice.code == "W-SPOOFABLE" else Severity.warn


def _texts(sight: Sight) -> Iterator[tuple[str, str]]:
    if sight.room is not None:
        yield "room", sight.room.metadata
    yield from ((f"participant {shown(one.identity)}", one.metadata) for one in sight.there)


def metadata_findings(place: str, text: str) -> Iterator[Finding]:
    """Say what is wrong with one text of metadata."""
    size = len(text.encode())
    if size > _LARGE:
        hint = "It is sent to everybody who joins; put large data elsewhere"
        yield Finding(f"the metadata has {size} bytes", hint, place, Severity.warn)
    for fault in metadata_faults(text):
        yield Finding(f"{fault.message}; agents that parse it fail", fault.hint, place, Severity.warn)
