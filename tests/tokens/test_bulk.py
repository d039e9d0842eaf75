"""Many tokens are what one at a time would be: the same bytes, the same findings, the same refusals."""

import itertools
import random
import re
from collections.abc import Callable
from typing import Any

import pytest

from lkctl.errors import LkctlError
from lkctl.tokens.bulk.minter import BulkToken, Minter, SeenPairs
from lkctl.tokens.bulk.rows import ATTRIBUTE, Objects, Row, check_columns, read_cells
from lkctl.tokens.bulk.template import rules_that_look
from lkctl.tokens.findings import Check, Fault, Subject
from lkctl.tokens.lifetime import read_ttl
from lkctl.tokens.minting import TokenRequest, mint
from lkctl.tokens.reading import read_claims
from lkctl.tokens.signer import HEADER, Signer, encode, sign
from tests.tokens.forge import ID, NOW, PAIR, claims

TEMPLATES = {
    "nothing": TokenRequest(),
    "a user ID": TokenRequest(user_id=ID),
    "an odd user ID": TokenRequest(user_id="u-7"),
    "a user ID and metadata": TokenRequest(user_id=ID, metadata='{"plan": "pro"}'),
    "new": TokenRequest(user_id="new"),
    "everything": TokenRequest(
        identity="alice", name="Al", room="demo", kind="agent", metadata='{"a":1}', attributes={"x": "1", "y": "ä"},
        grants={"hidden": True, "canPublishSources": ["camera"]}, others={"sip": {"call": True}}, ttl=90.5,
        not_before=NOW + 1800, room_config={"agents": [{"agentName": "h"}]}, room_preset="p",
    ),
    "an admin": TokenRequest(role="admin", ttl=40 * 86400),
    "a room of its own": TokenRequest(grants={"room": "demo"}),
    "without end": TokenRequest(room="demo", ttl=None, unsafe=True),
}  # fmt: skip
ROWS: dict[str, Row] = {
    "identity": {"identity": "bob", "room": "demo"},
    "no room": {"identity": "bob"},
    "user ID": {"user_id": ID},
    "new user ID": {"user_id": "new", "name": "Bob"},
    "odd user ID": {"user_id": 'u"7\\', "room": "r"},
    "unusable user ID": {"user_id": "\x07", "room": "r"},
    "metadata": {"identity": "bob", "room": "r", "metadata": '{"k": "ä\\n\\"é"}'},
    "metadata and user ID": {"user_id": ID, "metadata": '{"k": 1}'},
    "user ID twice": {"user_id": ID, "metadata": '{"userId": "other"}'},
    "metadata no object": {"identity": "bob", "room": "r", "metadata": "[1]"},
    "a secret inside": {"identity": "bob", "room": "r", "metadata": '{"password": "hunter2hunter2"}'},
    "attributes": {"identity": "bob", "room": "r", "attribute.plan": "pro", "attribute.x": ""},
    "half a character": {"identity": "bob\ud800", "room": "r"},
    "half a character in an attribute": {"identity": "bob", "room": "r", "attribute.x": "\udcff"},
    "emoji": {"identity": "bob\U0001f600", "room": "ré"},
    "literal": {"identity": "user", "room": "r"},
    "blanks": {"identity": " bob", "room": "*"},
    "e-mail": {"identity": "bob@example.com", "room": "r"},
    "long": {"identity": "b" * 257, "room": "r"},
    "large": {"identity": "bob", "room": "r", "metadata": f'{{"a": "{"b" * 70_000}"}}'},
    "role": {"identity": "bob", "room": "r", "role": "viewer"},
    "no such role": {"identity": "bob", "room": "r", "role": "vewer"},
    "ttl": {"identity": "bob", "room": "r", "ttl": "10m"},
    "long ttl": {"identity": "bob", "room": "r", "ttl": "40d"},
    "negative ttl": {"identity": "bob", "room": "r", "ttl": "-5m"},
    "no ttl": {"identity": "bob", "room": "r", "ttl": "soon"},
    "admin": {"role": "admin", "identity": "ops"},
    "nobody": {"name": "Nobody"},
}


