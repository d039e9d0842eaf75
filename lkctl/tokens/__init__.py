"""LiveKit access tokens, treated as the server treats them: mint, decode, judge, lint.

    import os, time
    from lkctl.tokens import Pair, TokenRequest, decode, mint

    pair = Pair("mine", key, secret)
    minted = mint(TokenRequest(identity="alice", room="demo"), pair, now=time.time(), entropy=os.urandom)
    decoded = decode(minted.token, pair, now=time.time())

Everything here is pure: clock, randomness and secrets are handed in, and no SDK is imported. What is named in `__all__`
is the public face; it is loaded when it is first used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lkctl.settings.shape import Pair
    from lkctl.tokens.catalogue import RULES, lint
    from lkctl.tokens.decoding import Decoded, Signature, decode
    from lkctl.tokens.findings import Facts, Finding, Rule, Severity, Subject
    from lkctl.tokens.judge import Join
    from lkctl.tokens.minting import Minted, TokenRequest, mint
    from lkctl.tokens.roles import ROLES, Role

_HOMES = {
    "Pair": "lkctl.settings.shape",
    **dict.fromkeys(("RULES", "lint"), "lkctl.tokens.catalogue"),
    **dict.fromkeys(("Decoded", "Signature", "decode"), "lkctl.tokens.decoding"),
    **dict.fromkeys(("Facts", "Finding", "Rule", "Severity", "Subject"), "lkctl.tokens.findings"),
    "Join": "lkctl.tokens.judge",
    **dict.fromkeys(("Minted", "TokenRequest", "mint"), "lkctl.tokens.minting"),
    **dict.fromkeys(("ROLES", "Role"), "lkctl.tokens.roles"),
}

__all__ = [
    "ROLES",
    "RULES",
    "Decoded",
    "Facts",
    "Finding",
    "Join",
    "Minted",
    "Pair",
    "Role",
    "Rule",
    "Severity",
    "Signature",
    "Subject",
    "TokenRequest",
    "decode",
    "lint",
    "mint",
]


def __getattr__(name: str) -> Any:
    """Load what is asked for (PEP 562): importing `lkctl.tokens` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
