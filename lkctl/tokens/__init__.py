"""LiveKit access tokens, treated as the server treats them: mint, decode, judge, hold against expectations.

    import os, time
    from lkctl.tokens import Pair, TokenRequest, Wishes, decode, hold, mint, parse_demand

    pair, now = Pair("mine", "APIabcdefghijkl", "a-secret-of-at-least-32-characters"), time.time()
    minted = mint(TokenRequest(identity="alice", room="demo"), pair, now=now, entropy=os.urandom)
    decoded = decode(minted.token, pair, now=now)
    assert decoded.valid and decoded.join.status == 200
    wishes = Wishes(room="demo", demands=(parse_demand("canPublish"),))
    assert all(expectation.met for expectation in hold(decoded, wishes))

Everything here is pure: clock, randomness and secrets are handed in, and no SDK is imported. Functions raise
lkctl.errors.LkctlError, whose `code` tells why. What is named in `__all__` is the public face; it is loaded when it is
first used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lkctl.settings.shape import Pair
    from lkctl.tokens.catalogue import RULES
    from lkctl.tokens.decoding import Decoded, decode
    from lkctl.tokens.demands import Demand, parse_demand
    from lkctl.tokens.expectations import Expectation, Wishes, hold
    from lkctl.tokens.findings import Facts, Finding, Rule, Severity, Signature
    from lkctl.tokens.judge import Join
    from lkctl.tokens.minting import Minted, TokenRequest, mint
    from lkctl.tokens.roles import ROLES, Role
    from lkctl.userid.paths import parse_path

_HOMES = {
    "Pair": "lkctl.settings.shape",
    "RULES": "lkctl.tokens.catalogue",
    **dict.fromkeys(("Decoded", "decode"), "lkctl.tokens.decoding"),
    **dict.fromkeys(("Demand", "parse_demand"), "lkctl.tokens.demands"),
    **dict.fromkeys(("Expectation", "Wishes", "hold"), "lkctl.tokens.expectations"),
    **dict.fromkeys(("Facts", "Finding", "Rule", "Severity", "Signature"), "lkctl.tokens.findings"),
    "Join": "lkctl.tokens.judge",
    **dict.fromkeys(("Minted", "TokenRequest", "mint"), "lkctl.tokens.minting"),
    **dict.fromkeys(("ROLES", "Role"), "lkctl.tokens.roles"),
    "parse_path": "lkctl.userid.paths",  # what Facts.required_keys is made of
}

__all__ = [
    "ROLES",
    "RULES",
    "Decoded",
    "Demand",
    "Expectation",
    "Facts",
    "Finding",
    "Join",
    "Minted",
    "Pair",
    "Role",
    "Rule",
    "Severity",
    "Signature",
    "TokenRequest",
    "Wishes",
    "decode",
    "hold",
    "mint",
    "parse_demand",
    "parse_path",
]


def __getattr__(name: str) -> Any:
    """Load what is asked for (PEP 562): importing `lkctl.tokens` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
