"""What a LiveKit server's refusal of a token means, in the wordings of all known generations.

Up to 1.13.5 (measured) the body of a 401 echoes the key or the whole token: `invalid API key: <iss>`,
`invalid token: <JWT>, error: <reason>`. From 1.13.6 (read in pkg/service/auth.go): `invalid API key`,
`invalid authorization token: <reason>`.
"""

from dataclasses import dataclass
from enum import StrEnum

from lkctl.duration import say_duration
from lkctl.errors import LkctlError
from lkctl.secret import scrub
from lkctl.server.answers import clock_skew
from lkctl.server.http import Answer
from lkctl.settings.layers import Target
from lkctl.settings.shape import Pair, shorten_key
from lkctl.settings.url import ServerUrl


class Refused(StrEnum):
    """Why a token was refused."""

    key = "key"
    signature = "signature"
    expired = "expired"
    not_yet = "not-yet"
    malformed = "malformed"
    grant = "grant"
    other = "other"


_SIGNS: tuple[tuple[str, Refused], ...] = (
    ("invalid api key", Refused.key),
    ("signature is invalid", Refused.signature),
    ("error in cryptographic primitive", Refused.signature),  # go-jose, servers before 1.9
    ("token is expired", Refused.expired),
    ("(exp)", Refused.expired),
    ("token is not valid yet", Refused.not_yet),
    ("not valid yet (nbf)", Refused.not_yet),
    ("permissions denied", Refused.grant),
    ("no permissions to access the room", Refused.grant),
    ("token is malformed", Refused.malformed),
    ("invalid authorization", Refused.malformed),
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal taken apart; `said` is the server's text without the token that it may echo."""

    why: Refused
    said: str


def read_refusal(body: str) -> Refusal:
    """Tell why the server refused, from the body of its 401."""
    lowered = body.lower()
    why = next((meaning for sign, meaning in _SIGNS if sign in lowered), Refused.other)
    return Refusal(why, _without_echo(body.strip()))


def _without_echo(body: str) -> str:
    if body.lower().startswith("invalid api key"):
        return "invalid API key"
    head, mark, reason = body.partition(", error: ")
    return reason if mark and head.startswith("invalid token: ") else body[:300]


def mistaken(target: Target, meant: Pair) -> LkctlError:
    """Make the error for a pair that the server takes in another spelling, which was tried."""
    given = target.credentials
    key, secret = f"LIVEKIT_API_KEY ({given.key_origin})", f"LIVEKIT_API_SECRET ({given.secret_origin})"
    spoiled = key if meant.key != given.key and meant.secret == given.secret.reveal() else secret
    proof = f"{target.url.http} accepts the pair"
    if meant.name == "blank":
        return LkctlError(
            "auth-secret-blank",
            f"{spoiled} has blanks around it; without them {proof}",
            hint="Take the blanks away there",
        )
    if meant.name == "quoted":
        return LkctlError(
            "auth-secret-quoted",
            f"{spoiled} has quotes around it; without them {proof}",
            hint="Take the quotes away there",
        )
    if meant.name == "swapped":
        return LkctlError(
            "auth-swapped",
            f"key and secret are swapped; the other way round {proof}",
            hint=f"Exchange {key} and {secret}",
        )
    return LkctlError(
        "auth-default-pair",
        f"{target.url.http} knows devkey/secret, and not the pair from {given.key_origin}",
        hint="The server was started with --dev: use devkey and secret there, or start it with your own keys",
    )


def refused(target: Target, refusal: Refusal, answer: Answer) -> LkctlError:
    """Make the error for credentials that no other spelling mends."""
    given = target.credentials
    if refusal.why is Refused.key:
        return LkctlError(
            "auth-key",
            f"{target.url.http} does not know the key {shorten_key(given.key)} (401: {refusal.said})",
            hint=f"LIVEKIT_API_KEY came from {given.key_origin}; the server has other keys. Run: lkctl env show",
        )
    if refusal.why is Refused.signature:
        return LkctlError(
            "auth-secret",
            f"{target.url.http} knows the key {shorten_key(given.key)}, but LIVEKIT_API_SECRET is not its secret (401)",
            hint=f"The secret came from {given.secret_origin}; copy it again. Blanks and quotes were ruled out",
        )
    if refusal.why in {Refused.expired, Refused.not_yet}:
        return _clock_error(target.url, clock_skew(answer), refusal)
    return LkctlError(
        "auth-refused", f"{target.url.http} refused the token: {scrub(refusal.said)}", hint="Run: lkctl diagnose"
    )


def _clock_error(url: ServerUrl, skew: float | None, refusal: Refusal) -> LkctlError:
    if skew is None:
        return LkctlError(
            "auth-clock", f"{url.http} refused a fresh token: {scrub(refusal.said)}", hint="Compare the clocks"
        )
    side = "behind" if skew > 0 else "ahead of"
    return LkctlError(
        "auth-clock",
        f"this machine's clock is {say_duration(skew)} {side} that of {url.http}, which refused a fresh token"
        f" ({scrub(refusal.said)})",
        hint="Set the clock that is wrong, with NTP for example: timedatectl set-ntp true",
    )
