"""JSON as it stands in tokens."""

import json

import pytest

from lkctl.errors import LkctlError
from lkctl.tokens.document import DEEPEST, Repeating, Unfit, pairs_of, read_document, read_strictly, shown

PROBLEMS = [
    pytest.param("{}", {}, [], id="nothing wrong"),
    pytest.param('{"a":1,"a":2}', {"a": 2}, [("the key 'a' is given more than once", False)], id="repeated key"),
    pytest.param('{"a":1,"A":2}', {"a": 1, "A": 2}, [], id="another key"),
    pytest.param('{"a":NaN}', {"a": "NaN"}, [("it holds NaN, which is not JSON", True)], id="NaN"),
    pytest.param("[-Infinity]", ["-Infinity"], [("it holds -Infinity, which is not JSON", True)], id="infinity"),
    pytest.param('"NaN"', "NaN", [], id="the text NaN"),
    pytest.param("1e400", "1e400", [("it holds the number 1e400, which is out of range", False)], id="large real"),
    pytest.param("1e308", 1e308, [], id="largest real"),
    pytest.param("9" * 308, int("9" * 308), [], id="long integer"),
    pytest.param("-17" + "0" * 307, int("-17" + "0" * 307), [], id="longest integer"),
    pytest.param(
        "18" + "0" * 307,
        "18" + "0" * 38 + "…",
        [(f"it holds the number 18{'0' * 38}…, which is out of range", False)],
        id="integer beyond a float",
    ),
    pytest.param("[1,2]", [1, 2], [], id="list"),
    pytest.param('"\\ud800"', "\ud800", [], id="half a surrogate pair"),
]


@pytest.mark.parametrize(("text", "value", "problems"), PROBLEMS)
def test_documents(text: str, value: object, problems: list[tuple[str, bool]]) -> None:
    """Read all that can be read, and say what strict readers refuse."""
    document = read_document(text)
    assert document.value == value
    assert [(problem.message, problem.breaks) for problem in document.problems] == problems
    assert read_document(text.encode("utf-8", "surrogatepass")) == document


def test_a_number_with_too_many_digits() -> None:
    """A million digits are not converted: that would take minutes."""
    document = read_document('{"exp":' + "9" * 1_000_000 + "}")
    assert isinstance(document.value["exp"], Unfit)
    assert len(document.value["exp"]) < 50
    assert len(document.problems[0].message) < 120


def test_bytes_that_are_not_utf_8() -> None:
    """Each byte is kept, as half a surrogate pair is: Go puts U+FFFD in the place of either. It is said."""
    document = read_document(b'{"a":"\xff\xe2\x82"}')
    assert document.value["a"] == "\udcff\udce2\udc82"
    assert [problem.message for problem in document.problems] == ["byte 6 of it is not UTF-8"]


UNREADABLE = [
    pytest.param("", "it breaks at character 1 of 0", id="nothing"),
    pytest.param("{", "it breaks at character 2 of 1", id="open"),
    pytest.param("{'a':1}", "it breaks at character 2 of 7", id="single quotes"),
    pytest.param('{"secret-word":}', "it breaks at character 16 of 16", id="no value"),
    pytest.param("\ufeff{}", "it breaks at character 1 of 3", id="BOM"),
    pytest.param('"a\nb"', "it breaks at character 3 of 5", id="control character"),
    pytest.param("{} x", "it breaks at character 4 of 4", id="more behind it"),
    pytest.param("[" * 101 + "]" * 101, "it is nested deeper than 100 levels", id="one level too deep"),
    pytest.param("[" * 100_000, "it is nested deeper than 100 levels", id="a hundred thousand levels"),
    pytest.param('{"a":' * 50_000 + "1" + "}" * 50_000, "it is nested deeper than 100 levels", id="deep objects"),
]


@pytest.mark.parametrize(("text", "reason"), UNREADABLE)
def test_unreadable(text: str, reason: str) -> None:
    """A reason without a word of the text."""
    with pytest.raises(ValueError, match=f"^{reason}$"):
        read_document(text)


STRICT = [
    pytest.param("{'userId': 'hunter2'}", "x is not JSON: .* at line 1, column 2", id="quotes"),
    pytest.param('{"a":\n hunter2}', "x is not JSON: .* at line 2, column 2", id="line"),
    pytest.param("", "x is not JSON: .* at line 1, column 1", id="empty"),
    pytest.param("[" * 100_000, "it is nested deeper than 100 levels", id="without end"),
    pytest.param("[" * 101 + "]" * 101, "it is nested deeper than 100 levels", id="deep"),
    pytest.param("9" * 5000, "it holds the number 9*…, which is out of range", id="digits"),
    pytest.param('{"a":[1e999]}', "it holds the number 1e999, which is out of range", id="real"),
    pytest.param('{"a":NaN}', "it holds NaN, which is not JSON", id="NaN"),
    pytest.param("[-Infinity]", "it holds -Infinity, which is not JSON", id="infinity"),
    pytest.param('{"a":1,"a":"hunter2"}', "the key 'a' is given more than once", id="key twice"),
    pytest.param('{"a":NaN,hunter2', "it breaks at character 10", id="several faults"),
]


@pytest.mark.parametrize(("text", "says"), STRICT)
def test_what_readers_differ_on_is_refused(text: str, says: str) -> None:
    """The place is told or the fault, and nothing of the values: they may be secrets."""
    with pytest.raises(LkctlError, match=says) as caught:
        read_strictly(text, "x")
    assert (caught.value.code, bool(caught.value.hint)) == ("input-malformed", True)
    assert "hunter2" not in caught.value.message + caught.value.hint


def test_what_all_read_alike() -> None:
    """As it is written."""
    text = '{"a": [1, 1.5e308, "\\u00e9", null], "A": %s}' % ("[" * 99 + "]" * 99)
    assert read_strictly(text, "x") == json.loads(text)


def test_the_deepest_that_is_read() -> None:
    """One level less than too deep."""
    text = "[" * DEEPEST + "]" * DEEPEST
    assert json.dumps(read_document(text).value) == text


def test_repeated_keys_keep_their_order() -> None:
    """Go adds later keys to earlier ones, so all of them are kept."""
    value = read_document('{"a":1,"b":2,"a":3}').value
    assert isinstance(value, Repeating)
    assert list(pairs_of(value)) == [("a", 1), ("b", 2), ("a", 3)]
    assert value == {"a": 3, "b": 2}
    assert list(pairs_of({"a": 1})) == [("a", 1)]


def test_shown_is_short() -> None:
    """Foreign text in a message has an end."""
    assert shown("a\n") == r"'a\n'"
    assert shown("x" * 1_000_000) == f"'{'x' * 40}'… (1000000 characters)"
