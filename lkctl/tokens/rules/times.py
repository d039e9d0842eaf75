"""Rules on the times of a token (L05-L09)."""

from collections.abc import Iterator, Mapping

from lkctl.duration import say_duration
from lkctl.tokens.claims import LEEWAY
from lkctl.tokens.findings import Fault, Rule, Severity, Subject

_MILLISECONDS = 10**11  # as seconds: the year 5138
_LIVEKIT = 10**9  # the year 2001: a token that began before it was given no beginning
_DAY = 86_400
_LONGEST_CLIENT, _LONGEST, _SHORTEST = _DAY, 30 * _DAY, 60
_CLOCKS = "Compare the clocks of the minting machine and the server"


def _expiry(subject: Subject) -> Iterator[Fault]:
    expires = subject.reading.values.get("exp")
    if expires is None or subject.now < expires:
        return
    ago = say_duration(int(subject.now) - expires)
    if subject.now < expires + LEEWAY:
        yield Fault(f"expired {ago} ago, within the minute that the server allows", "Mint a new one", Severity.warning)
    else:
        yield Fault(f"expired {ago} ago", "Mint a new one; those already inside stay connected")


def _start(subject: Subject) -> Iterator[Fault]:
    starts = subject.reading.values.get("nbf")
    if starts is None or subject.now >= starts:
        return
    ahead = say_duration(starts - int(subject.now)) if starts < _MILLISECONDS else "thousands of years"
    if subject.now >= starts - LEEWAY:
        yield Fault(
            f"not valid for another {ahead}, within the minute that the server allows", _CLOCKS, Severity.warning
        )
    else:
        yield Fault(f"not valid for another {ahead} (nbf)", _CLOCKS)


def _no_expiry(subject: Subject) -> Iterator[Fault]:
    if "exp" not in subject.reading.values and not any(wrong.path == "exp" for wrong in subject.reading.mismatches):
        yield Fault(
            "it never expires: exp is missing; servers up to 1.13.5 accept it for ever, 1.13.6 and later refuse it",
            "Give it an expiry: exp, in seconds since 1970",
        )


def _odd_times(subject: Subject) -> Iterator[Fault]:
    """Find what no time can be; a number in quotes is only warned of, since livekit-server takes it (1.13.5, run)."""
    values = subject.reading.values
    wild = [name for name in ("exp", "nbf", "iat") if abs(values.get(name, 0)) > _MILLISECONDS]
    for name in wild:
        yield Fault(f"{name} is not in seconds: it looks like milliseconds", "Divide by 1000")
    if not wild and "exp" in values and "nbf" in values and values["exp"] < values["nbf"]:
        yield Fault("it expires (exp) before it begins to be valid (nbf)", "Was a negative lifetime asked for?")
    for name in subject.reading.quoted_times:
        told = f"{name} is a number in quotes, which not every verifier accepts"
        yield Fault(told, "Write it without quotes", Severity.warning)


def _lifetime(subject: Subject) -> Iterator[Fault]:
    values = subject.reading.values
    if "exp" not in values or values["exp"] > _MILLISECONDS:
        return
    starts = _beginning(values)
    life = values["exp"] - (subject.now if starts is None else starts)
    if life > _LONGEST:
        hint = "Give it less: hours for a client, days for a server"
        yield Fault(f"it is valid for {say_duration(life)}", hint, Severity.security)
    elif life > _LONGEST_CLIENT and subject.joins:
        yield Fault(f"it is valid for {say_duration(life)}", "A client needs it only to connect: hours are enough")
    elif starts is not None and 0 <= life < _SHORTEST:
        hint = "Give it a minute or more: clocks differ, networks are slow"
        yield Fault(f"it is valid for only {say_duration(life)}", hint)


def _beginning(values: Mapping[str, int]) -> int | None:
    """Give when it began: nbf or iat, the later of both; None where neither says so.

    Older livekit-server-sdk for Node write `nbf: 0` and no iat (2.9.0, run).
    """
    told = (values.get(name, 0) for name in ("nbf", "iat"))
    return max((time for time in told if _LIVEKIT <= time <= _MILLISECONDS), default=None)


TIME_RULES: tuple[Rule, ...] = (
    Rule("L05", Severity.error, "It has expired", _expiry, "401"),
    Rule("L06", Severity.error, "It is not valid yet", _start, "401"),
    Rule(
        "L07",
        Severity.error,
        "It never expires",
        _no_expiry,
        "a credential for ever up to server 1.13.5; 401 from 1.13.6 on",
    ),
    Rule(
        "L08", Severity.error, "A time is in the wrong unit or order", _odd_times, "it never expires, or is never valid"
    ),
    Rule(
        "L09",
        Severity.warning,
        "It is valid for very long, or only briefly",
        _lifetime,
        "a leaked one can be used for a long time; a brief one may expire too soon",
    ),
)
