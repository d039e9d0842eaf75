"""What tokens come wrapped in."""

import json

import pytest

from lkctl.tokens.wrapping import holds_token, join, opens_body, unwrap
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
    pytest.param(f"curl -H 'Authorization: Bearer {T}' http://127.0.0.1/", id="a command"),
    pytest.param(f"12:00:01 INFO token={T} room=demo", id="a line of a log"),
    pytest.param(f'1,alice,,demo,"2026-11-21T18:41:46Z",{T}', id="CSV"),
    pytest.param(f"\x1b[32m{T}\x1b[0m", id="colour"),
    pytest.param(f"{T}\0", id="a null byte"),
    pytest.param(json.dumps({"data": {"token": f" {T}\n"}}), id="nested JSON"),
]


@pytest.mark.parametrize("text", WRAPPED)
def test_unwrapped(text: str) -> None:
    """The token comes out whole."""
    assert unwrap(text) == T
    assert join([text]) == text


NOT_WRAPPED = [
    f"{T},{token(sub='b')}",
    f"see {T} and {token(sub='b')}",
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


BODY = json.dumps({"data": {"token": T}}, indent=2)
ONE = [
    pytest.param(BODY, BODY, id="a JSON body"),
    pytest.param(f'{{"token":\n"{T}"\n}}', f'{{"token":\n"{T}"\n}}', id="a line of it that looks like a token"),
    pytest.param(T[:60] + "\n" + T[60:], T, id="broken into two lines"),
    pytest.param("\n".join(T[at : at + 40] for at in range(0, len(T), 40)), T, id="broken into many lines"),
    pytest.param(T[:-20] + "\r\n " + T[-20:], T, id="broken within the signature"),
    pytest.param(f"Bearer {T[:60]}\n{T[60:]}", T, id="broken behind Bearer"),
    pytest.param(f'"{T[:60]}\n{T[60:]}"', T, id="broken in quotes"),
    pytest.param("junk\nmore junk", "junk\nmore junk", id="no token at all"),
    pytest.param("{\nbroken", "{\nbroken", id="a broken body"),
]


@pytest.mark.parametrize(("text", "whole"), ONE)
def test_lines_that_are_one(text: str, whole: str) -> None:
    """A body over several lines; a token that was broken into lines; nothing that holds a token."""
    assert join(text.split("\n")) == whole


MANY = [
    pytest.param(f"{T}\n{T}", id="two"),
    pytest.param(f"{T}\njunk", id="one and junk"),
    pytest.param(f"junk\n{T}\r", id="junk and one"),
    pytest.param(f'{{"token": "{T}"}}\n{{"token": "{T}"}}', id="bodies"),
    pytest.param(f"Bearer {T}\nBearer {T}", id="headers"),
    pytest.param(f"{T[:-43]}\n{T[:-43]}", id="unsigned"),
]


@pytest.mark.parametrize("text", MANY)
def test_lines_that_are_many(text: str) -> None:
    """Lines are tokens of their own where at least one of them is one."""
    assert join(text.split("\n")) is None


@pytest.mark.parametrize(
    ("line", "holds", "whole"),
    [(T, True, True), (f"Bearer {T}", True, True), (T[:-1], True, False), (T[:60], False, False), ("{", False, False)],
)
def test_holding_a_token(line: str, holds: bool, whole: bool) -> None:
    """For sure only where the signature is there in its length."""
    assert (holds_token(line), holds_token(line, whole=True)) == (holds, whole)


@pytest.mark.parametrize(("line", "opens"), [("{", True), (' {"a":', True), ('{"a": 1}', False), (T, False)])
def test_opening_a_body(line: str, opens: bool) -> None:
    """JSON that is not at its end."""
    assert opens_body(line) is opens
