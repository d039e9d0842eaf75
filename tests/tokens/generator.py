"""Makes tokens of every kind that a server can be sent, the same ones for the same seed.

Each is a good token with a few twists: odd values and types, keys of another spelling, times around the leeway, sizes
around the limits, roomConfigs as deep as LiveKit's own message, headers and signatures of every kind, damaged JSON.

Left out, because no answer to them is foreseen or because they depend on more than the token: times within a second of
the leeway's ends; numbers that only rounding makes whole (1e-400); JSON deeper than a hundred levels; tokens within
5 kB of the header limit; bytes that HTTP does not carry in a header.
"""

import json
import random
from collections.abc import Callable
from typing import Any, NamedTuple

from google.protobuf.descriptor import FieldDescriptor
from livekit.protocol.room import RoomConfiguration

from lkctl.tokens.claims import GROUPS, OWN, REGISTERED, Form
from tests.tokens.forge import forge, segment

OTHER_SECRET = "of-another-server-that-nobody-asked-0123456789"


class Case(NamedTuple):
    """A token, and the names of its twists."""

    token: str
    twists: str


class Raw(str):
    """JSON text that is written as it is."""

    __slots__ = ()


Pairs = list[tuple[str, Any]]

_NUMBERS = ("0", "-0", "1", "-1", "5", "5.0", "5.5", "-5e0", "5e-1", "0.5e1", "50e-1", "2147483648", "4294967295")
_LARGE = ("4294967296", "9007199254740993", "9223372036854775807", "1e20", "-1e20", "1e300", "1e400", "-1e400")
_DIGITS = ("9" * 30, "9" * 309, "1" + "0" * 308, "17" + "0" * 307, "18" + "0" * 307, "9" * 400)
_TEXTS = (
    '""', '" "', '"x"', '"5"', '" 5"', '"5 "', '"5.0"', '"-1"', '"1e2"', '"0x5"', '"5,6"', '"5 6"', '"true"', '"null"',
    '"NaN"', '"Infinity"', '"1e400"', '"abc"', '"camera"', '"MP4"', '"JRP_NEVER"', '"\\u00e9"', '"\u00e9"',
    '"\U0001f600"',
    '"\\ud83d\\ude00"', '"\\ud83d"', '"\\ude00"', '"\\ud83d\\u0041"', '"\\u0000"', '"\\u2028"', '"a\\nb"', '"\x7f"',
    '"user_1704067200000_abc"', '"2026-11-21T00:00:00Z"',
)  # fmt: skip
_OTHERS = ("null", "null", "true", "false", "[]", "{}", "[null]", "[5]", '["a"]', '{"a":1}', '{"a":null}', '{"a":"b"}')
_NOT_UTF_8 = ("\udcff", "\udce2\udc82", "\udced\udca0\udc80", "\udcc3")  # bytes, as surrogateescape spells them


class Draft:
    """A token in the making: the twists change it."""

    def __init__(self, source: random.Random, key: str, secret: str, now: int) -> None:
        self.source = source
        self.now = now
        self.key = key
        self.header: Pairs = [("alg", "HS256"), ("typ", "JWT")]
        self.video: Pairs = [("roomJoin", True), ("room", "demo")]
        self.claims: Pairs = [("iss", key), ("sub", "alice"), ("exp", now + 3600), ("video", self.video)]
        self.secret = secret
        self.digest = "sha256"
        self.damage: list[Callable[[str], str]] = []  # of the payload's text
        self.harm: list[Callable[[str], str]] = []  # of the finished token

    def value(self) -> Raw:
        """Give a JSON value of any type."""
        groups = (_NUMBERS, _LARGE, _DIGITS, _TEXTS, _TEXTS, _OTHERS, _OTHERS)
        return Raw(self.source.choice(self.source.choice(groups)))

    def set(self, pairs: Pairs, name: str, value: Any) -> None:
        """Give a key a value: mostly instead of the one that is there, sometimes before or behind it."""
        there = [at for at, (known, _) in enumerate(pairs) if known == name]
        if there and self.source.random() < 0.75:
            pairs[there[-1]] = (name, value)
        else:
            pairs.insert(self.source.randrange(len(pairs) + 1), (name, value))

    def text(self) -> str:
        """Write the finished token."""
        payload = self.write(self.claims)
        for damage in self.damage:
            payload = damage(payload)
        content = payload.encode("utf-8", "surrogateescape")
        header = self.write(self.header).encode("utf-8", "surrogateescape")
        token = forge(content, header, secret=self.secret, digest=self.digest)
        for harm in self.harm:
            token = harm(token)
        return token

    def write(self, value: Any) -> str:
        """Write JSON; a list of pairs is an object, and may repeat its keys."""
        if isinstance(value, Raw):
            return str(value)
        if isinstance(value, list) and all(isinstance(item, tuple) for item in value) and value:
            return "{" + ",".join(f"{self.quoted(key)}:{self.write(item)}" for key, item in value) + "}"
        if isinstance(value, list):
            return "[" + ",".join(map(self.write, value)) + "]"
        if isinstance(value, dict):
            return self.write(list(value.items())) if value else "{}"
        return self.quoted(value) if isinstance(value, str) else json.dumps(value)

    def quoted(self, text: str) -> str:
        """Write text, as it is or escaped; now and then only its first letter is."""
        if self.source.random() < 0.03 and text and text[0].isascii():
            return f'"\\u{ord(text[0]):04x}{self.quoted(text[1:])[1:]}'
        try:
            text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:  # half a surrogate pair can only be escaped
            return json.dumps(text)
        return json.dumps(text, ensure_ascii=self.source.random() < 0.5)


