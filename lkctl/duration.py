"""Durations as people write them: `30`, `30s`, `5m`, `10h`, `7d`, `1h30m`."""

import re

from lkctl.errors import LkctlError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PART = r"(\d+(?:\.\d+)?)([smhd])"
_WHOLE = rf"(?:{_PART})+"
_LONGEST = 100 * 365 * 86400


def parse_duration(text: str, name: str) -> float:
    """Give a duration in seconds; raise `usage` naming the option."""
    bare = text.strip().lower()
    if bare[:-1].isdecimal() and bare[-1] in _UNITS:  # what most say; patterns take a while to compile
        seconds = float(bare[:-1]) * _UNITS[bare[-1]]
    elif re.fullmatch(r"\d+(\.\d+)?", bare):
        seconds = float(bare)
    elif re.fullmatch(_WHOLE, bare):
        seconds = sum(float(number) * _UNITS[unit] for number, unit in re.findall(_PART, bare))
    else:
        raise LkctlError(
            "usage", f"{name} is {text!r}, which is no duration", hint="Write it like 30, 30s, 5m, 10h, 7d or 1h30m"
        )
    if seconds > _LONGEST:
        raise LkctlError("usage", f"{name} is longer than 100 years", hint="Give less")
    return seconds


def parse_timeout(text: str) -> float:
    """Give the seconds of `--timeout`; raise `usage` for none at all."""
    seconds = parse_duration(text, "--timeout")
    if not seconds:
        raise LkctlError("usage", "--timeout is 0: nothing can be done in no time", hint="Write it like 10s")
    return seconds


def say_duration(seconds: float) -> str:
    """Say a duration in its two largest units: `6 h`, `1 d 3 h`, `45 s`."""
    left = round(abs(seconds))
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
