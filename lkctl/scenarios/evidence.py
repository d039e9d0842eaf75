"""What stands behind a server's answer to a token."""

from collections.abc import Callable, Iterator
from shlex import quote

from lkctl.duration import say_duration
from lkctl.scenarios.verification import Judge
from lkctl.server.refusal import Refused, read_refusal
from lkctl.server.validate import ACCEPTED, Verdict
from lkctl.settings.shape import shorten_key
from lkctl.tokens.claims import MAX_HEADER_BYTES
from lkctl.tokens.decoding import Decoded
from lkctl.tokens.findings import Signature
from lkctl.tokens.judge import Join

_AGREED = 2.0  # seconds; the Date header counts whole ones
_TIMES = {Refused.expired, Refused.not_yet}
_WORTH_TELLING = {Refused.room_missing, Refused.node_full, Refused.header, Refused.other}


def code_of(join: Join) -> str | None:
    """Give a foreseen answer as the code that a real one would have; None where none is foreseen."""
    return ACCEPTED if join.accepted else None if join.reason is None else read_refusal(join.reason).why.value


def is_as_predicted(verdict: Verdict, decoded: Decoded) -> bool | None:
    """Tell whether the server said what was foreseen; None where nothing was."""
    foreseen = code_of(decoded.join)
    return None if foreseen is None else verdict.code == foreseen


def explain(verdict: Verdict, decoded: Decoded, judge: Judge) -> Iterator[str]:
    """Say what stands behind the server's answer, where that is not in the token itself.

    `judge` is for another clock: that of the server.
    """
    foreseen = code_of(decoded.join)
    differs = foreseen not in {None, verdict.code}
    if differs:
        said = read_refusal(decoded.join.reason or "").said
        yield f"foreseen was {decoded.join.status} {said}; the server says {verdict.status} {verdict.reason}"
    unseen = verdict.code == Refused.no_permissions and "video" in decoded.reading.grants
    cut_off = verdict.code == Refused.too_large and foreseen is None
    reasons = _BECAUSE if not verdict.accepted else _BECAUSE_ACCEPTED
    because = reasons.get(verdict.code if not verdict.accepted else str(foreseen))
    if because is not None and (differs or unseen or cut_off or verdict.code in _WORTH_TELLING):
        yield because(decoded, shorten_key(decoded.reading.text("iss")))
    if verdict.code in {Refused.grant, Refused.no_permissions} and is_for_the_api(decoded):
        yield "it is a token for the server's API, which this question does not try: it is about joining a room only"
    if {verdict.code, foreseen} & _TIMES and (differs or foreseen is None):
        yield _clocks(verdict, judge)


def is_for_the_api(decoded: Decoded) -> bool:
    """Whether it grants something, but not to join."""
    granted = any(any(grants.get(name) is True for name in grants) for grants in decoded.reading.grants.values())
    return granted and not decoded.reading.video.get("roomJoin")


def _clocks(verdict: Verdict, judge: Judge) -> str:
    """Compare the clocks, and say whether that explains the answer."""
    if verdict.skew is None:
        return "the server does not tell its time (no Date header), so the clocks cannot be compared"
    if abs(verdict.skew) <= _AGREED:
        return "the server's clock and this machine's agree"
    side = "ahead of" if verdict.skew > 0 else "behind"
    explained = code_of(judge(ahead=verdict.skew).join) == verdict.code
    end = ", which explains the answer; set the clock that is wrong" if explained else ""
    return f"the server's clock is {say_duration(verdict.skew)} {side} this machine's{end}"


def _other_secret(decoded: Decoded, key: str) -> str:
    if decoded.signature is not Signature.verified:
        return f"the server's secret for {key} is neither the configured one nor the one that the token was made with"
    return f"the token fits the configured secret, so the server has another secret for {key}: copy it from there"


_Reason = Callable[[Decoded, str], str]
_BECAUSE: dict[str, _Reason] = {
    Refused.signature: _other_secret,
    Refused.key: lambda _, key: f"the server has no key {key}: URL and key belong to different projects",
    Refused.no_expiry: lambda *_: "the server is 1.13.6 or newer, and asks for exp",
    Refused.no_permissions: lambda *_: "the server saw no token: does a proxy remove the Authorization header?",
    Refused.header: lambda *_: "something on the way has changed the Authorization header",
    Refused.room_missing: lambda decoded, _: (
        f"joining makes no rooms there (auto_create is off): lkctl room create {quote(decoded.reading.room)}"
    ),
    Refused.node_full: lambda *_: "the token is not the cause: the node has reached its limit",
    Refused.too_large: lambda *_: (
        f"LiveKit takes up to {MAX_HEADER_BYTES // 1024} KiB; a proxy in front of it may take less"
    ),
    Refused.other: lambda *_: "these are none of LiveKit's known words; a proxy in front of it may have spoken",
}
_BECAUSE_ACCEPTED: dict[str, _Reason] = {
    Refused.signature: lambda _, key: f"the server's secret for {key} is not the configured one",
    Refused.no_expiry: lambda *_: "the server is older than 1.13.6, and accepts a token without exp for ever",
}
