"""Minting many tokens: what rows have in common is worked out once, and each row is judged all the same.

The result is that of `mint`, byte for byte (tests/tokens/test_bulk.py), in a quarter of its time.
"""

import json
from array import array
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, NamedTuple

from lkctl.convention import NEW, is_conventional
from lkctl.errors import LkctlError
from lkctl.settings.shape import Pair
from lkctl.tokens.catalogue import RULES
from lkctl.tokens.findings import NO_FACTS, Facts, Finding, Subject
from lkctl.tokens.lifetime import read_ttl
from lkctl.tokens.minting import TokenRequest, make_claims, mint, settle_user_id
from lkctl.tokens.mould import Marks, Mould
from lkctl.tokens.rows import ATTRIBUTE, Row
from lkctl.tokens.signer import HEADER, Signer

_SHAPING = ("role", "ttl")  # columns whose values decide the shape of a token; the others fill it
_MOST_MOULDS = 256
_Shape = tuple[str, ...]


class Ticket(NamedTuple):
    """A token, who it is for, and what the rules say of it. `expires_at` in seconds since 1970; None is never."""

    token: str
    identity: str
    room: str
    user_id: str | None
    expires_at: int | None
    findings: tuple[Finding, ...]

    def __repr__(self) -> str:
        return f"Ticket(<JWT>, {self.identity!r}, {self.room!r})"


class Keys:
    """Pairs of identity and room, kept as digests of 64 bits: 16 to 32 bytes each, however long they are.

    Two different ones are taken for the same once in 10 million runs of a million rows.
    """

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * 1024))
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def __contains__(self, key: tuple[str, str]) -> bool:
        return self._slots[self._place(_digest(*key))] != 0

    def add(self, identity: str, room: str) -> None:
        """Put one in."""
        if 2 * self._used >= len(self._slots):
            self._grow()
        digest = _digest(identity, room)
        place = self._place(digest)
        self._used += not self._slots[place]
        self._slots[place] = digest

    def _place(self, digest: int) -> int:
        """Find where it is, or where it would be put."""
        slots, last = self._slots, len(self._slots) - 1
        place = digest & last
        while slots[place] not in {0, digest}:
            place = (place + 1) & last
        return place

    def _grow(self) -> None:
        before = self._slots
        self._slots = array("Q", bytes(2 * len(before) * before.itemsize))
        for digest in before:
            if digest:
                self._slots[self._place(digest)] = digest