def entropy() -> Callable[[int], bytes]:
    """Give random bytes that are the same each time."""
    source = random.Random(7)  # noqa: S311
    return source.randbytes


def one(
    row: Row, template: TokenRequest, *, force: bool = False, made: str | None = None
) -> BulkToken | tuple[str, str]:
    """Mint a row as a single token; give what the other way has to give, or code and message of the refusal.

    `made` is the user ID that was made, where one was.
    """
    wanted = {name: text for name, text in row.items() if not name.startswith(ATTRIBUTE)}
    attributes = {name.removeprefix(ATTRIBUTE): text for name, text in row.items() if name.startswith(ATTRIBUTE)}
    values: dict[str, Any] = {**wanted, "attributes": {**template.attributes, **attributes}}
    if made is not None:
        values["user_id"] = made
    try:
        if "ttl" in values:
            values["ttl"] = read_ttl(values["ttl"])
        minted = mint(template._replace(**values), PAIR, now=NOW + 0.25, entropy=entropy(), force=force)
    except LkctlError as error:
        return _refusal(error)
    room = minted.claims.get("video", {}).get("room", "")
    return BulkToken(
        minted.token, minted.claims.get("sub", ""), room, minted.user_id, minted.expires_at, minted.findings
    )


def many(minter: Minter, row: Row) -> BulkToken | tuple[str, str]:
    """Mint a row among others."""
    try:
        made = minter.mint(row, NOW + 0.25)
    except LkctlError as error:
        return _refusal(error)
    assert made is not None
    return made


def _refusal(error: LkctlError) -> tuple[str, str]:
    """Give code and message, but for a user ID that was just made."""
    return error.code, re.sub(rf"user_{NOW}[0-9]+_[a-z0-9]+", "user_NEW", error.message)


def made_in(made: BulkToken | tuple[str, str], row: Row, template: TokenRequest) -> str | None:
    """Give the user ID that was made for a row, where one was wanted."""
    wanted = row.get("user_id", template.user_id) == "new"
    return made.user_id if wanted and isinstance(made, BulkToken) else None


@pytest.mark.parametrize("force", [False, True], ids=["judged", "forced"])
@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_each_is_what_one_would_be(row: Row, template: TokenRequest, force: bool) -> None:
    """The first, for which all is worked out, and those after it."""
    minter = Minter(template, PAIR, entropy=entropy(), force=force)
    for _ in range(3):
        made = many(minter, row)
        assert made == one(row, template, force=force, made=made_in(made, row, template))


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_rows_do_not_leave_anything_to_each_other(template: TokenRequest) -> None:
    """Rows of all shapes in any order, each with values of its own."""
    chance = random.Random(11)  # noqa: S311
    minter = Minter(template, PAIR, entropy=entropy())
    pools = {name: sorted({row[name] for row in ROWS.values() if name in row}) for name in NAMES}
    for _ in range(1500):
        names = [name for name in NAMES if chance.random() < 0.4]
        chance.shuffle(names)
        row = {name: chance.choice([*pools[name], f"v{chance.randrange(9)}"]) for name in names}
        row.pop("metadata", None) if row.get("metadata", "").startswith("v") else None
        made = many(minter, row)
        assert made == one(row, template, made=made_in(made, row, template)), row


NAMES = ("identity", "user_id", "room", "name", "metadata", "ttl", "role", "attribute.x", "attribute.plan")


def test_times_go_on() -> None:
    """A token is minted when it is minted, not when the first one was."""
    minter = Minter(TokenRequest(), PAIR, entropy=entropy())
    row = ROWS["identity"]
    expiries = [made.expires_at for at in (0, 0.9, 1, 7) if (made := minter.mint(row, NOW + at))]
    assert expiries == [NOW + 21600, NOW + 21600, NOW + 21601, NOW + 21607]


