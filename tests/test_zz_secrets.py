"""Runs last: no secret and no foreign token in anything that the suite printed."""

import re

import pytest

from tests.harness import OURS, PRINTED, SECRETS

JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*")


def test_there_is_something_to_search(request: pytest.FixtureRequest) -> None:
    """When the whole suite ran, its output and its secrets are known here."""
    if request.session.testscollected > 1000:
        assert len(PRINTED) > 1000
        assert len(SECRETS) > 3


def test_no_secret_was_printed() -> None:
    """The secrets of the servers and of the tests stand nowhere, not even in part."""
    for run, text in PRINTED:
        for secret in SECRETS:
            assert secret not in text, run
            assert secret[:20] not in text, run


def test_no_foreign_token_was_printed() -> None:
    """The only tokens are those that `token mint` made for the user."""
    for run, text in PRINTED:
        foreign = [token for token in JWT.findall(text) if not any(ours.startswith(token) for ours in OURS)]
        assert not foreign, run