class Minter:
    """Mints tokens for rows; what a row leaves out, the template gives. `known` are those that are not wanted again."""

    def __init__(
        self,
        template: TokenRequest,
        pair: Pair,
        *,
        entropy: Callable[[int], bytes],
        force: bool = False,
        facts: Facts = NO_FACTS,
        known: Keys | None = None,
    ) -> None:
        self._template, self._pair, self._entropy = template, pair, entropy
        self._force, self._facts, self._known = force, facts, known
        self._sign = Signer(pair.secret).sign
        self._moulds: dict[_Shape, Mould] = {}
        self._second = 0

    def mint(self, row: Row, now: float) -> Ticket | None:
        """Make the token for a row, or give None where it is known; raise what `mint` raises."""
        if row.get("user_id", self._template.user_id) == NEW:
            row = self._named(row, now)
        if int(now) != self._second:
            self._moulds.clear()  # they hold the times
            self._second = int(now)
        shape = (*row, *[row[name] for name in _SHAPING if name in row])
        mould = self._moulds.get(shape)
        if mould is None or ("user_id" in row and not is_conventional(row["user_id"])):
            return self._wholly(row, now, shape)
        key = mould.fill(row)
        if self._known is not None and key in self._known:
            return None
        return self._cast(mould, row, now, key) or self._wholly(row, now)

    def _cast(self, mould: Mould, row: Row, now: float, key: tuple[str, str]) -> Ticket | None:
        """Make the token from the mould; None where a rule finds something in this very row."""
        text = mould.text(row)
        if "\\ud" in text and not _whole(row):
            return None
        token = self._sign(text)
        subject = self._subject(mould, now, len(token))
        for check in mould.checks:
            for _ in check(subject):
                return None
        return Ticket(token, *key, row.get("user_id", mould.user_id), mould.expires_at, mould.findings)

    def _subject(self, mould: Mould, now: float, size: int) -> Subject:
        """Give what the rules look at, as `mint` does."""
        begins = max(now, mould.begins)
        return Subject(HEADER, mould.reading, begins, size, "verified", "", self._pair, (), self._facts)

    def _wholly(self, row: Row, now: float, shape: _Shape | None = None) -> Ticket | None:
        """Mint as a single token is minted, and keep a mould for rows of this shape."""
        minted = mint(
            self._request(row), self._pair, now=now, entropy=self._entropy, force=self._force, facts=self._facts
        )
        _insist_json(row.get("metadata"))
        key = minted.claims.get("sub", ""), minted.claims.get("video", {}).get("room", "")
        ticket = Ticket(minted.token, *key, minted.user_id, minted.expires_at, minted.findings)
        if shape is not None and len(self._moulds) < _MOST_MOULDS:
            self._keep(shape, row, now, ticket)
        return None if self._known is not None and key in self._known else ticket

    def _keep(self, shape: _Shape, row: Row, now: float, ticket: Ticket) -> None:
        """Keep a mould, if what it makes of this row is what `mint` made."""
        mould = self._mould(row, now, ticket.findings)
        if mould is not None and is_conventional(row.get("user_id", "")) is ("user_id" in row):
            mould.judge(RULES, self._subject(mould, now, len(ticket.token)))
            if self._cast(mould, row, now, mould.fill(row)) == ticket:
                self._moulds[shape] = mould

    def _mould(self, row: Row, now: float, findings: tuple[Finding, ...]) -> Mould | None:
        """Make the claims once more, with marks where rows differ; None where what differs is more than that."""
        marks = Marks([name for name in row if name not in _SHAPING], self._entropy(8).hex())
        try:
            user_id, _ = settle_user_id(self._template.user_id, now, self._entropy)
            request = self._request({**row, **marks.texts})
            claims = make_claims(request, self._pair.key, now, marks.texts.get("user_id", user_id))
        except LkctlError:  # such as for a user ID that is to be put into metadata of the row
            return None
        mould = Mould(claims, marks, user_id, findings)
        return mould if mould.sound else None

    def _named(self, row: Row, now: float) -> Row:
        """Make the user ID that is wanted new."""
        if self._known is not None and not {"identity", "room"} <= row.keys():
            told = "the user ID is new, so nothing tells whether the token is there already"
            raise LkctlError("usage", told, hint="Give identity and room too, or leave out --skip-existing")
        made, _ = settle_user_id(NEW, now, self._entropy)
        return {**row, "user_id": made or ""}

    def _request(self, row: Row) -> TokenRequest:
        """Put the row over the template."""
        template = self._template
        attributes = {name.removeprefix(ATTRIBUTE): text for name, text in row.items() if name.startswith(ATTRIBUTE)}
        given: dict[str, Any] = {name: text for name, text in row.items() if not name.startswith(ATTRIBUTE)}
        if "ttl" in given:
            given["ttl"] = read_ttl(given["ttl"])
        return template._replace(**given, attributes={**template.attributes, **attributes})


def _whole(row: Row) -> bool:
    """Whether a row has no halves of characters in it."""
    try:
        "".join(row.values()).encode()
    except UnicodeEncodeError:
        return False
    return True


def _insist_json(metadata: str | None) -> None:
    if metadata is None:
        return
    try:
        json.loads(metadata)
    except json.JSONDecodeError as error:
        told = f"metadata is not JSON: {error.msg} at column {error.pos + 1}"
        raise LkctlError("input-malformed", told, hint='Write it as {"plan": "pro"}') from None
    except (ValueError, RecursionError):
        raise LkctlError("input-malformed", "metadata is not usable JSON", hint="Simplify it") from None


def _digest(identity: str, room: str) -> int:
    text = f"{identity}\0{room}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest()) or 1