def test_what_rows_share_is_worked_out_once() -> None:
    """Only that draws on chance; without this the whole module were for nothing."""
    drawn = itertools.count()

    def counted(size: int) -> bytes:
        next(drawn)
        return bytes(size)

    minter = Minter(TokenRequest(), PAIR, entropy=counted)
    for number in range(500):
        many(minter, {"identity": f"bob{number}", "room": "r", "metadata": f'{{"n": {number}}}'})
        many(minter, {"user_id": f"user_17040672000{number:03}_a"})
    assert next(drawn) == 2


def test_metadata_that_is_no_json_is_refused_however_it_comes() -> None:
    """As --metadata refuses it; by the rules alone it would be a warning."""
    minter = Minter(TokenRequest(), PAIR, entropy=entropy())
    good = {"identity": "bob", "room": "r", "metadata": "{}"}
    for text in ("{}", "nonsense", "{}", "{", "[" * 100_000):
        outcome = many(minter, {**good, "metadata": text})
        assert isinstance(outcome, BulkToken) is (text == "{}")
        assert text == "{}" or outcome[0] == "input-malformed"


def test_what_is_known_is_left_out() -> None:
    """By identity and room, whether they were given or follow from the user ID."""
    known = SeenPairs()
    known.add("bob", "r")
    known.add(ID, f"mcp-chrome-user-{ID}")
    minter = Minter(TokenRequest(), PAIR, entropy=entropy(), known=known)
    for _ in range(2):
        assert minter.mint({"identity": "bob", "room": "r"}, NOW) is None
        assert minter.mint({"user_id": ID}, NOW) is None
        assert minter.mint({"identity": "bob", "room": "other"}, NOW) is not None
    with pytest.raises(LkctlError, match="nothing tells whether"):
        minter.mint({"user_id": "new"}, NOW)
    assert minter.mint({"user_id": "new", "identity": "bob", "room": "r"}, NOW) is None


def test_pairs_are_small_and_none_is_lost() -> None:
    """Whatever the length of the names."""
    pairs = SeenPairs()
    for number in range(20_000):
        pairs.add(f"identity-{number}" * 10, f"room-{number}")
        pairs.add(f"identity-{number}" * 10, f"room-{number}")
    assert len(pairs) == 20_000
    assert all((f"identity-{number}" * 10, f"room-{number}") in pairs for number in range(20_000))
    assert not any((f"identity-{number}", f"room-{number}") in pairs for number in range(20_000))
    assert len(pairs._slots) * pairs._slots.itemsize <= 32 * 20_000


PAIRS = [
    pytest.param(("a\0b", "c"), ("a", "b\0c"), id="null bytes"),
    pytest.param(("ab", "c"), ("a", "bc"), id="one text"),
    pytest.param(("1:", "a"), ("", "1:a"), id="a length"),
    pytest.param(("", "a"), ("a", ""), id="nothing"),
]


@pytest.mark.parametrize(("one_pair", "other"), PAIRS)
def test_pairs_are_told_apart(one_pair: tuple[str, str], other: tuple[str, str]) -> None:
    """Wherever the identity ends."""
    pairs = SeenPairs()
    pairs.add(*one_pair)
    assert one_pair in pairs
    assert other not in pairs


def _look(look: Callable[[Subject], Any]) -> Check:
    """Make a check that looks at something."""

    def check(subject: Subject) -> list[Fault]:
        return [Fault("found")] if look(subject) == "never" else []

    return check