# --- times ---
def times(draft: Draft) -> None:
    """exp, nbf and iat around now and the leeway, and far away."""
    near = [*range(-58, 59), *range(-75, -61), *range(62, 75)]
    for name in draft.source.sample(["exp", "nbf", "iat"], draft.source.randrange(1, 4)):
        offset = draft.source.choice(
            [draft.source.choice(near), draft.source.choice([-86400, -600, 600, 86400, 10**9])]
        )
        draft.set(draft.claims, name, _moment(draft, draft.now + offset))


def _moment(draft: Draft, moment: int) -> Any:
    forms: list[Any] = [
        moment,
        moment,
        moment,
        moment + 0.0,
        str(moment),
        moment * 1000,
        moment * 10**6,
        moment * 10**9,
    ]
    return draft.source.choice([*forms, f"{moment}.0", Raw(f"{moment}e0"), Raw(f"{moment * 10}e-1"), -moment])


def odd_times(draft: Draft) -> None:
    """Values that are no times, or hardly."""
    limits = ["9223372036854775807", "9223372036854775808", "-9223372036854775808", "9223371974719179007", "1e19"]
    limits += ["9223371974719180000", "-62135596800", "-62135596801", "253402300800", "-0.5", "0.9999999999", "1e-5"]
    words = ['"1e20"', '"-5"', '"+5"', '"05"', '""', '" 5"', '"5 "', '"1e400"', '"NaN"', '"0x10"', '"1_0"', '"\\u0031"']
    name = draft.source.choice(["exp", "exp", "nbf", "iat"])
    draft.set(
        draft.claims,
        name,
        Raw(draft.source.choice([*limits, *words])) if draft.source.random() < 0.7 else draft.value(),
    )


# --- values and keys ---
def odd_claim(draft: Draft) -> None:
    """A claim of any value."""
    draft.set(draft.claims, draft.source.choice([*REGISTERED, *OWN, *GROUPS]), draft.value())


def odd_grant(draft: Draft) -> None:
    """A grant of any value, in any group."""
    group = draft.source.choice(["video", "video", "video", *GROUPS])
    name = draft.source.choice(list(GROUPS[group].fields))
    if group == "video":
        draft.set(draft.video, name, draft.value())
    else:
        draft.set(draft.claims, group, [(name, draft.value())])


def good_claims(draft: Draft) -> None:
    """More claims that are as they should be."""
    for name, form in draft.source.sample([*OWN.items()], draft.source.randrange(1, 5)):
        draft.set(draft.claims, name, _good(form, draft.source))
    for group in draft.source.sample([*GROUPS], draft.source.randrange(3)):
        fields = GROUPS[group].fields
        chosen = draft.source.sample([*fields], draft.source.randrange(len(fields) + 1))
        grants = [(name, _good(fields[name], draft.source)) for name in chosen]
        draft.set(draft.claims, group, grants or {})


def _good(form: Form, source: random.Random) -> Any:
    values: dict[Form, list[Any]] = {
        Form.boolean: [True, False],
        Form.text: ["", "x", "demo", "agent", '{"userId":"u"}', "é" * 9],
        Form.texts: [[], ["camera"], ["camera", "microphone"], [None, "x"]],
        Form.text_map: [{}, {"a": "b"}, {"a": None, "": ""}],
        Form.audience: ["a", [], ["a", "b"]],
        Form.time: [0, 1.5],
        Form.room_config: [{}, {"emptyTimeout": 5}, {"agents": [{"agentName": "a"}]}],
    }
    return source.choice(values[form])


