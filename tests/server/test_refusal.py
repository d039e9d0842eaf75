"""The server's words for a refused token, in every generation."""

import pytest

from lkctl.server.refusal import Refused, read_refusal

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl"
OLD = "invalid token: " + JWT + ", error: "

TABLE = [
    pytest.param("invalid API key: APIabc", Refused.key, "invalid API key", id="1.13.5 key"),
    pytest.param("invalid API key", Refused.key, "invalid API key", id="1.13.6 key (read in source)"),
    pytest.param(OLD + "token signature is invalid: signature is invalid", Refused.signature,
                 "token signature is invalid: signature is invalid", id="1.13.5 signature"),
    pytest.param("invalid authorization token: token signature is invalid", Refused.signature,
                 "invalid authorization token: token signature is invalid", id="1.13.6 signature (read in source)"),
    pytest.param("go-jose/go-jose: error in cryptographic primitive", Refused.signature,
                 "go-jose/go-jose: error in cryptographic primitive", id="before 1.9"),
    pytest.param(OLD + "token has invalid claims: token is expired", Refused.expired,
                 "token has invalid claims: token is expired", id="1.13.5 expired"),
    pytest.param(OLD + "token has invalid claims: token is not valid yet", Refused.not_yet,
                 "token has invalid claims: token is not valid yet", id="1.13.5 not yet"),
    pytest.param("no permissions to access the room", Refused.grant, "no permissions to access the room", id="grant"),
    pytest.param("invalid authorization token", Refused.malformed, "invalid authorization token", id="malformed"),
    pytest.param("go away", Refused.other, "go away", id="a proxy's own"),
    pytest.param("", Refused.other, "", id="nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "why", "said"), TABLE)
def test_reads_the_reason_and_drops_the_echo(body: str, why: Refused, said: str) -> None:
    """The reason is told apart, and neither key nor token is in what is kept."""
    refusal = read_refusal(body)
    assert (refusal.why, refusal.said) == (why, said)
    assert "eyJ" not in refusal.said
