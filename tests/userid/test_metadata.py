"""Metadata may be anything: the text is judged, never trusted and never echoed."""

import hashlib
import json
import sys

import pytest

from lkctl.userid.metadata import read_metadata
from lkctl.userid.paths import parse_path
from lkctl.userid.values import Reading

ID = "user_1704067200000_abc123"


def read(text: str, *keys: str, decode_nested: bool = False) -> Reading:
    paths = tuple(map(parse_path, keys or ("userId",)))
    return read_metadata(text, paths, strict=False, decode_nested=decode_nested)


def codes(reading: Reading) -> list[str]:
    return [remark.code for remark in reading.remarks]


@pytest.mark.parametrize(
    ("text", "reason", "size"),
    [
        pytest.param("hunter2", "it breaks at character 1", 7, id="text"),
        pytest.param("  ", "it breaks at character 3", 2, id="blank"),
        pytest.param("é\ud800", "it breaks at character 1", 5, id="surrogate"),
        pytest.param("\ufeff{}", "it breaks at character 1", 5, id="byte order mark"),
        pytest.param('{"userId": NaN}', "it holds NaN", 15, id="NaN"),
        pytest.param('[-Infinity, "hunter2"]', "it holds -Infinity", 22, id="Infinity"),
        pytest.param("[" * 100_000, "it is nested too deeply", 100_000, id="deep list"),
        pytest.param('{"a":' * 100_000, "it is nested too deeply", 500_000, id="deep object"),
        pytest.param("9" * 4301, "it holds a number of more than 4300 digits", 4301, id="number"),
        pytest.param("-" + "9" * 4301, "it holds a number of more than 4300 digits", 4302, id="negative number"),
        pytest.param('{"userId": "a\nb"}', "it breaks at character 14", 17, id="raw newline"),
        pytest.param('{"userId": "x"} hunter2', "it breaks at character 17", 23, id="trailing text"),
    ],
)
def test_not_json(text: str, reason: str, size: int) -> None:
    reading = read(text)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    assert reading.status == "invalid"
    assert reading.remarks[-1].code == "W-JSON"
    assert reading.remarks[-1].says == f"is not JSON: {reason} ({size} bytes, sha256 {digest})"
    assert "hunter2" not in repr(reading)


@pytest.mark.parametrize("text", ["null", "true", "0", "1e400", '"hunter2"', "[]", '"[1]"', '"{"', '"{\\"a\\": NaN}"'])
def test_no_object(text: str) -> None:
    reading = read(text)
    assert (reading.status, codes(reading)) == ("invalid", ["W-NOTOBJECT"])
    assert "hunter2" not in repr(reading)


def test_encoded_twice() -> None:
    twice = json.dumps(json.dumps({"userId": ID}))
    assert (read(twice).status, codes(read(twice))) == ("invalid", ["W-DOUBLE"])
    assert ID not in repr(read(twice))
    decoded = read(twice, decode_nested=True)
    assert (decoded.value, codes(decoded)) == (ID, ["W-DOUBLE"])


def test_encoded_twice_without_the_key() -> None:
    decoded = read(json.dumps(json.dumps({"a": 1})), decode_nested=True)
    assert (decoded.status, codes(decoded)) == ("absent", ["W-DOUBLE"])


@pytest.mark.parametrize(
    ("text", "keys", "status", "expected"),
    [
        pytest.param("{}", ("userId",), "absent", [], id="no key"),
        pytest.param('{"a": {}}', ("a.b",), "absent", [], id="no nested key"),
        pytest.param('{"a": 1, "a": 2}', ("userId",), "absent", [], id="repeated, not read"),
        pytest.param('{"a": "x", "a": null}', ("a",), "invalid", ["W-DUPKEY", "W-TYPE"], id="the last one counts"),
        pytest.param('{"a": "x", "b": "", "b": ""}', ("a", "b"), "found", ["W-FORMAT"], id="not reached"),
        pytest.param('{"a": "", "b": null}', ("a", "b"), "empty", ["W-EMPTY", "W-TYPE"], id="first problem counts"),
        pytest.param('{"user_id": "x"}', ("userId",), "absent", ["W-NEARMISS"], id="near miss"),
        pytest.param('{"user": {"userId": "x"}}', ("userId",), "absent", ["W-NEARMISS"], id="near miss, nested"),
        pytest.param('{"user.id": "x"}', ("userId",), "absent", [], id="a dot in a key is no path"),
        pytest.param('{"userId": "x"}', ("me",), "absent", ["W-NEARMISS"], id="near miss of another key"),
        pytest.param('{"USERID": "x"}', ("userId",), "absent", [], id="case matters"),
    ],
)
def test_keys(text: str, keys: tuple[str, ...], status: str, expected: list[str]) -> None:
    reading = read(text, *keys)
    assert (reading.status, codes(reading)) == (status, expected)


def test_a_near_miss_tells_what_to_do() -> None:
    (remark,) = read('{"uid": "x"}', "userId", "user.id").remarks
    assert (remark.about, remark.says) == ("uid", "is x, but only userId or user.id is read")


def test_many_repeated_keys_are_found_in_one_pass() -> None:
    text = "{" + ",".join(f'"k{n}": 1' for n in range(200_000)) + f', "k0": 2, "userId": "{ID}"}}'
    reading = read(text)
    assert (reading.value, codes(reading)) == (ID, ["W-OVERSIZE"])
    assert codes(read(text, "k0"))[:2] == ["W-OVERSIZE", "W-DUPKEY"]


def test_a_sign_is_no_digit() -> None:
    assert read(f'{{"n": -{"9" * 4300}, "userId": "{ID}"}}').value == ID


def test_a_limit_of_the_interpreter_changes_nothing() -> None:
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        assert codes(read("9" * 1_000_000)) == ["W-OVERSIZE", "W-JSON"]
    finally:
        sys.set_int_max_str_digits(before)