LOOKS = [
    pytest.param(lambda s: s.reading.text("iss"), False, id="the key"),
    pytest.param(lambda s: s.reading.values["exp"], False, id="the expiry"),
    pytest.param(lambda s: s.reading.video.get("roomJoin"), False, id="a grant"),
    pytest.param(lambda s: "sub" in s.reading.values, False, id="whether there is an identity"),
    pytest.param(lambda s: bool(s.reading.values.get("attributes")), False, id="whether there are attributes"),
    pytest.param(lambda s: s.now, False, id="the time"),
    pytest.param(lambda s: s.reading.identity, True, id="the identity"),
    pytest.param(lambda s: s.reading.room, True, id="the room"),
    pytest.param(lambda s: s.reading.values["name"], True, id="the name"),
    pytest.param(lambda s: s.reading.values.get("name"), True, id="the name, perhaps"),
    pytest.param(lambda s: dict(s.reading.values), True, id="a copy"),
    pytest.param(lambda s: {**s.reading.values}, True, id="all unpacked"),
    pytest.param(lambda s: list(s.reading.values.items()), True, id="all pairs"),
    pytest.param(lambda s: s.reading.values == {}, True, id="all compared"),
    pytest.param(lambda s: s.reading.values | {}, True, id="all joined"),
    pytest.param(lambda s: s.reading.values["attributes"]["x"], True, id="an attribute"),
    pytest.param(lambda s: sorted(s.reading.values["attributes"].values()), True, id="attributes"),
    pytest.param(lambda s: str(s.reading.values["attributes"]), True, id="attributes as text"),
    pytest.param(lambda s: s.reading.values["attributes"]["y"], False, id="another attribute"),
    pytest.param(lambda s: s.size > 5, True, id="the size"),
]


@pytest.mark.parametrize(("look", "seen"), LOOKS)
def test_a_look_at_what_differs_is_seen(look: Callable[[Subject], Any], seen: bool) -> None:
    """Else a rule would be asked once for all rows."""
    reading = read_claims(claims(name="Al", attributes={"x": "1", "y": "2"}))
    subject = Subject(HEADER, reading, NOW, 400)
    differing = {
        id(reading.values): {"sub", "name"},
        id(reading.values["attributes"]): {"x"},
        id(reading.grants["video"]): {"room"},
    }
    check = _look(look)
    assert rules_that_look([check], subject, differing) == ((check,) if seen else ())


@pytest.mark.parametrize("secret", ["s", "x" * 43, "x" * 64, "x" * 65, "ä" * 200, "\udcff"], ids=len)
def test_the_prepared_signer_signs_as_the_other(secret: str) -> None:
    """Whatever the length of the secret: HMAC hashes one that is longer than a block."""
    signer = Signer(secret)
    for content in ({}, claims(), {"name": "é\U0001f600" * 100}):
        assert signer.sign(encode(content)) == sign(content, secret)


CELLS = [
    pytest.param(["identity", "room"], ["a", "r"], {"identity": "a", "room": "r"}, id="full"),
    pytest.param(["identity", "room", "name"], ["a", "", ""], {"identity": "a"}, id="not given"),
    pytest.param(["attribute.x", "identity"], ["", "a"], {"identity": "a"}, id="attribute not given"),
    pytest.param(["identity", "room"], ["", "r"], "identity is empty", id="no identity"),
    pytest.param(["identity", "user_id"], ["a", ""], "user_id is empty", id="no user ID"),
    pytest.param(["identity", "room"], ["a"], "the row has 1 cell, the header 2", id="too few"),
    pytest.param(["identity"], ["a", "b"], "the row has 2 cells, the header 1", id="too many"),
]


@pytest.mark.parametrize(("names", "cells", "wanted"), CELLS)
def test_cells(names: list[str], cells: list[str], wanted: Row | str) -> None:
    """A row of CSV."""
    assert _outcome(lambda: read_cells(names, cells)) == wanted


