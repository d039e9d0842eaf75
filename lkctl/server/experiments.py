"""Why a server refused key and secret: not guessed, but found out by what it says to other pairs.

The server tells a key that it does not know from a secret that is wrong, and judges both before the times of a token
(measured on 1.13.5), so a refusal says which of the three is in question; the rest is tried, one signed call each.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice

from lkctl.duration import say_duration
from lkctl.errors import LkctlError
from lkctl.secret import scrub
from lkctl.server.answers import clock_skew
from lkctl.server.http import Answer
from lkctl.server.refusal import Refusal, Refused, read_refusal
from lkctl.settings.layers import Target
from lkctl.settings.shape import Pair, looks_like_key, looks_like_secret, shorten_key
from lkctl.settings.slips import Slip, find_slip, likely_meant

_MOST = 16  # experiments
_NEAR = 10  # seconds within which clocks count as right
_CODES = {"blank": "auth-secret-blank", "quoted": "auth-secret-quoted"}
_SWAPPED, _DEFAULT = "swapped", "default-pair"


class MistakenError(LkctlError):
    """The server takes another pair than the configured one; `meant` is its name: that of a slip, or of its place.

    `key_known`: it knows the configured key.
    """

    def __init__(self, code: str, message: str, *, hint: str, meant: Pair, evidence: tuple[str, ...]) -> None:
        super().__init__(code, message, hint=hint, evidence=evidence)
        self.meant = meant.name
        self.key_known = False


def explain(
    target: Target, answer: Answer, knows: Callable[[Pair], bool | None], others: Callable[[bool], Iterable[Pair]]
) -> LkctlError:
    """Give the error for a 401 to a signed call: the one cause, what proves it, what was tried besides.

    `knows` asks the server whether it takes a pair, with a token that is dated by the server's clock, and gives None
    where it gave no judgement; `others` gives more pairs to try, given whether the server knows the key.
    """
    refusal = read_refusal(answer.text)
    pair = target.credentials.pair
    if refusal.why in {Refused.expired, Refused.not_yet}:
        return _clock_error(target, refusal, clock_skew(answer), proven=bool(knows(pair)))
    if refusal.why not in {Refused.key, Refused.signature}:
        said = f"{target.url.http} refused the token: {scrub(refusal.said)}"
        return LkctlError("auth-refused", said, hint="Run: lkctl diagnose")
    key_known = refusal.why is Refused.signature
    tried: list[Pair] = []
    for meant in islice(chain(likely_meant(pair.key, pair.secret, key_known=key_known), others(key_known)), _MOST):
        taken = knows(meant)
        if taken:
            error = _mistaken(target, meant, refusal)
            error.key_known = key_known
            return error
        if taken is not None:
            tried.append(meant)
    ruled_out = (*_clocks(clock_skew(answer)), *_ruled_out(pair, tried))
    return _wrong_secret(target, ruled_out) if key_known else _unknown_key(target, refusal, ruled_out)


def _mistaken(target: Target, meant: Pair, refusal: Refusal) -> MistakenError:
    given, there = target.credentials, target.url.http
    slip = find_slip(meant.name)
    refused = f"{there} answers 401 to the configured pair ({scrub(refusal.said)})"
    if slip is not None:
        said = f"{_slipped(target, meant, slip)}; {slip.undone} {there} accepts the pair"
        evidence = (refused, f"{there} accepts it {slip.undone}")
        return MistakenError(
            _CODES.get(slip.name, "auth-spelling"), said, hint=slip.hint, meant=meant, evidence=evidence
        )
    if meant.name == _SWAPPED:
        said = f"key and secret are swapped; the other way round {there} accepts the pair"
        hint = f"Exchange {_key(target)} and {_secret(target)}"
        evidence = (refused, f"{there} accepts it the other way round")
        return MistakenError("auth-swapped", said, hint=hint, meant=meant, evidence=evidence)
    if meant.name == _DEFAULT:
        said = f"{there} knows devkey/secret, and not the pair from {given.key_origin}"
        hint = "The server was started with --dev: use devkey and secret there, or start it with your own keys"
        evidence = (refused, f"{there} accepts devkey/secret")
        return MistakenError("auth-default-pair", said, hint=hint, meant=meant, evidence=evidence)
    said = f"{there} does not take the pair from {given.key_origin}, but takes {meant.name}"
    evidence = (refused, f"{there} accepts {meant.name}")
    return MistakenError("auth-other-pair", said, hint=f"Use {meant.name}", meant=meant, evidence=evidence)


def _slipped(target: Target, meant: Pair, slip: Slip) -> str:
    """Say of the key, the secret or both what happened to them."""
    given = target.credentials.pair
    if meant.key != given.key and meant.secret != given.secret:
        return f"{_secret(target)} {slip.said}, and so is it with {_key(target)}"
    return f"{_key(target) if meant.key != given.key else _secret(target)} {slip.said}"


def _unknown_key(target: Target, refusal: Refusal, ruled_out: tuple[str, ...]) -> LkctlError:
    given = target.credentials
    return LkctlError(
        "auth-key",
        f"{target.url.http} does not know the key {shorten_key(given.key)} (401: {scrub(refusal.said)})",
        hint=f"LIVEKIT_API_KEY came from {given.key_origin}; the server has other keys. Run: lkctl env show",
        ruled_out=ruled_out,
    )


def _wrong_secret(target: Target, ruled_out: tuple[str, ...]) -> LkctlError:
    given = target.credentials
    return LkctlError(
        "auth-secret",
        f"{target.url.http} knows the key {shorten_key(given.key)}, but LIVEKIT_API_SECRET is not its secret (401)",
        hint=f"The secret came from {given.secret_origin}; copy it again. Blanks and quotes were ruled out",
        evidence=(f"{target.url.http} knows the key: to one that it does not know it says so",),
        ruled_out=ruled_out,
    )


def _clock_error(target: Target, refusal: Refusal, skew: float | None, *, proven: bool) -> LkctlError:
    there, said = target.url.http, scrub(refusal.said)
    evidence = (f"{there} accepts a token that is dated by its own clock",) if proven else ()
    ruled_out = ("key and secret: the server judges them before the times, and takes them",)
    if skew is None:
        message, hint = f"{there} refused a fresh token: {said}", "Compare the clocks"
    else:
        side = "behind" if skew > 0 else "ahead of"
        message = f"this machine's clock is {say_duration(skew)} {side} that of {there}, which refused a fresh token"
        message += f" ({said})"
        hint = "Set the clock that is wrong, with NTP for example: timedatectl set-ntp true"
    return LkctlError("auth-clock", message, hint=hint, evidence=evidence, ruled_out=ruled_out)


def _clocks(skew: float | None) -> tuple[str, ...]:
    if skew is None or abs(skew) > _NEAR:
        return ()
    return (f"the clock: it is within {max(1, round(abs(skew)))} s of the server's",)


def _ruled_out(given: Pair, tried: Sequence[Pair]) -> tuple[str, ...]:
    """Say what was tried; and of what there is no trace in the values, so that there was nothing to try."""
    said = [_tried(pair.name) for pair in tried]
    if not any(find_slip(pair.name) for pair in tried):
        said.insert(0, "blanks, quotes, brackets, line ends or an encoding around key or secret: there are none")
    if looks_like_key(given.key) and looks_like_secret(given.secret):
        said.append("key and secret swapped: by their shapes they are not")
    return tuple(dict.fromkeys(said))


def _tried(name: str) -> str:
    slip = find_slip(name)
    if slip is not None:
        return f"that it {slip.said}: {slip.undone} it is refused, too"
    return {_SWAPPED: "key and secret swapped", _DEFAULT: "devkey/secret"}.get(name, name)


def _key(target: Target) -> str:
    return f"LIVEKIT_API_KEY ({target.credentials.key_origin})"


def _secret(target: Target) -> str:
    return f"LIVEKIT_API_SECRET ({target.credentials.secret_origin})"
