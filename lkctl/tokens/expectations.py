"""What a token must be, held against what it is."""

from collections.abc import Iterator
from typing import NamedTuple

from lkctl.duration import say_duration
from lkctl.settings.shape import shorten_key
from lkctl.tokens.decoding import Decoded
from lkctl.tokens.demands import Demand, look_up, meets, say_found
from lkctl.tokens.findings import Signature


class Expectation(NamedTuple):
    """One expectation and what came of it; `found` says what there is."""

    expected: str
    met: bool
    found: str


class Wishes(NamedTuple):
    """All that a token must be; None where nothing is wished. `min_ttl` is in seconds."""

    demands: tuple[Demand, ...] = ()
    min_ttl: float | None = None
    user_id: str | None = None
    identity: str | None = None
    room: str | None = None
    agent: str | None = None


def hold(decoded: Decoded, wishes: Wishes) -> Iterator[Expectation]:
    """Hold a token against the wishes, one after the other: it is what it must be if all of them are `met`.

    What concerns signature and times is not among them, but in `decoded.valid`.
    """
    if wishes.min_ttl is not None:
        yield _lasts(decoded, wishes.min_ttl)
    if wishes.user_id is not None:
        yield _same("user ID", wishes.user_id, decoded.user_id or "")
    if wishes.identity is not None:
        yield _same("identity", wishes.identity, decoded.reading.identity)
    if wishes.room is not None:
        yield _joins(decoded, wishes.room)
    if wishes.agent is not None:
        yield _dispatches(decoded, wishes.agent)
    for demand in wishes.demands:
        found = look_up(decoded, demand.name)
        yield Expectation(demand.text, meets(found, demand), say_found(demand.name, found))


def proven(decoded: Decoded, missing: str, *, accepted: bool) -> Expectation:
    """Say whether the signature is proven: by the configured secret; without one, by the server's accepting it.

    The secret of another key is none. `missing` says why there is no secret to check with.
    """
    key = shorten_key(decoded.reading.text("iss"))
    if decoded.signature is Signature.verified:
        return Expectation("signature", met=True, found=f"made with the secret of {key}")
    if decoded.signature is Signature.bad:
        fits = f"; it fits {decoded.meant}" if decoded.meant else ""
        return Expectation("signature", met=False, found=f"not made with the configured secret of {key}{fits}")
    if accepted:
        return Expectation("signature", met=True, found="proven by the server, which accepts it")
    return Expectation("signature", met=False, found=f"not checked: {missing or 'another API key is configured'}")


def _lasts(decoded: Decoded, least: float) -> Expectation:
    expected, left = f"valid for another {say_duration(least)}", decoded.expires_in_s
    if left is None:
        return Expectation(expected, met=False, found="no expiry that could be read")
    found = say_duration(left) if left >= 0 else f"expired {say_duration(left)} ago"
    return Expectation(expected, left >= least, found)


def _same(what: str, wanted: str, found: str) -> Expectation:
    return Expectation(f"{what} {wanted}", found == wanted, say_found(what, found))


def _joins(decoded: Decoded, room: str) -> Expectation:
    video = decoded.effective["video"]
    if not video["room"]:
        found = "names no room"
    elif video["roomJoin"]:
        found = f"may join room {say_found('room', video['room'])}"
    else:
        found = f"names room {say_found('room', video['room'])}, but roomJoin is not true"
    return Expectation(f"may join room {room}", bool(video["roomJoin"]) and video["room"] == room, found)


def _dispatches(decoded: Decoded, agent: str) -> Expectation:
    from lkctl.tokens.roomconfig import in_camel_case

    config = in_camel_case(decoded.reading.values.get("roomConfig", {}))
    names = [str(dispatched.get("agentName") or "") for dispatched in config.get("agents") or []]
    said = ", ".join(name or "the unnamed agent" for name in names)
    found = f"dispatches {say_found('agents', said)}" if names else "roomConfig dispatches no agent"
    return Expectation(f"dispatches agent {agent}", agent in names, found)
