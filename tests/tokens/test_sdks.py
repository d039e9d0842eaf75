"""Tokens of other SDKs here, and ours there: livekit-api (Python), livekit-server-sdk (Node), livekit/protocol (Go).

Node's SDK is found where `npm install --no-package-lock --prefix tests/sdks/node` puts it; the Go program is built from
tests/sdks/go, which fetches its modules. What is not there is skipped, but fails where CI is set.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from livekit.api import (
    AccessToken,
    InferenceGrants,
    ObservabilityGrants,
    SIPGrants,
    TokenVerifier,
    VideoGrants,
)
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.protocol.room import RoomConfiguration

from lkctl.localserver.go import find_go
from lkctl.localserver.process import LocalServer
from lkctl.server.rtc import joined
from lkctl.settings.shape import Pair
from lkctl.settings.url import parse_url
from lkctl.tokens.decoding import decode
from lkctl.tokens.reading import Reading, read_claims
from lkctl.tokens.words import effective_grants
from tests.harness import invoke, lacking
from tests.tokens.door import Door

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]  # the first build of the Go program fetches its modules
OUTSIDE = dict(os.environ)  # with the HOME where Go has its caches; each test has a HOME of its own
HERE = Path(__file__).parent.parent / "sdks"
METADATA = '{"userId":"user_1704067200000_abc123","é":"\u2028"}'
Sdk = Callable[[str, str, list[str]], dict[str, Any]]  # key, secret, tokens to verify: {"minted": …, "verified": […]}

WISHES: dict[str, Callable[[AccessToken], AccessToken]] = {
    "join": lambda token: token.with_identity("alice").with_grants(VideoGrants(room_join=True, room="demo")),
    "everything": lambda token: (
        token.with_identity("ü𝄞")
        .with_name("Name")
        .with_metadata(METADATA)
        .with_attributes({"plan": "pro", 'é"': ""})
        .with_ttl(timedelta(hours=10))
        .with_kind("agent")
        .with_room_preset("preset")
        .with_room_config(
            RoomConfiguration(
                empty_timeout=5, metadata="{}", agents=[RoomAgentDispatch(agent_name="helper", metadata='{"a":1}')]
            )
        )
        .with_grants(
            VideoGrants(
                room_join=True,
                room="demo",
                can_publish_sources=["camera", "screen_share"],
                can_subscribe=False,
                can_update_own_metadata=True,
                hidden=True,
            )
        )
        .with_sip_grants(SIPGrants(admin=True, call=True))
        .with_inference_grants(InferenceGrants(perform=True))
        .with_observability_grants(ObservabilityGrants(write=True))
    ),
    "admin": lambda token: token.with_identity("backend").with_grants(
        VideoGrants(room_create=True, room_list=True, room_record=True, ingress_admin=True)
    ),
    "call": lambda token: token.with_grants(VideoGrants(room_admin=True, room="demo")),
    "sip": lambda token: token.with_sip_grants(SIPGrants(admin=True, call=True)),
}

OURS: dict[str, list[str]] = {
    "participant": ["--identity", "alice", "--room", "demo"],
    "user ID": ["--user-id", "user_1704067200000_abc123"],
    "viewer": ["--identity", "alice", "--room", "demo", "--role", "viewer"],
    "agent": ["--identity", "helper", "--room", "demo", "--role", "agent"],
    "room-admin": ["--identity", "backend", "--room", "demo", "--role", "room-admin"],
    "admin": ["--identity", "backend", "--role", "admin"],
    "everything": [
        *("--identity", "ü𝄞", "--room", "demo", "--name", "Name", "--metadata", METADATA, "--attribute", "plan=pro"),
        *("--kind", "agent", "--source", "camera", "--no-can-subscribe", "--can-update-own-metadata", "--hidden"),
        *("--sip-admin", "--sip-call", "--inference-perform", "--observability-write", "--agent-admin"),
        *("--room-metadata", "{}", "--room-config", '{"emptyTimeout":5}', "--agent", 'helper={"a":1}'),
    ],
}


def in_python(key: str, secret: str, tokens: list[str]) -> dict[str, Any]:
    """Mint and verify with livekit-api."""
    verifier = TokenVerifier(key, secret)
    minted = {name: fill(AccessToken(key, secret)).to_jwt() for name, fill in WISHES.items()}
    return {"minted": minted, "verified": [_verified(verifier, token) for token in tokens]}


def _verified(verifier: TokenVerifier, token: str) -> dict[str, Any]:
    try:
        return verifier.verify(token).asdict()
    except Exception as error:  # noqa: BLE001 - PyJWT's, or whatever it stumbles over
        return {"error": repr(error)}


def by_program(command: list[str], key: str, secret: str, tokens: list[str]) -> dict[str, Any]:
    """Mint and verify with the program of another language; the secret goes through its stdin."""
    question = json.dumps({"key": key, "secret": secret, "tokens": tokens})
    done = subprocess.run(command, input=question, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture(scope="session")
def node() -> Sdk:
    """Give livekit-server-sdk."""
    program = shutil.which("node")
    if program is None or not (HERE / "node" / "node_modules" / "livekit-server-sdk").is_dir():
        lacking("Node's SDK is missing: npm install --no-package-lock --prefix tests/sdks/node")
    return partial(by_program, [str(program), str(HERE / "node" / "sdk.mjs")])


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Sdk:
    """Give livekit/protocol; the build takes half a minute, once for Go's cache."""
    compiler = find_go(OUTSIDE)
    if compiler is None:
        lacking("Go is missing")
    folder = shutil.copytree(HERE / "go", tmp_path_factory.mktemp("sdks") / "go")
    environ = {**OUTSIDE, **({"GOROOT": str(compiler.root)} if compiler and compiler.root else {})}
    command = [str(compiler.path if compiler else ""), "build", "-mod=mod", "-o", "sdk", "."]
    try:
        built = subprocess.run(
            command, cwd=folder, env=environ, capture_output=True, timeout=600, check=False, text=True
        )
    except subprocess.TimeoutExpired:
        lacking("the Go program took more than ten minutes to build")
    if built.returncode != 0:
        lacking(f"the Go program cannot be built: {built.stderr[-500:]}")
    return partial(by_program, [str(folder / "sdk")])


