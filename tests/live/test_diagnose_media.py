"""`diagnose --media` on real servers of different configurations: what it names, and that it leaves nothing behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from livekit.protocol import rtc

from lkctl.localserver.config import free_tcp_port, free_udp_port
from lkctl.localserver.process import LocalServer
from lkctl.server.deadline import Deadline
from lkctl.server.ice import Outcome, reach
from lkctl.server.iceserver import read_ice_url, try_ice_server
from lkctl.server.signal import visiting
from lkctl.settings.url import parse_url
from lkctl.tokens.signer import sign
from tests.datagrams import answering, forwarding, interface_of, own_address, silent
from tests.fakes import HTML, certificate, reply, serving
from tests.guests import guest
from tests.harness import SECRETS, Done, command, environment, invoke, remembered, spawn, until
from tests.lab.bench import MACHINE
from tests.lab.parts.certificates import issued
from tests.lab.parts.relay import Fault, relaying
from tests.redis import api_of
from tests.workers import worker

pytestmark = pytest.mark.live

Start = Callable[..., LocalServer]
ALL = ("--media", "--only", "media.*")
SEEN = ("--media", *(word for name in ("signal", "candidates", "udp", "tcp", "turn", "turn-tls", "stun")
                     for word in ("--only", f"media.{name}")))  # fmt: skip  # what needs no SDK
FREE = 0  # stands for a port that is free when the server starts
TURN = "turn.lkctl-lab.net"
_LARGE = 400  # bytes; an ICE check with its wrapping has about 150, the server's half of the DTLS handshake more


def report_of(done: Done) -> dict[str, Any]:
    assert "eyJ" not in done.out + done.err
    report = dict(json.loads(done.out))
    assert done.code == report["exit_code"]
    return report


def diagnose(server: LocalServer, *arguments: str, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Diagnose a server of the test's own in a process of its own."""
    SECRETS.add(server.secret.reveal())
    return report_of(spawn("diagnose", *arguments, "-o", "json", env={**server.environ, **(env or {})}))


def statuses(report: Mapping[str, Any]) -> dict[str, str]:
    return {one["id"].removeprefix("media."): one["status"] for one in report["results"]}


def detail(report: Mapping[str, Any], check: str) -> str:
    return str(next(one["detail"] for one in report["results"] if one["id"] == check))


def rooms(server: LocalServer) -> set[str]:
    return set(api_of(server).existing_rooms())


def test_a_healthy_server(server: LocalServer) -> None:
    """Signal, candidates, UDP, a client's connection, a tone that is heard, a reconnection; nothing is left."""
    before = rooms(server)
    report = report_of(invoke("diagnose", *ALL, "-o", "json"))
    assert statuses(report) == {
        "signal": "pass", "candidates": "pass", "udp": "pass", "tcp": "skip", "turn": "skip", "turn-tls": "skip",
        "stun": "pass", "connect": "pass", "publish": "pass", "reconnect": "pass", "relay": "skip",
    }  # fmt: skip
    assert "livekit-server 1." in detail(report, "media.signal")
    assert "over udp" in detail(report, "media.connect")
    assert "round trip" in detail(report, "media.connect")
    assert "proves nothing about the internet" in detail(report, "media.connect")
    assert rooms(server) == before


def test_no_module_of_the_folder_is_run(server: LocalServer) -> None:
    """The child that joins imports `token` and others of Python's own, and a project may have files of these names."""
    Path("token.py").write_text("open('it-was-run', 'w')")
    words = ("-P", "-m", "lkctl", "diagnose", "--media", "--only", "media.connect", "-o", "json")  # as when installed
    done = subprocess.run(
        [sys.executable, *words], env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, json.loads(done.stdout)["verdict"]) == (0, "pass")
    assert not Path("it-was-run").exists()