def letter_case(draft: Draft) -> None:
    """Keys in another letter case, which Go does not mind."""
    pairs = draft.source.choice([draft.claims, draft.video, draft.header])
    at = draft.source.randrange(len(pairs))
    key, value = pairs[at]
    spellings = [key.upper(), key.capitalize(), key.lower(), key.swapcase(), key.replace("s", "\u017f")]
    spellings += [
        key.replace("k", "\u212a"),
        key.replace("i", "\u0130"),
        key.replace("o", "\u03bf"),
        key + " ",
        key + "\x00",
    ]
    spelt = draft.source.choice(spellings)
    if draft.source.random() < 0.5:
        pairs[at] = (spelt, value)
    else:
        pairs.insert(draft.source.choice([at, at + 1]), (spelt, draft.value()))


def unknown_keys(draft: Draft) -> None:
    """Keys that nobody knows, and snake_case."""
    names = [
        "x",
        "",
        "roomName",
        "room_join",
        "can_publish",
        "canJoin",
        "grants",
        "identity ",
        "\u00e9",
        "\ud83d",
        "a.b",
        "$",
    ]
    pairs = draft.source.choice([draft.claims, draft.video, draft.header])
    for _ in range(draft.source.randrange(1, 4)):
        pairs.insert(draft.source.randrange(len(pairs) + 1), (draft.source.choice(names), draft.value()))


def repeated_keys(draft: Draft) -> None:
    """A key given twice, the second time with another value."""
    pairs = draft.source.choice([draft.claims, draft.claims, draft.video, draft.header])
    name = draft.source.choice(pairs)[0]
    again: list[Any] = [
        draft.value(),
        None,
        "",
        "other",
        True,
        False,
        draft.now + 60,
        {},
        [("room", "b")],
        [("roomJoin", False)],
    ]
    pairs.insert(draft.source.randrange(len(pairs) + 1), (name, draft.source.choice(again)))


def taken_away(draft: Draft) -> None:
    """A claim or a grant that is missing."""
    pairs = draft.source.choice([draft.claims, draft.claims, draft.video])
    if len(pairs) > 1:
        pairs.pop(draft.source.randrange(len(pairs)))


def who_and_where(draft: Draft) -> None:
    """sub, jti, identity and room, empty, blank and of every length."""
    for name in draft.source.sample(["sub", "jti", "identity", "name"], draft.source.randrange(1, 4)):
        draft.set(draft.claims, name, _name(draft.source))
    if draft.source.random() < 0.5:
        draft.set(draft.video, "room", _name(draft.source))
    if draft.source.random() < 0.2:
        draft.set(draft.video, "roomJoin", draft.source.choice([True, False, None]))


def _name(source: random.Random) -> Any:
    letter = source.choice(["a", "\u00e9", "\u4e16", "\U0001f600", " ", "*", "\udcff", "\udce2\udc82"])
    size = source.choice([0, 0, 1, 5, 63, 64, 65, 85, 86, 127, 128, 129, 255, 256, 257, 300])
    odd = Raw('"' + "\\ud800" * source.choice([1, 85, 86]) + '"')
    return source.choice(["", None, odd, letter * size, letter * size, letter * size])


def sizes(draft: Draft) -> None:
    """Metadata and attributes around the limits that only a join minds; seldom a token over a MiB."""
    size = draft.source.choice([63_999, 64_001, 65_536, 65_537, 70_000])
    if draft.source.random() < 0.1:
        size = draft.source.choice([524_288, 524_289, 770_000, 800_000])
    name = draft.source.choice(["metadata", "attributes", "name", "unknown"])
    draft.set(draft.claims, name, {"a": "x" * size} if name == "attributes" else "x" * size)


# --- roomConfig ---
def room_config(draft: Draft) -> None:
    """A roomConfig as deep as LiveKit's message, mostly good."""
    oddness = draft.source.choice([0, 0.02, 0.1, 0.3])
    draft.set(draft.claims, "roomConfig", _message(draft, RoomConfiguration.DESCRIPTOR, oddness))


def odd_room_config(draft: Draft) -> None:
    """A small roomConfig with one odd field; or none at all."""
    if draft.source.random() < 0.1:
        draft.set(draft.claims, "roomConfig", draft.value())
        return
    path = _some_field(draft.source, RoomConfiguration.DESCRIPTOR)
    value: Any = draft.value() if draft.source.random() < 0.7 else Raw(f"[{draft.value()}]")
    for field in reversed(path):
        pairs = [(_spelling(draft.source, field), value)]
        if draft.source.random() < 0.05:
            pairs.append((_spelling(draft.source, field), draft.value()))
        value = [pairs] if field.is_repeated and field is not path[-1] else pairs
    draft.set(draft.claims, "roomConfig", value if isinstance(value[0], tuple) else value[0])


