"""Where an app may send its clients, and what is found in what it answers."""

import pytest

from lkctl.checks.endpointfetch import Reply, odd_token, read_reply, say_body
from lkctl.checks.endpointserver import unfit
from lkctl.server.browser import parse_place
from lkctl.settings.url import parse_url

# the app, the server that it names, words of what is wrong with that
PLACES = {
    "public, and localhost": ("https://app.example.com/t", "ws://localhost:7880", "each visitor's own machine"),
    "public, and a service's name": ("https://app.example.com/t", "ws://livekit:7880", "each visitor's own machine"),
    "https, and ws": ("https://app.example.com/t", "ws://live.example.com", "mixed content"),
    "https, and wss": ("https://app.example.com/t", "wss://live.example.com", ""),
    "local both": ("http://localhost:3000/t", "ws://localhost:7880", ""),
    "local app, public server": ("http://localhost:3000/t", "wss://live.example.com", ""),
    "local https app, local server": ("https://localhost:3000/t", "ws://localhost:7880", ""),
}


@pytest.mark.parametrize(("app", "server", "words"), PLACES.values(), ids=PLACES)
def test_what_browsers_cannot_reach(app: str, server: str, words: str) -> None:
    """By the two URLs alone."""
    found = list(unfit(parse_place(app), parse_url(server), "serverUrl"))
    assert [words in str(finding) for finding in found] == ([True] if words else [])


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln"
BODIES = {
    "snake": (
        f'{{"server_url": "ws://x", "participant_token": "{JWT}"}}',
        Reply(JWT, "participant_token", "ws://x", "server_url"),
    ),
    "camel": (
        f'{{"serverUrl": "ws://x", "participantToken": "{JWT}"}}',
        Reply(JWT, "participantToken", "ws://x", "serverUrl"),
    ),
    "a session beside it": (f'{{"token": "abc", "accessToken": "{JWT}"}}', Reply(JWT, "accessToken")),
    "outermost first": (f'{{"user": {{"token": "session"}}, "token": "{JWT}"}}', Reply(JWT, "token")),
    "any case": (f'{{"AccessToken": "{JWT}"}}', Reply(JWT, "AccessToken")),
    "blanks around": (f'{{"token": " {JWT} "}}', Reply(JWT, "token")),
    "bare": (f" {JWT}\n", Reply(JWT, "the body itself")),
    "too deep": (f'{{"a": {{"b": {{"c": {{"token": "{JWT}"}}}}}}}}', None),
    "empty text": ('{"token": ""}', None),
    "no JSON": ("hello", None),
    "deep": ("[" * 100_000, None),
}  # fmt: skip


@pytest.mark.parametrize(("body", "reply"), BODIES.values(), ids=BODIES)
def test_what_is_found_in_a_body(body: str, reply: Reply | None) -> None:
    """All the usual shapes."""
    assert read_reply(body) == reply


def test_what_stands_in_the_place_of_a_token() -> None:
    """A Promise that was not awaited becomes {} in JSON."""
    bodies = ('{"token": {}}', '{"accessToken": null}', '{"token": 5}', '{"ok": true}', '{"token": "x"}')
    assert [odd_token(body) for body in bodies] == [
        "token is an empty object", "accessToken is null", "token is no text", "", "",
    ]  # fmt: skip


def test_the_apps_own_words() -> None:
    """Cut, on one line, without what may be a secret or a token."""
    assert say_body('{"error": "no\\nroom"}') == "no room"
    assert len(say_body("x" * 5000)) == 160
    assert say_body(f"bad token {JWT}") == "bad token <JWT>"
    assert say_body('{"error": "db://user:hunter2secret@host is down"}') == ""
