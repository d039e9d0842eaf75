"""What tokens come wrapped in."""

import json

import pytest

from lkctl.tokens.wrapping import split_tokens, unwrap
from tests.tokens.forge import token

T = token()

WRAPPED = [
    pytest.param(T, id="bare"),
    pytest.param(f"  {T}\r\n", id="blanks"),
    pytest.param(f"\ufeff{T}\u200b", id="invisible blanks"),
    pytest.param(f"Bearer {T}", id="Bearer"),
    pytest.param(f"bearer   {T}", id="bearer in lower case"),
    pytest.param(f"Authorization: Bearer {T}", id="header"),
    pytest.param(f"authorization:Bearer {T}", id="header without a blank"),
    pytest.param(f'"{T}"', id="quotes"),
    pytest.param(f"'{T}'", id="single quotes"),
    pytest.param(f"`{T}`", id="backticks"),
    pytest.param(f"“{T}”", id="curly quotes"),
    pytest.param(f'"Bearer {T}"', id="Bearer in quotes"),
    pytest.param(f"'Authorization: Bearer {T}'", id="header in quotes"),
    pytest.param(f"LIVEKIT_TOKEN={T}", id="assignment"),
    pytest.param(f"export TOKEN='{T}'", id="export"),
    pytest.param(f"https://meet.livekit.io/custom?liveKitUrl=wss://x&token={T}", id="meet link"),
    pytest.param(f"wss://x.livekit.cloud/rtc?access_token={T}&protocol=9", id="signal URL"),
    pytest.param(f"http://localhost:3000/#token={T}", id="fragment"),
    pytest.param(f"http://localhost:3000/?token={T.replace('.', '%2E')}", id="percent signs"),
    pytest.param(json.dumps({"token": T}), id="JSON token"),
    pytest.param(json.dumps({"accessToken": T, "url": "x"}, indent=2), id="JSON accessToken"),
    pytest.param(json.dumps({"access_token": T}), id="JSON access_token"),
    pytest.param(json.dumps({"serverUrl": "x", "participantToken": T}), id="JSON participantToken"),
    pytest.param(json.dumps({"server_url": "x", "participant_token": T}), id="JSON participant_token"),
    pytest.param(json.dumps({"data": {"token": f" {T}\n"}}), id="nested JSON"),
]


@pytest.mark.parametrize("text", WRAPPED)
def test_unwrapped(text: str) -> None:
    """The token comes out whole."""
    assert unwrap(text) == T
    assert split_tokens(text) == [(1, text)]


NOT_WRAPPED = [
    "hello",
    "https://x/?a=b",
    "https://x/?mytoken=abc",
    '{"a": 1}',
    '{"token": 5}',
    "{broken",
    "",
    "Bearer",
    "a=b",
    "http://[::1?token",
]


@pytest.mark.parametrize("text", NOT_WRAPPED)
def test_what_holds_no_token_stays(text: str) -> None:
    """Nothing is made up."""
    assert unwrap(text) == text


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (f"{T}\n{T}\n", 2),
        (f"\n{T}\n\n{T}\r\njunk\n", 3),
        (f"junk\n{T}", 2),
        (f'{{"token": "{T}"}}\n{{"token": "{T}"}}', 2),
        (f"Bearer {T}\nBearer {T}", 2),
        ("junk\nmore junk", 1),
        (T[:60] + "\n" + T[60:], 1),
    ],
)
def test_lines(text: str, count: int) -> None:
    """Lines are tokens of their own where at least one of them is one."""
    assert len(split_tokens(text)) == count
