"""The one signer."""

import pytest

from lkctl.tokens.signer import api_token, matches, sign
from tests.tokens.forge import KEY, NOW, SECRET, read


def test_a_known_answer() -> None:
    """Frozen: the token of RFC 7519's kind that jwt.io shows for these claims, with alg before typ."""
    made = sign({"sub": "1234567890", "name": "John Doe", "iat": 1516239022}, "your-256-bit-secret")
    assert made == (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
        ".eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ"
        ".SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
    )


@pytest.mark.parametrize("secret", ["short", SECRET, "é" * 40, "\udce9" + "x" * 40])
def test_signatures_match_their_secret_only(secret: str) -> None:
    """Also for secrets that are not ASCII, or not even text."""
    from lkctl.tokens.envelope import open_envelope

    envelope = open_envelope(sign({"iss": KEY}, secret))
    assert envelope.signature is not None
    assert matches(envelope.signed, envelope.signature, secret)
    assert not matches(envelope.signed, envelope.signature, secret + "x")
    assert not matches(envelope.signed + b"x", envelope.signature, secret)
    assert not matches(envelope.signed, b"", secret)


@pytest.mark.parametrize("claims", [{"n": float("nan")}, {"n": float("inf")}, {"n": object()}])
def test_what_json_cannot_hold_is_not_signed(claims: dict[str, object]) -> None:
    """NaN would give a token that no server reads."""
    with pytest.raises((ValueError, TypeError)):
        sign(claims, SECRET)


def test_api_tokens_are_short_lived_and_minimal() -> None:
    """Key, times and the grants; nothing else."""
    decoded = read(api_token(KEY, SECRET, {"roomList": True}, NOW + 0.9))
    assert decoded.claims == {"iss": KEY, "nbf": NOW, "exp": NOW + 60, "video": {"roomList": True}}
    assert decoded.valid
