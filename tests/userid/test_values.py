import pytest

from lkctl.convention import is_conventional
from lkctl.userid.values import judge

GOOD = "user_1704067200000_abc123"


@pytest.mark.parametrize(
    ("value", "expected", "codes"),
    [
        pytest.param(GOOD, GOOD, [], id="as it should be"),
        pytest.param(f" \t\n{GOOD}\u3000", GOOD, ["W-TRIMMED"], id="blanks"),
        pytest.param(f"\ufeff{GOOD}\u200b", GOOD, ["W-TRIMMED"], id="invisible blanks"),
        pytest.param(f"\u200b \ufeff{GOOD}", GOOD, ["W-TRIMMED"], id="mixed blanks"),
        pytest.param("a\u200bb", "a\u200bb", ["W-FORMAT"], id="invisible inside is kept"),
        pytest.param(7, "7", ["W-COERCED", "W-FORMAT"], id="number"),
        pytest.param(-7, "-7", ["W-COERCED", "W-FORMAT"], id="negative number"),
        pytest.param(" bob ", "bob", ["W-TRIMMED", "W-FORMAT"], id="trimmed before the format"),
        pytest.param("é" * 128, "é" * 128, ["W-FORMAT"], id="256 bytes"),
        pytest.param(" " * 300 + "bob", "bob", ["W-TRIMMED", "W-FORMAT"], id="trimmed before the length"),
        pytest.param(f"{GOOD}\nx", None, ["W-UNSAFE"], id="newline inside"),
        pytest.param("\x00", None, ["W-UNSAFE"], id="NUL"),
        pytest.param("a\x7f", None, ["W-UNSAFE"], id="DEL"),
        pytest.param("a\x9b", None, ["W-UNSAFE"], id="C1"),
        pytest.param("a\udfff", None, ["W-UNSAFE"], id="lone surrogate"),
        pytest.param(" a\x00 ", None, ["W-UNSAFE"], id="a refused value has one remark"),
        pytest.param("a\x00" + "x" * 300, None, ["W-UNSAFE"], id="unsafe before the length"),
        pytest.param("é" * 129, None, ["W-TOOLONG"], id="258 bytes"),
        pytest.param(10**300, None, ["W-TOOLONG"], id="long number"),
        pytest.param("", None, ["W-EMPTY"], id="empty"),
        pytest.param(" \ufeff\u200b", None, ["W-EMPTY"], id="blank"),
        pytest.param(None, None, ["W-TYPE"], id="null"),
        pytest.param(True, None, ["W-TYPE"], id="true"),
        pytest.param(False, None, ["W-TYPE"], id="false"),
        pytest.param(1.0, None, ["W-TYPE"], id="fraction"),
        pytest.param([GOOD], None, ["W-TYPE"], id="list"),
        pytest.param({"id": GOOD}, None, ["W-TYPE"], id="object"),
    ],
)
def test_value(value: object, expected: str | None, codes: list[str]) -> None:
    reading = judge(value, "userId")
    assert (reading.value, [remark.code for remark in reading.remarks]) == (expected, codes)
    if expected is None:
        assert reading.status == ("empty" if codes == ["W-EMPTY"] else "invalid")
    else:
        assert reading.status == "found"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "userId is null, not text"),
        (True, "userId is true, not text"),
        (1.5, "userId is a number, not text"),
        ([], "userId is a list, not text"),
        ({}, "userId is an object, not text"),
        ("a\x1bsecret", "userId holds the character U+001B"),
        ("x" * 257, "userId has 257 bytes, over the limit of 256"),
        ("", "userId is empty"),
        (" ", "userId is blank"),
    ],
)
def test_reasons_do_not_echo(value: object, reason: str) -> None:
    assert judge(value, "userId").reason == reason


def test_strict_refuses_numbers_only() -> None:
    assert [remark.code for remark in judge(7, "userId", strict=True).remarks] == ["W-TYPE"]
    assert judge(f" {GOOD}", "userId", strict=True).value == GOOD


@pytest.mark.parametrize(
    ("user_id", "expected"),
    [
        (GOOD, True),
        ("user_1234567890_a", True),
        ("user_123456789_a", False),
        ("user_1704067200000_", False),
        ("user_1704067200000_abc-123", False),
        (f"{GOOD}\n", False),
        (f"x{GOOD}", False),
        ("user_١٧٠٤٠٦٧٢٠٠_abc", False),  # digits to re's \d
        ("User_1704067200000_abc", False),
    ],
)
def test_format(user_id: str, expected: bool) -> None:
    assert is_conventional(user_id) is expected
