"""What keys and secrets look like."""

import pytest

from lkctl.settings.shape import (
    looks_like_key,
    looks_like_secret,
    looks_swapped,
    shorten_key,
    unquoted,
)

KEY = "APIx7Kp2mQ9rTz4"
SECRET = "hT5kQ2mN8vX1cB7zL4pR9sW3yF6dG0jAeUiOqPlKmNb"


@pytest.mark.parametrize(
    ("value", "expected"),
    [(KEY, True), ("APIabcdefghijkl", True), ("devkey", False), ("API", False), ("apix7Kp2mQ9rTz4", False),
     (KEY + " ", False), ("API-abcdefghijk", False), (SECRET, False)],
)  # fmt: skip
def test_looks_like_key(value: str, expected: bool) -> None:
    """API and about 12 letters and digits."""
    assert looks_like_key(value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(SECRET, True), ("a" * 32, True), ("a" * 31, False), (KEY, False), ("secret", False), ("", False)],
)
def test_looks_like_secret(value: str, expected: bool) -> None:
    """Long enough to be one."""
    assert looks_like_secret(value) is expected


@pytest.mark.parametrize(
    ("key", "secret", "expected"),
    [
        (SECRET, KEY, True),
        (SECRET, "mine", True),
        (KEY, SECRET, False),
        (SECRET, SECRET, False),
        ("devkey", "secret", False),
    ],
)
def test_looks_swapped(key: str, secret: str, expected: bool) -> None:
    """A secret where the key should be, and none where the secret should be."""
    assert looks_swapped(key, secret) is expected


@pytest.mark.parametrize(
    ("key", "shown"),
    [(KEY, "APIx7…z4"), ("devkey", "devkey"), (SECRET, "(secret, 43 characters)"), ("", ""), ("12345678", "12345678")],
)
def test_shorten_key(key: str, shown: str) -> None:
    """A key is named, not given away; what could be a secret is masked."""
    assert shorten_key(key) == shown


@pytest.mark.parametrize(
    ("value", "bare"),
    [('"a"', "a"), ("'a'", "a"), (" 'a' ", "a"), ("“a”", "a"), ("a", "a"), ('"', ""), ("a'b", "a'b"), ("'a", "a")],
)
def test_unquoted(value: str, bare: str) -> None:
    """One pair of quotes goes, and blanks outside of it."""
    assert unquoted(value) == bare