def _some_field(source: random.Random, message: Any) -> list[FieldDescriptor]:
    field = source.choice(message.fields)
    inner = field.message_type
    if inner is None or _is_map(field) or source.random() < 0.2:
        return [field]
    return [field, *_some_field(source, inner)]


def _message(draft: Draft, message: Any, oddness: float, depth: int = 5) -> Any:
    source = draft.source
    chosen = source.sample(list(message.fields), min(len(message.fields), source.randrange(1, 5)))
    pairs: Pairs = []
    taken: set[str] = set()
    for field in chosen:
        oneof = field.containing_oneof
        if oneof is not None and oneof.name in taken and source.random() > max(oddness, 0.3):
            continue
        taken.update([oneof.name] if oneof is not None else [])
        empty = oneof is not None and source.random() < 0.2
        pairs.append((_spelling(source, field), None if empty else _field(draft, field, oddness, depth)))
    if source.random() < oddness:
        pairs.append((source.choice([*(key for key, _ in pairs), "unknown", "\udcff", "\ud83d"]), draft.value()))
    return pairs or {}


def _spelling(source: random.Random, field: FieldDescriptor) -> str:
    other = field.name.title().replace("_", "")
    return source.choice([field.json_name] * 6 + [field.name] * 3 + [other, field.name.upper(), field.name + "_"])


def _field(draft: Draft, field: FieldDescriptor, oddness: float, depth: int) -> Any:
    source = draft.source
    if source.random() < oddness:
        return draft.value()
    if _is_map(field):
        pairs: Pairs = [(source.choice("abc"), source.choice(["x", "", "é"])) for _ in range(source.randrange(3))]
        return pairs or {}
    if field.is_repeated:
        return [_single(draft, field, oddness, depth) for _ in range(source.randrange(3))]
    return None if source.random() < 0.05 else _single(draft, field, oddness, depth)


def _single(draft: Draft, field: FieldDescriptor, oddness: float, depth: int) -> Any:
    source = draft.source
    if field.message_type is not None:
        return _message(draft, field.message_type, oddness, depth - 1) if depth else {}
    whole: list[Any] = [0, 1, 5, "5", Raw("5.0"), Raw("0.5e1"), 2**31 - 1]
    values: dict[int, list[Any]] = {
        FieldDescriptor.TYPE_STRING: ["", "x", "{}", "s3cret", "\U0001f600"],
        FieldDescriptor.TYPE_BOOL: [True, False],
        FieldDescriptor.TYPE_UINT32: [*whole, 2**31, 2**32 - 1],
        FieldDescriptor.TYPE_INT32: [*whole, -1, -(2**31), "-5"],
        FieldDescriptor.TYPE_DOUBLE: [*whole, 0.5, "1e3", "NaN", "-Infinity", -1e300],
        FieldDescriptor.TYPE_ENUM: ["MP4", "no such name", 0, 1, 99, -1, Raw("2.0"), ""],
    }
    return source.choice(values[field.type])


def _is_map(field: FieldDescriptor) -> bool:
    return bool(field.message_type and field.message_type.GetOptions().map_entry)


# --- header, signature, form ---
def header(draft: Draft) -> None:
    """Other algorithms, and odd headers."""
    source = draft.source
    algorithms = [
        "HS384",
        "HS512",
        "RS256",
        "PS512",
        "ES256",
        "EdDSA",
        "none",
        "hs256",
        "None",
        "",
        "XX",
        "HS256 ",
        5,
        None,
    ]
    kind = source.randrange(5)
    if kind == 0:
        draft.set(draft.header, "alg", source.choice(algorithms))
    elif kind == 1:
        draft.set(draft.header, source.choice(["typ", "kid", "crit", "cty", "jku", "alg"]), draft.value())
    elif kind == 2:
        draft.header = source.choice([[("alg", "HS256")], [("typ", "JWT")], [("ALG", "HS256")], [("alg", "HS256")] * 2])
    elif kind == 3:
        draft.set(draft.header, "kid", [("deep", [draft.value(), {"\udcff": draft.value()}])])
    else:
        draft.set(draft.header, "typ", source.choice(["jwt", "JWE", "", "at+jwt", "\udcff"]))


