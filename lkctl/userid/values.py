"""The rules for one value: when it is an ID, and what is to be said about it."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from lkctl.convention import is_conventional
from lkctl.userid.notices import Remark

MAX_BYTES: Final = 256

# What str.strip() takes for blank, and the two invisible characters that copying and BOMs leave behind
_BLANKS: Final = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
    "\ufeff\u200b"
)
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a place holds. `value` is set only if found; `reason` says in words why the status is what it is."""

    status: Literal["found", "empty", "invalid", "absent"]
    value: str | None
    reason: str
    remarks: tuple[Remark, ...] = ()


def absent(reason: str, *remarks: Remark) -> Reading:
    """There is nothing to read."""
    return Reading("absent", None, reason, remarks)


def refused(code: str, about: str, says: str) -> Reading:
    """There is something, and it is no ID; `says` must not echo it."""
    status: Literal["empty", "invalid"] = "empty" if code == "W-EMPTY" else "invalid"
    return Reading(status, None, f"{about} {says}".lstrip(), (Remark(code, about, says),))


def judge(value: object, about: str, *, strict: bool = False) -> Reading:
    """Apply the rules of value in their order: type, trim, unsafe, length, format.

    A refused value has exactly one remark, the reason; a kept one has a remark for all that was not quite right.
    """
    coerced = isinstance(value, int) and not isinstance(value, bool) and not strict
    if not coerced and not isinstance(value, str):
        return refused("W-TYPE", about, f"is {_type_name(value)}, not text")
    text = str(value)
    trimmed = text.strip(_BLANKS)
    if not trimmed:
        return refused("W-EMPTY", about, "is blank" if text else "is empty")
    if unsafe := _UNSAFE.search(trimmed):
        return refused("W-UNSAFE", about, f"holds the character U+{ord(unsafe[0]):04X}")
    if (size := len(trimmed.encode())) > MAX_BYTES:
        return refused("W-TOOLONG", about, f"has {size} bytes, over the limit of {MAX_BYTES}")
    remarks = []
    if coerced:
        remarks.append(Remark("W-COERCED", about, f"is the number {trimmed}, not text"))
    if len(trimmed) < len(text):
        remarks.append(Remark("W-TRIMMED", about, f"has {len(text) - len(trimmed)} blanks at its ends"))
    if not is_conventional(trimmed):
        remarks.append(Remark("W-FORMAT", about, f"is {trimmed}, not of the form user_<milliseconds>_<random>"))
    return Reading("found", trimmed, about, tuple(remarks))


def _type_name(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float | int):
        return "a number"
    return "an object" if isinstance(value, dict) else "a list"
