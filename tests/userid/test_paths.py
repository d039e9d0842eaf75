import pytest

from lkctl.userid.paths import COMMON, RepeatingObject, parse_path, split_keys


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("userId", ("userId",)),
        ("user.id", ("user", "id")),
        ('["a.b"]', ("a.b",)),
        ('user["a.b"].id', ("user", "a.b", "id")),
        ('["a"]["b"]', ("a", "b")),
        (r'["say \"hi\""]', ('say "hi"',)),
        (r'["\u00e9"]', ("é",)),
        ('[""]', ("",)),
        ("user-id", ("user-id",)),
    ],
)
def test_path(text: str, segments: tuple[str, ...]) -> None:
    assert parse_path(text).segments == segments


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".a", "a..b", "a[0]", "a[", 'a["b"', "a]", "['a']", 'a["b"]c', r'["\x"]']
)
def test_malformed_path(text: str) -> None:
    with pytest.raises(ValueError, match="is no path; write it as userId"):
        parse_path(text)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("userId", ("userId",)),
        ("a, b.c", ("a", "b.c")),
        ('["a,b"],c', ('["a,b"]', "c")),
        ("common", COMMON),
        ("me,common,uid", ("me", *COMMON)),
        ('["common"]', ('["common"]',)),
        ("a,a", ("a",)),
        ("", ()),
    ],
)
def test_split(text: str, keys: tuple[str, ...]) -> None:
    assert split_keys(text) == keys


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a", {"b": None}),
        ("a.b", None),
        ('["a.b"]', 5),
        ("list", [1]),
    ],
)
def test_find(path: str, found: object) -> None:
    hit = parse_path(path).find({"a": {"b": None}, "a.b": 5, "list": [1]})
    assert hit is not None
    assert (hit.value, hit.repeated) == (found, False)


@pytest.mark.parametrize("path", ["x", "a.x", "a.b.c", "list.0", "text.x"])
def test_find_nothing(path: str) -> None:
    assert parse_path(path).find({"a": {"b": None}, "list": [1], "text": "x"}) is None


def test_a_name_of_attributes_is_not_split() -> None:
    name = parse_path("sip.phoneNumber").flat()
    hit = name.find({"sip.phoneNumber": "+49", "sip": "x"})
    assert hit is not None
    assert (name.text, hit.value) == ("sip.phoneNumber", "+49")


def test_repetition_is_seen_on_the_way() -> None:
    repeating = RepeatingObject({"a": {"b": 1}, "c": 2})
    repeating.repeated = frozenset({"a"})
    hits = [parse_path(text).find(repeating) for text in ("a.b", "c")]
    assert [hit.repeated for hit in hits if hit] == [True, False]
