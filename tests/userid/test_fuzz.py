"""Nothing that a participant can write stops the resolver, and no text that is not JSON comes out again."""

import json
import random
import re

import pytest

from lkctl.userid import Job, Participant, Permission, Policy, Room, Snapshot, build_policy, resolve, snapshot_from_json

SECRET = "hunter2"
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
KEYS = ("userId", "user_id", "uid", "user", "id", "a.b", "")
SCRAPS = (
    *'{}[]":,\\ \n\t\x00\x1b\ufeff\u200b\u2028\ud800\U0001f600é0-.eE+',
    "null",
    "true",
    "NaN",
    "Infinity",
    "\\u0000",
    "\\ud800",
    "userId",
    '"userId":',
    "user_1704067200000_abc123",
    "mcp-chrome-user-",
    "[bold]",
    "9" * 5000,
    "[" * 3000,
    '{"a":' * 3000,
    "x" * 300,
)
POLICIES = (
    Policy(),
    build_policy("dispatch", keys="common", decode_nested=True),
    build_policy("phone", strict=True, require_trusted=True, random=False),
    build_policy(
        "metadata-only", keys='["a.b"],user.id', identity_pattern="{userId}", room_pattern="(?P<user_id>.*)x?"
    ),
)


def some_value(rng: random.Random, depth: int = 0) -> object:
    if depth < 3 and rng.random() < 0.5:
        if rng.random() < 0.7:
            return {rng.choice(KEYS): some_value(rng, depth + 1) for _ in range(rng.randint(0, 4))}
        return [some_value(rng, depth + 1) for _ in range(rng.randint(0, 3))]
    return rng.choice([None, True, 0, -1, 1.5, 10**300, "", " ", "bob", "a\nb", "\ud800", "user_1704067200000_abc123"])


def some_text(rng: random.Random) -> str:
    scraps = "".join(rng.choices(SCRAPS, k=rng.randint(0, 12)))
    document = json.dumps(some_value(rng))
    cut = rng.randint(0, len(document))
    doubled = json.dumps(document)
    repeated = '{"userId": ' + json.dumps(some_value(rng)) + ', "userId": ' + document + "}"
    return rng.choice([scraps, document, document[:cut] + scraps + document[cut:], doubled, repeated])


def some_snapshot(rng: random.Random) -> Snapshot:
    participants = tuple(
        Participant(
            identity=some_text(rng)[:40],
            kind=rng.choice(["STANDARD", "SIP", "AGENT", "?"]),
            state=rng.choice(["ACTIVE", "DISCONNECTED"]),
            metadata=some_text(rng),
            attributes={rng.choice(KEYS): some_text(rng)},
            joined_at_ms=rng.randint(-1, 2),
            permission=Permission(can_update_metadata=rng.random() < 0.5, hidden=rng.random() < 0.2),
        )
        for _ in range(rng.randint(0, 3))
    )
    return Snapshot(
        room=rng.choice([None, Room(some_text(rng), some_text(rng))]),
        participants=participants,
        job=Job(some_text(rng), {"userId": some_text(rng)}),
        env={"CHROME_USER_ID": some_text(rng)},
        room_name=some_text(rng),
        local_identity=some_text(rng)[:40],
    )


@pytest.mark.parametrize("seed", range(40))
def test_no_metadata_stops_the_resolver(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311
    for _ in range(100):
        snapshot = some_snapshot(rng)
        for policy in POLICIES:
            resolution = resolve(snapshot, policy)
            assert (resolution.source is None) == (resolution.log == ())
            if resolution.user_id is not None:
                assert 0 < len(resolution.user_id.encode()) <= 256
                assert not UNSAFE.search(resolution.user_id)
                assert resolution.user_id == resolution.user_id.strip()


@pytest.mark.parametrize("seed", range(20))
def test_the_server_s_random_order_changes_nothing(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311
    for _ in range(30):
        participants = [Participant(f"u{n}", metadata=some_text(rng), joined_at_ms=rng.randint(0, 2)) for n in range(5)]
        before = resolve(Snapshot(participants=tuple(participants)))
        rng.shuffle(participants)
        assert resolve(Snapshot(participants=tuple(participants))) == before


@pytest.mark.parametrize("seed", range(10))
def test_text_that_is_not_json_is_not_echoed(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311
    for _ in range(100):
        text = f"{some_text(rng)}{SECRET}"
        snapshot = Snapshot(room=Room("r", text), participants=(Participant("u", metadata=text),), job=Job(text))
        resolution = resolve(snapshot, build_policy("dispatch"))
        codes = [warning.code for warning in resolution.warnings]
        assert codes.count("W-JSON") == 3
        assert SECRET not in repr(resolution)


@pytest.mark.parametrize("seed", range(20))
def test_a_document_is_read_or_refused(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311
    names = ("room", "participants", "job", "env", "now_ms", "local_identity", "name", "metadata", "attributes")
    refusals = []
    for _ in range(150):
        inner = {rng.choice(names): rng.choice([some_value(rng), [some_value(rng)], {"kind": some_value(rng)}])}
        document = {rng.choice(names): rng.choice([inner, [inner], some_value(rng)]) for _ in range(3)}
        try:
            resolve(snapshot_from_json(document, rng.choice(["", "r"])))
        except ValueError as error:
            refusals.append(str(error))
    assert 0 < len(refusals) < 150
    assert all("must be" in refusal or refusal.startswith("room") for refusal in refusals)