@pytest.fixture(params=["python", "node", "go"])
def sdk(request: pytest.FixtureRequest) -> Sdk:
    """Give one SDK after the other."""
    return in_python if request.param == "python" else request.getfixturevalue(request.param)


@pytest.fixture
def pair(livekit_server: LocalServer) -> Pair:
    """Give the key and the secret of the server."""
    return Pair("", livekit_server.key, livekit_server.secret.reveal())


@pytest.fixture
def door(livekit_server: LocalServer) -> Iterator[Door]:
    """Ask the server."""
    door = Door(livekit_server.http_url)
    yield door
    door.close()


@pytest.fixture
def mint(livekit_server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Mint with lkctl, for the server."""
    for name, value in livekit_server.environ.items():
        monkeypatch.setenv(name, value)

    def minted(name: str) -> str:
        done = invoke("token", "mint", *OURS[name])
        assert done.code == 0, done.err
        return done.out.strip()

    return minted


def meaning(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Give what claims mean, however they are spelt and whatever is left out for being the default."""
    reading: Reading = read_claims({key: value for key, value in claims.items() if value is not None})
    assert reading.mismatches == []
    texts = {name: reading.text(name) for name in ("name", "kind", "metadata", "roomPreset", "sha256")}
    return {
        **texts,
        "identity": reading.identity or reading.text("identity"),
        "attributes": reading.values.get("attributes", {}),
        "roomConfig": MessageToDict(ParseDict(reading.values.get("roomConfig", {}), RoomConfiguration())),
        "grants": effective_grants(reading),
    }


@pytest.mark.parametrize("name", WISHES)
def test_their_tokens_here(name: str, sdk: Sdk, pair: Pair, door: Door) -> None:
    """Verified, without an error, and the server's answer foreseen."""
    token = sdk(pair.key, pair.secret, [])["minted"][name]
    decoded = decode(token, pair, now=time.time())
    assert decoded.signature.value == "verified"
    assert [finding for finding in decoded.findings if finding.severity.value == "error"] == []
    assert decoded.valid
    assert (decoded.join.status, decoded.join.reason) == door.ask(token)
    assert decoded.join.accepted is (name in {"join", "everything"})


@pytest.mark.parametrize("name", WISHES)
def test_the_same_wish_means_the_same_in_every_language(name: str, node: Sdk, go: Sdk, pair: Pair) -> None:
    """Identity, texts, attributes, roomConfig and all grants."""
    tokens = [speak(pair.key, pair.secret, [])["minted"][name] for speak in (in_python, node, go)]
    python, javascript, golang = (meaning(decode(token, pair, now=time.time()).claims) for token in tokens)
    assert python == javascript == golang


@pytest.mark.parametrize("name", OURS)
def test_our_tokens_there(name: str, sdk: Sdk, pair: Pair, mint: Callable[[str], str]) -> None:
    """Each SDK's TokenVerifier takes them, and reads the same claims."""
    token = mint(name)
    (claims,) = sdk(pair.key, pair.secret, [token])["verified"]
    assert "error" not in claims
    assert meaning(claims) == meaning(decode(token, pair, now=time.time()).claims)


def test_a_bad_signature_is_none_there_either(sdk: Sdk, pair: Pair, mint: Callable[[str], str]) -> None:
    """The verifiers do verify."""
    token = mint("participant")
    (claims,) = sdk(pair.key, pair.secret, [token[:-8] + "AAAAAAAA"])["verified"]
    assert "error" in claims


def test_theirs_join(sdk: Sdk, pair: Pair, livekit_server: LocalServer) -> None:
    """Through the rtc SDK, for real."""
    token = sdk(pair.key, pair.secret, [])["minted"]["join"]
    with joined(parse_url(livekit_server.url), token, timeout=20) as identity:
        assert identity == "alice"


@pytest.mark.parametrize("name", ["participant", "user ID", "viewer", "agent", "everything"])
def test_ours_join(name: str, mint: Callable[[str], str], livekit_server: LocalServer) -> None:
    """Through the rtc SDK, for real."""
    with joined(parse_url(livekit_server.url), mint(name), timeout=20) as identity:
        assert identity == {"user ID": OURS[name][1], "everything": "ü𝄞", "agent": "helper"}.get(name, "alice")
