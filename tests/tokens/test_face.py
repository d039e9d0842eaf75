"""`lkctl.tokens`, as other programs use it."""

import inspect
import os
import subprocess
import sys
import time
from types import ModuleType

import pytest

import lkctl.tokens as face
from lkctl.tokens import Facts, Pair, Severity, TokenRequest, decode, mint
from tests.tokens.forge import PAIR


@pytest.mark.parametrize("name", face.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    """It is there, it is no module by accident, and it says what it is for."""
    thing = getattr(face, name)
    assert not isinstance(thing, ModuleType)
    if callable(thing):
        assert len(inspect.getdoc(thing) or "") > 20


def test_an_unknown_name() -> None:
    """As any module says it."""
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = face.nothing


def test_the_whole_way() -> None:
    """Mint, decode, judge."""
    now = time.time()
    minted = mint(TokenRequest(identity="alice", room="demo"), PAIR, now=now, entropy=os.urandom)
    decoded = decode(minted.token, Pair("mine", PAIR.key, PAIR.secret), now=now, facts=Facts(required_keys=("userId",)))
    assert (decoded.valid, decoded.join.status) == (True, 200)
    assert not [finding for finding in decoded.findings if finding.severity is Severity.error]


def test_the_face_costs_nothing() -> None:
    """Importing it loads none of its parts."""
    script = "import lkctl.tokens, sys; print([name for name in sys.modules if name.startswith('lkctl.tokens.')])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
