import pytest

from lkctl.userid import PRESETS, SOURCES, Policy, build_policy

STANDARD = ("participant.metadata", "room.metadata", "room.name", "env", "random")


def test_presets() -> None:
    assert {name: policy.order for name, policy in PRESETS.items()} == {
        "standard": STANDARD,
        "metadata-only": ("participant.metadata", "room.metadata", "random"),
        "dispatch": (
            "job.metadata",
            "participant.attributes",
            "participant.metadata",
            "participant.identity",
            "room.metadata",
            "room.name",
            "env",
            "random",
        ),
        "phone": ("participant.attributes", *STANDARD),
    }


def test_only_phone_has_attribute_keys_of_its_own() -> None:
    own = {name: policy.attribute_keys for name, policy in PRESETS.items() if policy.attribute_keys}
    assert own == {"phone": ("sip.phoneNumber",)}
    assert build_policy("phone", keys="uid").participant_names[0].segments == ("sip.phoneNumber",)
    assert build_policy(keys="a.b").participant_names[0].segments == ("a.b",)


def test_nine_sources() -> None:
    assert len(SOURCES) == len(set(SOURCES)) == 9


def test_a_policy_from_flags() -> None:
    policy = build_policy(
        "phone",
        order="env, room.name,random",
        keys='common,["a,b"]',
        room_pattern="r-{userId}",
        identity_pattern="i-{userId}",
        random=False,
        strict=True,
        require_trusted=True,
        decode_nested=True,
    )
    assert policy == Policy(
        order=("env", "room.name"),
        keys=("userId", "user_id", "userID", "uid", "user.id", "user.userId", '["a,b"]'),
        attribute_keys=("sip.phoneNumber",),
        room_pattern="r-{userId}",
        identity_pattern="i-{userId}",
        strict=True,
        require_trusted=True,
        decode_nested=True,
    )


def test_without_flags_it_is_the_preset() -> None:
    assert build_policy("dispatch") == PRESETS["dispatch"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"preset": "x"}, "preset 'x' is unknown; choose one of: standard, metadata-only, dispatch, phone"),
        ({"order": "env,room"}, "order names 'room', which is no source"),
        ({"order": ""}, "order names '', which is no source"),
        ({"order": "env,random,env"}, "order names a source twice: env, random, env"),
        ({"order": "random", "random": False}, "order names no source"),
        ({"keys": ""}, "keys must be a tuple of at least one key"),
        ({"keys": "a,b..c"}, "key 'b..c' is no path"),
        ({"room_pattern": "rooms"}, "pattern 'rooms' has no place for the ID"),
        ({"identity_pattern": "("}, r"pattern '\(' is no regular expression"),
    ],
)
def test_bad_flags(flags: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_policy(**flags)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fields",
    [{"order": ()}, {"order": "env"}, {"keys": ()}, {"keys": "userId"}, {"keys": ("",)}, {"attribute_keys": ()}],
)
def test_bad_policy(fields: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(ValueError, match=r"order names|keys must be|key .* is no path"):
        Policy(**fields)  # type: ignore[arg-type]
