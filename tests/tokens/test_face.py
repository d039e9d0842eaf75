"""`lkctl.tokens` and `lkctl.webhooks`, as other programs use them."""

import inspect
import os
import subprocess
import sys
import textwrap
import time
from base64 import b64encode
from hashlib import sha256
from types import ModuleType
from typing import Any

import pytest

import lkctl
from lkctl import tokens, webhooks
from lkctl.errors import LkctlError
from lkctl.tokens import Facts, Pair, Severity, TokenRequest, Wishes, decode, hold, mint, parse_demand, parse_path
from lkctl.tokens.signer import sign
from tests.tokens.forge import PAIR

NAMES = [(face, name) for face in (tokens, webhooks) for name in face.__all__]


@pytest.mark.parametrize(("face", "name"), NAMES, ids=[name for _, name in NAMES])
def test_every_public_name_is_documented(face: ModuleType, name: str) -> None:
    """It is there, it is no module by accident, and it says what it is for."""
    thing = getattr(face, name)
    assert not isinstance(thing, ModuleType)
    if callable(thing):
        assert len(inspect.getdoc(thing) or "") > 20


@pytest.mark.parametrize("face", [lkctl, tokens, webhooks], ids=lambda face: str(face.__name__))
def test_an_unknown_name(face: ModuleType) -> None:
    """As any module says it."""
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = face.nothing


@pytest.mark.parametrize("name", sorted({*lkctl.__all__} - {"__version__"}))
def test_importing_lkctl_is_enough(name: str) -> None:
    """Each part is loaded when it is used; in a process of its own, for here all of them are loaded."""
    script = f"import lkctl; print(lkctl.{name}.__name__)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"lkctl.{name}\n"


@pytest.mark.parametrize("face", [tokens, webhooks], ids=lambda face: str(face.__name__))
def test_the_example_runs(face: ModuleType) -> None:
    """As it stands in the docstring, without anything around it."""
    lines = [line for line in (face.__doc__ or "").splitlines() if line.startswith("    ") or not line]
    names: dict[str, Any] = {}
    exec(textwrap.dedent("\n".join(lines)), names)  # noqa: S102  (our own docstring)
    assert "pair" in names
    if face is webhooks:
        assert names["receive"](b'{"event":"room_started"}', None).startswith("refused: ")
        assert names["receive"](*_delivery(names["pair"])) == "room demo was opened"


def _delivery(pair: Pair) -> tuple[bytes, str]:
    body = b'{"event":"room_started","id":"EV_1","room":{"name":"demo"}}'
    digest = b64encode(sha256(body).digest()).decode()
    return body, sign({"iss": pair.key, "exp": int(time.time()) + 300, "sha256": digest}, pair.secret)


def test_the_whole_way() -> None:
    """Mint, decode, judge."""
    now = time.time()
    minted = mint(TokenRequest(identity="alice", room="demo"), PAIR, now=now, entropy=os.urandom)
    decoded = decode(
        minted.token, Pair("mine", PAIR.key, PAIR.secret), now=now, facts=Facts(required_keys=(parse_path("userId"),))
    )
    assert (decoded.valid, decoded.join.status) == (True, 200)
    assert not [finding for finding in decoded.findings if finding.severity is Severity.error]


WISHES = [
    pytest.param("canPublish", True, id="met"),
    pytest.param("!canPublish", False, id="not met"),
]


@pytest.mark.parametrize(("text", "met"), WISHES)
def test_expectations(text: str, *, met: bool) -> None:
    """What `token verify` demands, a program can demand."""
    now = time.time()
    minted = mint(TokenRequest(identity="alice", room="demo"), PAIR, now=now, entropy=os.urandom)
    wishes = Wishes(identity="alice", demands=(parse_demand(text),))
    assert [expectation.met for expectation in hold(decode(minted.token, PAIR, now=now), wishes)] == [True, met]


def test_an_expectation_that_nothing_could_meet() -> None:
    """A typo raises `usage`."""
    with pytest.raises(LkctlError) as caught:
        parse_demand("canPublsh")
    assert caught.value.code == "usage"


@pytest.mark.parametrize("face", ["lkctl.tokens", "lkctl.webhooks"])
def test_a_face_costs_nothing(face: str) -> None:
    """Importing it loads none of its parts."""
    script = f"import {face}, sys; print([name for name in sys.modules if name.startswith('{face}.')])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