def signature(draft: Draft) -> None:
    """Other secrets, other digests, damaged signatures."""
    source = draft.source
    kind = source.randrange(3)
    if kind == 0:
        draft.secret = source.choice([OTHER_SECRET, draft.secret + "x", draft.secret[:-1], draft.secret + "\n", "s"])
    elif kind == 1:
        draft.digest = source.choice(["sha384", "sha512", "sha1"])
    else:
        end = source.choice(["", "=", "==", "A", "AA", "!!", "*", "-", "_", "%", "~"])
        cut = source.choice([0, 0, 1, 2, 3, 20, 43])
        draft.harm.append(lambda token: token[: len(token) - cut] + end)


def issuer(draft: Draft) -> None:
    """Keys that the server does not know."""
    key = draft.key
    others: list[Any] = [
        "",
        None,
        5,
        "APIunknown",
        key.lower(),
        key + " ",
        key[:-1],
        "devkey",
        Raw('"\\ud800"'),
        draft.value(),
    ]
    draft.set(draft.claims, "iss", draft.source.choice(others))


def damaged(draft: Draft) -> None:
    """JSON that is none, or hardly."""
    source = draft.source
    blank = source.choice([" ", "\n", "\t", "\r\n", "\x0b", "\xa0", "\ufeff"])
    bad = source.choice(
        ["NaN", "-Infinity", "01", "1.", ".5", "+1", "tru", "'a'", "undefined", "1 2", "[1,]", "{,}", "0x1"]
    )
    text = source.choice(["\n", "\x00", "\x1f", "\\x", "\\u12", "\\", "\udcff", "\udce2\udc82", "\udced\udca0\udc80"])
    cut = source.randrange(1, 20)
    draft.damage.append(
        source.choice(
            [
                lambda payload: blank + payload,
                lambda payload: payload + blank,
                lambda payload: payload.replace(":", f"{blank}:{blank}", 2),
                lambda payload: payload[:-1] + f',"x":{bad}}}',
                lambda payload: payload[:-1] + f',"x":"{text}"}}',
                lambda payload: payload[:-1] + f',"{text}":1}}',
                lambda payload: payload.replace("alice", "ali" + text + "ce"),
                lambda payload: payload[:-cut],
                lambda payload: payload + source.choice(["x", ",", "{}", "null", "\x00"]),
                lambda payload: payload[:-1] + ",}",
                lambda payload: payload.replace('"', "'"),
                lambda _: source.choice(["[]", "null", "5", '"x"', "{}", "", "[{}]", "true"]),
            ]
        )
    )


def form(draft: Draft) -> None:
    """More parts or fewer, padding, other base64."""
    source = draft.source
    at = source.randrange(3)
    changes: list[Callable[[list[str]], list[str]]] = [
        lambda parts: parts[:2],
        lambda parts: [*parts, "x"],
        lambda parts: [parts[0], parts[1] + "=", parts[2]],
        lambda parts: [parts[0] + "==", *parts[1:]],
        lambda parts: [*parts[:at], "", *parts[at + 1 :]],
        lambda parts: [*parts[:at], parts[at][:-1], *parts[at + 1 :]],
        lambda parts: [*parts[:at], parts[at] + source.choice("AB-_+/!"), *parts[at + 1 :]],
        lambda parts: [parts[1], parts[0], parts[2]],
        lambda parts: [segment(b"\x00" + parts[0].encode()), *parts[1:]],
    ]
    change = source.choice(changes)
    draft.harm.append(lambda token: token if token.count(".") < 2 else ".".join(change(token.split("."))))


TWISTS: tuple[tuple[Callable[[Draft], None], int], ...] = (
    (times, 5), (odd_times, 3), (odd_claim, 5), (odd_grant, 5), (good_claims, 4), (letter_case, 4), (unknown_keys, 3),
    (repeated_keys, 5), (taken_away, 3), (who_and_where, 5), (sizes, 1), (room_config, 5), (odd_room_config, 5),
    (header, 3), (signature, 2), (issuer, 2), (damaged, 3), (form, 1),
)  # fmt: skip


def make_case(seed: int, number: int, key: str, secret: str, now: int) -> Case:
    """Make the token of this number."""
    source = random.Random(f"{seed}/{number}")  # noqa: S311
    draft = Draft(source, key, secret, now)
    functions, weights = zip(*TWISTS, strict=True)
    twists = source.choices(functions, weights, k=source.choice([1, 1, 1, 1, 1, 2, 2, 3]))
    for twist in twists:
        twist(draft)
    return Case(draft.text(), ", ".join(twist.__name__ for twist in twists))
