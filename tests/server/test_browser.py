"""A browser's way with a URL: taking it apart, following redirects, and no further than it would."""

import pytest

from lkctl.errors import LkctlError
from lkctl.server.browser import fetch, parse_place
from lkctl.server.deadline import Deadline
from tests.apps import Asked, Said, serving_app

PLACES = {
    "path": ("http://localhost:3000/api/token", "http://localhost:3000", "/api/token"),
    "slash at the end stays": ("https://x.example/token/", "https://x.example", "/token/"),
    "query": ("https://x.example/t?room=a&key=b", "https://x.example", "/t?room=a&key=b"),
    "no path": ("http://127.0.0.1:8000", "http://127.0.0.1:8000", "/"),
    "query without path": ("http://127.0.0.1:8000?a=1", "http://127.0.0.1:8000", "/?a=1"),
    "fragment": ("http://x.example/t#here", "http://x.example", "/t"),
    "blanks around": ("  http://x.example/t\n", "http://x.example", "/t"),
}
NO_PLACES = {
    "empty": "", "no scheme": "localhost:3000/t", "ws": "ws://localhost:3000/t", "blank inside": "http://x.example/a b",
    "login": "http://user:pass@x.example/t", "no host": "http:///t", "letters": "http://x.example/é",
    "control": "http://x.example/\x1b[31m", "port": "http://x.example:99999/t",
}  # fmt: skip


@pytest.mark.parametrize(("text", "origin", "target"), PLACES.values(), ids=PLACES)
def test_a_url_is_taken_apart(text: str, origin: str, target: str) -> None:
    """What follows the host is asked for as it stands."""
    place = parse_place(text)
    assert (place.origin, place.target) == (origin, target)


@pytest.mark.parametrize("text", NO_PLACES.values(), ids=NO_PLACES)
def test_what_is_no_url_is_refused(text: str) -> None:
    """Before anything is sent; and a password in it is not shown."""
    with pytest.raises(LkctlError) as caught:
        parse_place(text)
    assert caught.value.code == "url-invalid"
    assert "pass@" not in caught.value.message


def test_a_query_is_not_shown() -> None:
    """It may hold a key."""
    assert str(parse_place("http://x.example/t?key=abc")) == "http://x.example/t"


FOLLOWED = {
    "301 turns POST into GET": (301, "POST", "GET", False),
    "302 turns POST into GET": (302, "POST", "GET", False),
    "303 turns POST into GET": (303, "POST", "GET", False),
    "307 keeps it": (307, "POST", "POST", True),
    "308 keeps it": (308, "POST", "POST", True),
    "301 of a GET": (301, "GET", "GET", False),
}


@pytest.mark.parametrize(("status", "method", "then", "keeps"), FOLLOWED.values(), ids=FOLLOWED)
def test_redirects_are_followed_as_by_a_browser(status: int, method: str, then: str, keeps: bool) -> None:
    """Method and body as the Fetch Standard has them."""
    seen: list[Asked] = []

    def app(asked: Asked) -> Said:
        seen.append(asked)
        return Said("", status, {"Location": "/new?a=1"}) if asked.path == "/old" else Said("here")

    with serving_app(app) as url:
        body = b'{"b": "2"}' if method == "POST" else None
        fetched = fetch(parse_place(f"{url}/old"), Deadline(5), method=method, headers={}, body=body)
    assert (fetched.answer.text, fetched.method, str(fetched.place)) == ("here", then, f"{url}/new")
    assert [(code, str(place)) for code, place in fetched.hops] == [(status, f"{url}/new")]
    assert (seen[1].method, seen[1].given) == (then, {"a": "1", "b": "2"} if keeps else {"a": "1"})


NOWHERE = {
    "itself": "/old", "another scheme": "ftp://x.example/t", "a login": "http://u:p4ssword@127.0.0.1/t",
    "nowhere": "", "hostile": "http://[::1/\x1b[31m",
}  # fmt: skip


@pytest.mark.parametrize("location", NOWHERE.values(), ids=NOWHERE)
def test_a_redirect_to_nowhere_ends(location: str) -> None:
    """Loops are cut; what no browser opens is not opened."""

    def app(_: Asked) -> Said:
        return Said("", 302, {"Location": location} if location else {})

    with serving_app(app) as url, pytest.raises(LkctlError) as caught:
        fetch(parse_place(f"{url}/old"), Deadline(5), headers={})
    assert caught.value.code == "http-redirect"
    assert "p4ssword" not in caught.value.message
