"""One token on trial: decoded once, shown to the server once, and then judged by several checks."""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from lkctl.checks.nearby import nearby_pairs
from lkctl.checks.result import Finding, Severity
from lkctl.checks.roomsight import api_of
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.scenarios.verification import Judge, Server, Verification, verify
from lkctl.secret import remember
from lkctl.server.deadline import Deadline
from lkctl.server.refusal import Refused
from lkctl.server.validate import Verdict, is_sendable, validate
from lkctl.settings.shape import Pair, looks_like_secret
from lkctl.tokens.decoding import Decoded, decode
from lkctl.tokens.expectations import Wishes
from lkctl.tokens.findings import Facts
from lkctl.tokens.findings import Severity as LintSeverity
from lkctl.tokens.lines import one_token

# The rules of `lkctl help lint`, by what they are about; each belongs to one check
CLAIMS = ("L02", "L15", "L32")  # L01 is no finding: what is no JWT cannot be judged
SIGNATURE = ("L04", "L03", "L28")
TIMES = ("L08", "L05", "L06", "L07", "L09")
GRANTS = ("L14", "L10", "L11", "L12", "L13", "L16", "L17", "L18", "L19", "L20", "L21", "L27", "L30", "L31")
CONTENTS = ("L22", "L23", "L24", "L25", "L29")
ROOM = ("L26",)  # needs a room that is open

PHASE = 5.0  # seconds for one question to the server
CLOCKS_AGREE = 10.0  # seconds
_COUNTED = 2.0  # seconds; the Date header tells whole ones
SEVERITIES = {
    LintSeverity.error: Severity.fail,
    LintSeverity.security: Severity.security,
    LintSeverity.warning: Severity.warn,
    LintSeverity.info: Severity.info,
}
# Which rules find what the server refuses a token for
_REFUSED_FOR: dict[str, tuple[str, ...]] = {
    Refused.key: ("L04",),
    Refused.signature: ("L03", "L04"),
    Refused.algorithm: ("L02",),
    Refused.expired: ("L05", "L08"),
    Refused.not_yet: ("L06", "L08"),
    Refused.no_expiry: ("L07",),
    Refused.wrong_type: ("L15",),
    Refused.malformed: ("L02", "L15"),
    Refused.grant: ("L14", "L12", "L13", "L30"),
    Refused.no_permissions: ("L14", "L13", "L30"),
    Refused.identity: ("L14", "L10"),
    Refused.identity_too_long: ("L10",),
    Refused.room: ("L14", "L11"),
    Refused.room_too_long: ("L11",),
    Refused.too_large: ("L22",),
}


class TokenCase(NamedTuple):
    """A token and what became of it.

    `name` is how findings call it, `symptoms` the checks that say what the server makes of it. `unanswered`: why the
    server has not judged it. `ahead`: seconds by which the server's clock, by which it is judged, is ahead of ours.
    """

    name: str
    token: str
    symptoms: tuple[str, ...]
    judge: Judge
    verification: Verification
    unanswered: LkctlError | None
    ahead: float

    def __repr__(self) -> str:
        return f"<TokenCase {self.name}>"

    @property
    def decoded(self) -> Decoded:
        """What is in it, and what the rules say of it."""
        return self.verification.decoded

    @property
    def verdict(self) -> Verdict | None:
        """What the server said; None where it has not judged."""
        return self.verification.verdict

    @property
    def joins(self) -> bool:
        """Whether it is for joining a room."""
        return bool(self.decoded.reading.video.get("roomJoin"))

    def findings(self, rules: Sequence[str]) -> Iterator[Finding]:
        """Give what these rules found, in their order; with the server's refusal, where that is for the same."""
        accounts = _REFUSED_FOR.get(self.verdict.code, ()) if self.verdict is not None else ()
        found = [one for one in self.decoded.findings if one.id in rules]
        for one in sorted(found, key=lambda one: rules.index(one.id)):
            explains = self.symptoms if one.id in accounts else ()
            yield Finding(f"{one.message} ({one.id})", one.hint, self.name, SEVERITIES[one.severity], explains)


def try_token(world: World, text: str, name: str, symptoms: tuple[str, ...]) -> TokenCase:
    """Decode a token and ask the server, without joining; raise `L01`, or `usage` for several tokens.

    It is judged by the server's clock, where that is known: whether it has expired is for the server to say.
    """
    token = one_token(text)
    pair, missing = _pair(world)
    url = world.settings.usable_url()
    verdict, unanswered = _ask(world, token)
    ahead = verdict.skew if verdict is not None and verdict.skew is not None else 0.0
    ahead = ahead if abs(ahead) > _COUNTED else 0.0
    others = [Pair(near.secret.origin, near.key.text, near.secret.text) for near in nearby_pairs(world)]
    wished = Facts(host=url.host if url else "", agent=world.scope.agent or "", room=world.scope.room)
    wished = wished._replace(changes_itself=_changes_itself(world))
    started = time.time()

    def judge(*, ahead: float = 0.0, strict_key: bool = True, room_live: bool | None = None) -> Decoded:
        facts = wished._replace(strict_key=strict_key, room_live=room_live)
        return decode(token, pair, now=started + ahead, others=others, facts=facts)

    def by_the_server(*, ahead: float = ahead, strict_key: bool = True, room_live: bool | None = None) -> Decoded:
        return judge(ahead=ahead, strict_key=strict_key, room_live=room_live)

    server = Server(lambda: verdict, None if pair is None else lambda room: api_of(world).find_room(room) is not None)
    verification = verify(by_the_server, Wishes(), missing, server if unanswered is None else None)
    if looks_like_secret(issuer := verification.decoded.reading.text("iss")):
        remember(issuer)  # swapped, most likely
    return TokenCase(name, token, symptoms, judge, verification, unanswered, ahead)


def _ask(world: World, token: str) -> tuple[Verdict | None, LkctlError | None]:
    """Ask the server; give its word, or why there is none; neither where the token cannot be sent."""
    try:
        url = world.settings.url()
        if not is_sendable(token):
            return None, None
        return validate(url, token, Deadline(min(world.patience, PHASE))), None
    except LkctlError as error:
        return None, error


def _pair(world: World) -> tuple[Pair | None, str]:
    try:
        return world.settings.credentials().pair, ""
    except LkctlError as error:
        return None, error.message


def _changes_itself(world: World) -> str:
    """Look into the source that the run was given; whether it can be read at all is for its own checks to say."""
    if world.scope.source is None:
        return ""
    from lkctl.files.selfchanges import scan_for_self_change

    with suppress(LkctlError):
        return scan_for_self_change(world.scope.source).place
    return ""