def test_only_throw_away_rooms_are_made_and_no_agent_is_called(server: LocalServer) -> None:
    """By the server's own list before, while and after; and a worker without a name gets no job."""
    before, seen = rooms(server), set[str]()
    with worker(server, "") as nameless:
        running = subprocess.Popen(
            command("diagnose", *ALL), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while running.poll() is None:
            seen |= rooms(server)
        assert running.returncode == 0
        assert nameless.events.empty()
    made = seen - before
    assert made
    assert all(name.startswith("lkctl-media-") for name in made)
    assert rooms(server) == before


@pytest.mark.parametrize("passed", ["media.signal", "media.stun", "media.connect", "media.publish"])
def test_nothing_is_left_by_who_is_interrupted(server: LocalServer, passed: str) -> None:
    """^C in the middle of it; the room that the join would make ends a second after the connection does."""
    words = (*ALL, "-o", "jsonl")
    running = subprocess.Popen(
        command("diagnose", *words), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    out = ""
    while f'"{passed}"' not in out:
        line = running.stdout.readline()
        assert line, "it ended before"
        out += line
    running.send_signal(signal.SIGINT)
    rest, err = running.communicate(timeout=15)
    remembered(("diagnose", "--media"), Done(running.returncode, out + rest, err))
    assert running.returncode == 130
    assert until(lambda: not any(name.startswith("lkctl-media-") for name in rooms(server)), 10)


def test_nothing_is_left_by_who_is_killed(server: LocalServer) -> None:
    """SIGKILL: nobody can clean up, so the server does; the child ends with its parent."""
    running = subprocess.Popen(
        command("diagnose", *ALL), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert until(lambda: any(name.startswith("lkctl-media-") for name in rooms(server)), 10)
    running.kill()
    running.wait(5)
    assert until(lambda: not any(name.startswith("lkctl-media-") for name in rooms(server)), 20)


def test_the_time_runs_out(server: LocalServer) -> None:
    """The run ends with its time, whatever it is at, and no room is left either."""
    report = report_of(invoke("diagnose", *ALL, "--timeout", "1", "-o", "json"))
    assert report["duration_ms"] < 6000
    assert report["counts"]["crash"] == 0
    assert until(lambda: not any(name.startswith("lkctl-media-") for name in rooms(server)), 10)


@pytest.mark.parametrize(
    ("settings", "expected", "cause"),
    [
        pytest.param({"rtc": {"tcp_port": FREE}}, {"udp": "pass", "tcp": "pass"}, "", id="TCP, too"),
        pytest.param({"room": {"auto_create": False}}, {"signal": "pass", "udp": "pass"}, "", id="no auto_create"),
        pytest.param({"rtc": {"use_ice_lite": True}}, {"udp": "pass"}, "", id="ICE lite"),
        pytest.param(
            {"rtc": {"udp_port": 0, "port_range_start": 42000, "port_range_end": 42999}}, {"udp": "pass"}, "",
            id="a range of ports",
        ),
        pytest.param(
            {"rtc": {"force_tcp": True, "tcp_port": FREE}}, {"udp": "warn", "tcp": "pass"}, "",
            id="TCP alone",
        ),
        pytest.param(
            {"rtc": {"node_ip": "172.18.0.5"}}, {"candidates": "fail", "udp": "skip"},
            "172.18.0.5, a container's address",
            id="a container's address",
        ),
        pytest.param(
            {"rtc": {"node_ip": "203.0.113.7"}}, {"candidates": "fail"}, "203.0.113.7, an address of documentation",
            id="an example's address",
        ),
        pytest.param(
            {"rtc": {"ips": {"includes": ["10.255.255.254/32"]}}}, {"candidates": "fail"},
            "no address for media at all",
            id="no interface",
        ),
        pytest.param(
            {"rtc": {"node_ip": "127.0.0.2"}}, {"candidates": "pass", "udp": "fail"},
            "no media over UDP: udp 127.0.0.2:", id="UDP is not forwarded",
        ),
        pytest.param(
            {"rtc": {"node_ip": "127.0.0.2", "tcp_port": FREE}}, {"udp": "fail", "tcp": "warn"},
            "no media over UDP: udp 127.0.0.2:", id="neither UDP nor TCP",
        ),
    ],
)  # fmt: skip
def test_configurations(
    start_livekit_server: Start, settings: dict[str, Any], expected: Mapping[str, str], cause: str
) -> None:
    """Each has its one cause, and leaves nothing."""
    rtc = settings.get("rtc", {})
    ours = {"tcp_port": free_tcp_port()} if "tcp_port" in rtc else {}
    server = start_livekit_server(settings={**settings, "rtc": {**rtc, **ours}})
    report = diagnose(server, *SEEN)
    found = statuses(report)
    assert {name: found[name] for name in expected} == expected
    assert (report["exit_code"], report["probable_cause"] is None) == ((1, False) if cause else (0, True))
    if cause:
        assert cause in report["probable_cause"]["message"]
    assert not rooms(server)


def test_the_sdk_agrees_where_no_port_is_forwarded(start_livekit_server: Start) -> None:
    """A client on this machine connects all the same, since the server finds it; that is said, and cures nothing."""
    report = diagnose(start_livekit_server(settings={"rtc": {"node_ip": "127.0.0.2"}}), *ALL)
    assert report["probable_cause"]["check"] == "media.udp"
    assert "by no address that clients are told" in detail(report, "media.connect")


def moved_to(port: int) -> Callable[[bytes], list[bytes]]:
    """Have the server tell of another port than its own, as one behind a wrong forwarding does."""

    def frame(content: bytes) -> list[bytes]:
        message = rtc.SignalResponse.FromString(content)
        if message.WhichOneof("message") == "trickle":
            init = json.loads(message.trickle.candidateInit)
            words = init["candidate"].split(" ")
            init["candidate"] = " ".join([*words[:5], str(port), *words[6:]])
            message.trickle.candidateInit = json.dumps(init)
        return [message.SerializeToString()]

    return frame


def test_udp_that_is_swallowed(start_livekit_server: Start) -> None:
    """A firewall that drops: silence is a failure here, for the server would have answered."""
    server = start_livekit_server()
    with answering(silent) as port, relaying(server.port, Fault(frame=moved_to(port))) as front:
        report = diagnose(server, *SEEN, env={"LIVEKIT_URL": f"ws://127.0.0.1:{front}"})
    cause = report["probable_cause"]
    assert (cause["check"], f"udp 127.0.0.1:{port} is silent" in cause["message"]) == ("media.udp", True)
    assert any(said.startswith("signalling: ") for said in cause["ruled_out"])
    assert "packets are swallowed" in cause["hint"]


@pytest.mark.parametrize(
    ("allowed", "status", "says"),
    [
        pytest.param(["127.0.0.0/8"], "pass", "and leads to 127.0.0.1:", id="inner addresses are allowed"),
        pytest.param([], "warn", "will not relay to 127.0.0.1", id="inner addresses are not allowed"),
    ],
)
def test_turn_over_udp(start_livekit_server: Start, allowed: list[str], status: str, says: str) -> None:
    """A relay address is worth nothing where the relay may not talk to the server itself (1.13: inner addresses)."""
    turn = {"enabled": True, "udp_port": free_udp_port(), "allow_restricted_peer_cidrs": allowed}
    report = diagnose(start_livekit_server(settings={"turn": turn}), *SEEN)
    assert (statuses(report)["turn"], says in detail(report, "media.turn")) == (status, True)


def with_turn(start: Start) -> tuple[LocalServer, str, int]:
    """Start a server with media and TURN on an address of this machine that is not loopback: the SDK wants that.

    What goes there stays within the machine all the same. Give the server, and where TURN is.
    """
    own = own_address()
    if not own:
        pytest.skip("this machine has no address but loopback, by which the SDK uses no relay")
    port = free_udp_port()
    rtc = {"node_ip": own, "enable_loopback_candidate": False, "interfaces": {"includes": [interface_of(own)]},
           "ips": {"includes": [f"{own}/32"]}}  # fmt: skip
    turn = {"enabled": True, "udp_port": port, "bind_addresses": [own], "allow_restricted_peer_cidrs": [f"{own}/32"]}
    return start(settings={"rtc": rtc, "turn": turn}), own, port


def relayed_by(port: int) -> Callable[[bytes], list[bytes]]:
    """Have the server tell of TURN on another port of the same address."""

    def frame(content: bytes) -> list[bytes]:
        message = rtc.SignalResponse.FromString(content)
        for one in message.join.ice_servers if message.WhichOneof("message") == "join" else ():
            moved = [re.sub(r"^(turn:[^:]+):\d+", rf"\1:{port}", url) for url in one.urls]
            one.urls[:] = moved
        return [message.SerializeToString()]

    return frame


def test_a_client_that_may_use_turn_alone(start_livekit_server: Start) -> None:
    """LiveKit's own SDK has a whole connection by the server's TURN, and by nothing else."""
    server, own, port = with_turn(start_livekit_server)
    report = diagnose(server, *ALL)
    found = statuses(report)
    assert (report["exit_code"], found["turn"], found["relay"]) == (0, "pass", "pass")
    assert f"{own}:{port} relays from {own}:" in detail(report, "media.turn")
    assert "(relay) to " in detail(report, "media.relay")
    assert "by TURN alone" in detail(report, "media.relay")
    assert not rooms(server)


@pytest.mark.parametrize(
    ("largest", "status", "says"),
    [
        pytest.param(65536, "pass", "(relay) to ", id="a way for everything"),
        pytest.param(_LARGE, "warn", "no connection by TURN alone", id="a way that loses what is large"),
    ],
)
def test_a_relay_behind_a_router(start_livekit_server: Start, largest: int, status: str, says: str) -> None:
    """Our own ICE check is small, and gets through where a client's handshake does not: only the SDK finds that out."""
    server, own, port = with_turn(start_livekit_server)
    with (
        forwarding(own, port, lambda content: len(content) < largest) as way,
        relaying(server.port, Fault(frame=relayed_by(way))) as front,
    ):
        report = diagnose(server, *ALL, env={"LIVEKIT_URL": f"ws://127.0.0.1:{front}"})
    found = statuses(report)
    assert (found["turn"], found["connect"], found["relay"]) == ("pass", "pass", status)
    assert f"{own}:{way} relays from {own}:" in detail(report, "media.turn")
    assert says in detail(report, "media.relay")
    assert (report["exit_code"], report["verdict"]) == (0, status)
    assert not rooms(server)


def with_turn_tls(start: Start, folder: Path, name: str = TURN) -> tuple[LocalServer, int, dict[str, str]]:
    """Start a server with TURN over TLS; give it, the port of that, and what a client's machine believes."""
    made = issued(name)
    for file, content in (("chain", made.chain), ("key", made.key), ("ca", made.authority)):
        (folder / f"{file}.pem").write_bytes(content)
    port = free_tcp_port()
    turn = {"enabled": True, "domain": TURN, "tls_port": port, "cert_file": str(folder / "chain.pem"),
            "key_file": str(folder / "key.pem"), "allow_restricted_peer_cidrs": ["127.0.0.0/8"]}  # fmt: skip
    names = {TURN: "127.0.0.1"}
    env = {"PYTHONPATH": str(MACHINE), "SSL_CERT_FILE": str(folder / "ca.pem"), "LAB_NAMES": json.dumps(names)}
    return start(settings={"turn": turn}), port, env


def behind(env: Mapping[str, str], port: int, behind: int) -> dict[str, str]:
    """Let a port of this machine lead to another one, as a forwarding does."""
    return {
        **env,
        "LAB_NAMES": json.dumps({**json.loads(env["LAB_NAMES"]), f"127.0.0.1:{port}": f"127.0.0.1:{behind}"}),
    }


def test_turn_over_tls(start_livekit_server: Start, tmp_path: Path) -> None:
    """Clients are sent to 443, which is forwarded to turn.tls_port."""
    server, port, env = with_turn_tls(start_livekit_server, tmp_path)
    report = diagnose(server, *SEEN, env=behind(env, 443, port))
    assert statuses(report)["turn-tls"] == "pass"
    assert f"{TURN}:443 relays from 127.0.0.1:" in detail(report, "media.turn-tls")


def test_turn_over_tls_on_another_port(start_livekit_server: Start, tmp_path: Path) -> None:
    """Nothing is behind 443, but TURN is on 5349: told with the cause."""
    server, port, env = with_turn_tls(start_livekit_server, tmp_path)
    cause = diagnose(server, *SEEN, env=behind(env, 5349, port))["probable_cause"]
    assert cause["check"] == "media.turn-tls"
    assert cause["message"].endswith("it answers on 5349")
    assert "set turn.tls_port: 443, or forward 443" in cause["hint"]


def test_turn_over_tls_with_the_certificate_of_another(start_livekit_server: Start, tmp_path: Path) -> None:
    server, port, env = with_turn_tls(start_livekit_server, tmp_path, "other.lkctl-lab.net")
    cause = diagnose(server, *SEEN, env=behind(env, 443, port))["probable_cause"]
    assert cause["check"] == "media.turn-tls"
    assert f"the certificate of {TURN} is not accepted" in cause["message"]


def test_a_web_server_where_turn_should_be(start_livekit_server: Start, tmp_path: Path) -> None:
    """It waits for the end of a request, and so says nothing to TURN: found out by asking for a page."""
    server, _, env = with_turn_tls(start_livekit_server, tmp_path)
    context, authority = certificate(TURN)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with serving(reply("200 OK", HTML, "Content-Type: text/html"), context) as port:
        cause = diagnose(server, *SEEN, env=behind(env, 443, port))["probable_cause"]
    assert cause["check"] == "media.turn-tls"
    assert f"a web server answers at {TURN}:443" in cause["message"]


def test_no_tls_where_turn_over_tls_should_be(start_livekit_server: Start, tmp_path: Path) -> None:
    """So it is with turn.external_tls, and nothing in front that ends TLS."""
    server, _, env = with_turn_tls(start_livekit_server, tmp_path)
    cause = diagnose(server, *SEEN, env=behind(env, 443, server.port))["probable_cause"]
    assert cause["check"] == "media.turn-tls"
    assert "answers without TLS" in cause["message"]
    assert "turn.external_tls" in cause["hint"]


def test_stun_servers_that_are_told(start_livekit_server: Start) -> None:
    """Only those that the server tells of are asked: here its own TURN server, and a closed port."""
    port = free_udp_port()
    settings = {"turn": {"enabled": True, "udp_port": port}, "rtc": {"stun_servers": [f"127.0.0.1:{port}"]}}
    report = diagnose(start_livekit_server(settings=settings), *SEEN)
    assert f"127.0.0.1:{port} sees this machine as 127.0.0.1:" in detail(report, "media.stun")


def token_of(server: LocalServer, room: str, **claims: object) -> str:
    whole = {"iss": server.key, "sub": "alice", "exp": int(time.time()) + 600,
             "video": {"roomJoin": True, "room": room}, **claims}  # fmt: skip
    return sign(whole, server.secret.reveal())


def test_a_given_token_is_not_joined_with(server: LocalServer, room: str, tmp_path: Path) -> None:
    """Its holder stays; the trial has a token of its own."""
    path = tmp_path / "token.jwt"
    path.write_text(token_of(server, room))
    with guest(server, "alice", room) as alice:
        report = report_of(invoke("diagnose", *ALL, "--token", f"@{path}", "-o", "json"))
        assert report["exit_code"] == 0
        assert alice.events.empty()


def test_join_with_a_given_token(server: LocalServer, room: str, tmp_path: Path) -> None:
    """Who is in there under that identity is thrown out, which is told; nothing is published, and the room stays."""
    path = tmp_path / "token.jwt"
    path.write_text(token_of(server, room))
    with guest(server, "alice", room) as alice, guest(server, "bob", room):
        report = report_of(invoke("diagnose", *ALL, "--token", f"@{path}", "--join-with-token", "-o", "json"))
        alice.await_event("disconnected")
        assert room in rooms(server)
        assert [one.identity for one in api_of(server).list_participants(room)] == ["bob"]
    assert (report["exit_code"], statuses(report)["publish"], statuses(report)["reconnect"]) == (0, "skip", "skip")
    assert f"as alice in {room}, by the given token: who was in there under it is out now" in detail(
        report, "media.signal"
    )


def test_join_with_a_token_that_is_refused(server: LocalServer, room: str, tmp_path: Path) -> None:
    path = tmp_path / "token.jwt"
    path.write_text(token_of(server, room, exp=int(time.time()) - 600))
    report = report_of(invoke("diagnose", *ALL, "--token", f"@{path}", "--join-with-token", "-o", "json"))
    assert report["exit_code"] == 1
    assert "token is expired" in detail(report, "media.signal")


def test_without_the_extra(server: LocalServer, tmp_path: Path) -> None:
    """What needs no SDK is judged; the rest is skipped, with the command that installs it."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['livekit.rtc'] = None\n")
    report = diagnose(server, *ALL, env={"PYTHONPATH": str(tmp_path)})
    found = statuses(report)
    assert report["exit_code"] == 0
    assert {found[name] for name in ("connect", "publish", "reconnect")} == {"skip"}
    assert (found["signal"], found["udp"]) == ("pass", "pass")
    assert "pip install 'lkctl[rtc]'" in detail(report, "media.connect")


def test_an_sdk_that_does_not_load(server: LocalServer, tmp_path: Path) -> None:
    """The child dies without a word: no verdict, which is no pass; and no room is left."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nif 'lkctl.server.mediaguest' in sys.orig_argv: sys.modules['livekit.rtc'] = None\n"
    )
    report = diagnose(server, *ALL, env={"PYTHONPATH": str(tmp_path)})
    assert (report["exit_code"], statuses(report)["connect"]) == (1, "unknown")
    assert not any(name.startswith("lkctl-media-") for name in rooms(server))


def test_silence_is_no_proof_without_the_right_password(server: LocalServer) -> None:
    """The premise of it all: the server answers a check that is signed with its own password, and no other."""
    token = token_of(server, "lkctl-media-premise", roomConfig={"departureTimeout": 1})
    with visiting(parse_url(server.url), token, Deadline(5)) as visit:
        assert visit.session is not None
        (candidate,) = visit.candidates
        assert reach(candidate, visit.session, Deadline(3)).outcome is Outcome.answered
        wrong = visit.session._replace(password="another-password-of-nobody")
        assert reach(candidate, wrong, Deadline(1)).outcome is Outcome.silent


def test_a_relay_wants_the_right_credentials(start_livekit_server: Start) -> None:
    """A real TURN server: 401 without, 400 with wrong ones, an address with those of the join."""
    server = start_livekit_server(settings={"turn": {"enabled": True, "udp_port": free_udp_port()}})
    with visiting(parse_url(server.url), token_of(server, "r"), Deadline(5)) as visit:
        told = next(one for one in visit.ice_servers if one.username)
        url = read_ice_url(told.urls[0])
        assert url is not None
        towards = (visit.candidates, visit.session)
        good = try_ice_server(url, told, towards, Deadline(3))
        bad = try_ice_server(url, told._replace(username="nobody"), towards, Deadline(3))
    assert (good.challenge, good.realm, good.refusal, good.denied) == (401, "livekit", 0, 403)
    assert good.relayed is not None
    assert (bad.refusal, bad.relayed) == (400, None)


def test_a_server_that_goes_in_the_middle(start_livekit_server: Start) -> None:
    """It dies while the trial is under way: a verdict within the time, and no child is left."""
    server = start_livekit_server()
    running = subprocess.Popen(
        command("diagnose", *ALL, "--timeout", "30", "-o", "json"), env=environment(server.environ),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert until(lambda: bool(rooms(server)), 10)
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    out, err = running.communicate(timeout=40)
    report = report_of(remembered(("diagnose", "--media"), Done(running.returncode, out, err)))
    assert report["exit_code"] == 1
