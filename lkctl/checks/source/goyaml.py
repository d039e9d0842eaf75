"""Which scalar of YAML fits which type of Go.

Source: gopkg.in/yaml.v3 3.0.1 (what livekit-server reads its configuration with): resolve.go and `scalar` in decode.go;
time.ParseDuration and strconv.Atoi of Go; mediatransportutil pkg/rtcconfig/config.go (PortRange, NodeIP).
"""

import re
from collections.abc import Mapping
from ipaddress import IPv4Address, ip_address
from math import inf, nan

from lkctl.files.yamlnodes import Node

_NULLS = {"", "~", "null", "Null", "NULL"}
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_OLD_BOOLS = {"y", "yes", "on", "n", "no", "off"}  # of YAML 1.1; taken where a bool is wanted
_FLOATS = {".nan": nan, ".inf": inf, "+.inf": inf, "-.inf": -inf}
_INTEGER = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_DURATION = re.compile(r"[-+]?(?:0|(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+)")
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}(?:$|[Tt ]\d)")
_ATOI = re.compile(r"[-+]?[0-9]+")
_YAML = "tag:yaml.org,2002:"
_RESOLVABLE = {"str", "bool", "int", "float", "null", "timestamp"}
# Lowest and highest value of each integer type; `int` has 64 bits
_RANGES: Mapping[str, tuple[int, int]] = {
    **{f"int{bits}": (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) for bits in (32, 64)},
    **{f"uint{bits}": (0, (1 << bits) - 1) for bits in (8, 16, 32, 64)},
    "int": (-(1 << 63), (1 << 63) - 1),
}
WANTED: Mapping[str, str] = {
    "string": "a text", "bool": "true or false", "float": "a number", "duration": "a duration such as 500ms, 5s or 2m"
}  # fmt: skip


def is_null(node: Node) -> bool:
    """Whether yaml.v3 takes a scalar for null, and so leaves the field alone."""
    if node.kind != "scalar":
        return False
    return _tag(node) == "null" or (not _tag(node) and node.plain and node.text in _NULLS)


def misfit(kind: str, node: Node) -> str:
    """Say what a scalar would have to be for a field of this type; "" where it fits. Null fits everywhere."""
    tag = _tag(node)
    if is_null(node):
        return "" if node.text in _NULLS else "null, as its tag says"
    if kind in _OWN:
        return _OWN[kind](node.text)
    value = _value(node)
    if tag in _RESOLVABLE and tag not in {"str", _type(value)} and not (tag == "float" and _type(value) == "int"):
        return f"of the type that its tag !!{tag} says"
    return _fits(kind, value)


def _fits(kind: str, value: object) -> str:
    truth = isinstance(value, bool)
    if kind in _RANGES:
        return _integer(kind, value)
    fits = {
        "string": True,
        "bool": truth or (isinstance(value, str) and value.lower() in _OLD_BOOLS and value in _spellings(value)),
        "duration": isinstance(value, str) and _DURATION.fullmatch(value) is not None,
        "float": isinstance(value, int | float) and not truth,
    }
    return "" if fits.get(kind) else WANTED.get(kind, "a mapping")


def _integer(kind: str, value: object) -> str:
    lowest, highest = _RANGES[kind]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "a whole number"
    return "" if lowest <= _cut(value, lowest) <= highest else f"a whole number from {lowest} to {highest}"


def _cut(value: float, lowest: int) -> int:
    """Make an integer of a float as Go does on amd64; one that is not a number, or too large, fits nowhere."""
    if isinstance(value, int):
        return value
    if value != value or value > 1 << 63:  # noqa: PLR0124  (NaN)
        return 1 << 65
    if value < -(1 << 63):
        return -(1 << 63)
    whole = int(value)
    return whole if lowest or whole == value >= 0 or value >= 0 else whole % (1 << 64)


def _value(node: Node) -> str | int | float | bool:
    """Resolve a scalar; one in quotes, or tagged !!str, is a text."""
    tag, text = _tag(node), node.text
    if tag == "str" or (not tag and not node.plain) or (tag and tag not in _RESOLVABLE):
        return text
    if text in _BOOLS:
        return _BOOLS[text]
    if text.lower() in _FLOATS and text[-3:] in {text[-3:].lower(), text[-3:].upper(), text[-3:].title(), "NaN"}:
        return _FLOATS[text.lower()]
    if text[:1] == ".":
        return float(text) if _FLOAT.fullmatch(text) else text
    return _number(text.replace("_", "")) if text[:1] in set("+-0123456789") else text


def _number(text: str) -> str | int | float:
    whole = _INTEGER.fullmatch(text)
    if whole is not None:
        sign, *digits = whole.groups()
        base, found = next((base, part) for base, part in zip((16, 2, 8, 10), digits, strict=True) if part)
        number = int(found[:400], base) * (-1 if sign == "-" else 1)
        if -(1 << 63) <= number < 1 << 64:
            return number
    return float(text) if _FLOAT.fullmatch(text) else text


def _type(value: object) -> str:
    return type(value).__name__


def _tag(node: Node) -> str:
    """Give the short name of an explicit tag: `int` for !!int; "" for none and for `!`."""
    if node.tag.startswith(_YAML):
        return node.tag.removeprefix(_YAML)
    return "" if node.tag == "!" else node.tag


def _spellings(word: str) -> set[str]:
    return {word.lower(), word.upper(), word.title()}


def _ports(text: str) -> str:
    """PortRange.UnmarshalString: a port, or two with a dash between."""
    wanted = "a port, or a range such as 50000-60000"
    parts = text.split("-") if "-" in text else [text]
    if len(parts) > 2 or not all(_ATOI.fullmatch(part.strip(" ") if len(parts) > 1 else part) for part in parts):  # noqa: PLR2004
        return wanted
    if len(parts) > 1 and int(parts[1]) <= int(parts[0]):
        return "a range whose end is greater than its start"
    return ""


def _addresses(text: str) -> str:
    """NodeIP.UnmarshalString: an IPv4 address, an IPv6 address, or both with a comma between."""
    wanted = "an IP address (no host name, no placeholder)"
    families: list[bool] = []
    for part in text.split(","):
        try:
            found = ip_address("" if "%" in part else part.strip(" "))
        except ValueError:
            return wanted
        families.append(isinstance(found, IPv4Address) or found.ipv4_mapped is not None)
    return "" if len(set(families)) == len(families) else "at most one IPv4 and one IPv6 address"


def is_text(node: Node) -> bool:
    """Whether a scalar is a text where nothing says what it has to be, and no number, date, truth value or null."""
    date = node.plain and not _tag(node) and _DATE.match(node.text) is not None
    return isinstance(_value(node), str) and not is_null(node) and not date


def whole(node: Node) -> int | None:
    """Give the whole number that a scalar stands for; None for what is none."""
    value = _value(node)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


_OWN = {"ports": _ports, "addresses": _addresses}  # types that read their text themselves
