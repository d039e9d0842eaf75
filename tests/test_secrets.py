"""After each test all that it let be printed is searched (conftest.py); here the search itself is tried."""

import pytest

from tests.harness import PRINTED, SECRETS, insist_clean, invoke

SECRET = "Zq3a-secret-of-forty-characters-or-so-1234"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJ2aWRlbyI6e319.c2lnbmF0dXJl"

DIRTY = [
    pytest.param(f"a {SECRET} b", "secret", id="a secret"),
    pytest.param(f"a {SECRET[:25]}", "secret", id="a part of it"),
    pytest.param(f"error: {TOKEN}", "token", id="a token"),
    pytest.param("eyJhbGciOiJIUzI1NiJ9.", "token", id="a part of it"),
]


@pytest.mark.parametrize(("text", "what"), DIRTY)
def test_what_is_found(text: str, what: str) -> None:
    with pytest.raises(AssertionError, match=f"{what} was printed: lkctl x"):
        insist_clean([("lkctl x", text)], {SECRET}, ())


@pytest.mark.parametrize("text", ["", "all is well", TOKEN, f"{TOKEN}\n"])
def test_what_is_clean(text: str) -> None:
    """A token that was minted for the user is his."""
    insist_clean([("lkctl x", text)], {SECRET}, {TOKEN})


def test_that_runs_are_searched(secret: str) -> None:
    """What a command printed stands there for the search, and the secrets of this test."""
    assert secret in SECRETS
    done = invoke("version")
    assert PRINTED[-1] == ("version", done.out)