_UNUSABLE = "it is not usable JSON: "
LINES = [
    pytest.param('{"identity":"a","room":"r"}', {"identity": "a", "room": "r"}, id="texts"),
    pytest.param(' {"identity":"a"} ', {"identity": "a"}, id="blanks around"),
    pytest.param('{"identity":"a","room":null,"metadata":null}', {"identity": "a"}, id="null is not given"),
    pytest.param(
        '{"identity":"a","metadata":{"b":[1,"ä"]}}', {"identity": "a", "metadata": '{"b":[1,"ä"]}'}, id="metadata"
    ),
    pytest.param('{"identity":"a","ttl":90}', {"identity": "a", "ttl": "90"}, id="seconds"),
    pytest.param(
        '{"identity":"a","attributes":{"b":"","c":"d","e":null},"attribute.f":""}',
        {"identity": "a", "attribute.b": "", "attribute.c": "d", "attribute.f": ""},
        id="attributes",
    ),
    pytest.param('{"identity":""}', "identity is empty", id="empty identity"),
    pytest.param('{"user_id":null}', "user_id is empty", id="no user ID"),
    pytest.param('{"identity":"a","room":""}', "room is empty", id="empty room"),
    pytest.param('{"identity":7}', "identity is a number and must be text", id="number"),
    pytest.param('{"identity":"a","ttl":true}', "ttl is true or false and must be text", id="flag"),
    pytest.param('{"identity":"a","attributes":{"b":5}}', "attribute.b is a number and must be text", id="number in"),
    pytest.param('{"identity":"a","attributes":["b"]}', "attributes is no object", id="list of attributes"),
    pytest.param('{"attributes":{"b":"c"},"attribute.b":"d"}', "the attribute 'b' is there twice", id="twice"),
    pytest.param('{"identiy":"a"}', "there is no column 'identiy'", id="misspelt"),
    pytest.param('{"attribute.":"a"}', "there is no column 'attribute.'", id="attribute without a name"),
    pytest.param('["a"]', "it is JSON, but no object", id="list"),
    pytest.param('{"identity":"a"', "it is not JSON: Expecting ',' delimiter at column 16", id="cut off"),
    pytest.param('{"identity":"a"} x', "it is not JSON: Extra data at column 18", id="more"),
    pytest.param(
        '{"identity":"a","metadata":{"b":NaN}}', "it is not usable JSON: it holds NaN, which is not JSON", id="NaN"
    ),
    pytest.param(
        '{"identity":"a","identity":"b"}', _UNUSABLE + "the key 'identity' is given more than once", id="key twice"
    ),
    pytest.param(
        '{"identity":"a","metadata":{"b":1,"b":2}}',
        _UNUSABLE + "the key 'b' is given more than once",
        id="key in it twice",
    ),
    pytest.param(
        '{"identity":"a","metadata":{"b":1e999}}',
        _UNUSABLE + "it holds the number 1e999, which is out of range",
        id="infinite",
    ),
    pytest.param(
        '{"metadata":' + "[" * 100_000,
        "it is not usable JSON: it is nested deeper than 100 levels",
        id="deep",
    ),
]


@pytest.mark.parametrize(("line", "wanted"), LINES)
def test_objects(line: str, wanted: Row | str) -> None:
    """A row of JSONL; the second time its keys are known."""
    objects = Objects()
    assert [_outcome(lambda: objects.read(line)) for _ in range(2)] == [wanted] * 2


HEADERS = [
    pytest.param(["identity", "room", "attribute.plan"], "", id="good"),
    pytest.param(["identity", ""], "column 2 has no name", id="nameless"),
    pytest.param(["identity", "identity"], "the column 'identity' is there twice", id="twice"),
    pytest.param(["Identity"], "there is no column 'Identity' (Did you mean identity?", id="letter case"),
    pytest.param(["user id"], "there is no column 'user id' (Did you mean user_id?", id="blank"),
    pytest.param(["x" * 1000], f"there is no column '{'x' * 40}…'", id="long"),
]


@pytest.mark.parametrize(("names", "wanted"), HEADERS)
def test_headers(names: list[str], wanted: str) -> None:
    """What is unknown is said up front, with what was meant."""
    outcome = ""
    try:
        check_columns(names)
    except LkctlError as error:
        outcome = f"{error.message} ({error.hint})"
    assert outcome.startswith(wanted)
    assert bool(outcome) is bool(wanted)


def _outcome(read: Callable[[], Row]) -> Row | str:
    try:
        return read()
    except LkctlError as error:
        return error.message
