import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lkctl.errors import LkctlError
from lkctl.localserver.process import LocalServer, last_words
from lkctl.localserver.program import VARIABLE
from lkctl.localserver.ready import is_ready
from lkctl.secret import Secret
from tests.harness import SECRETS
from tests.localserver.stand_ins import script

Start = Callable[..., LocalServer]


@pytest.mark.live
def test_it_runs(livekit_server: LocalServer) -> None:
    SECRETS.add(livekit_server.secret.reveal())
    assert livekit_server.url == f"ws://127.0.0.1:{livekit_server.port}"
    assert livekit_server.http_url == f"http://127.0.0.1:{livekit_server.port}"
    assert livekit_server.pid is not None
    assert is_ready(livekit_server.port, livekit_server.key, livekit_server.secret)
    assert not livekit_server.wait(0.01)


@pytest.mark.live
def test_its_secret_is_in_its_environment_only(livekit_server: LocalServer) -> None:
    secret = livekit_server.secret.reveal()
    assert secret not in repr(vars(livekit_server)["keys"]) + repr(livekit_server) + str(livekit_server.secret)
    argv = subprocess.run(
        ["ps", "-o", "args=", "-p", str(livekit_server.pid)], capture_output=True, text=True, check=True
    ).stdout
    assert argv.split() == [str(livekit_server.program)]
    assert livekit_server.environ["LIVEKIT_API_SECRET"] == secret


@pytest.mark.live
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_listens_on_loopback_only(livekit_server: LocalServer) -> None:
    inodes = {str(link.readlink()) for link in Path(f"/proc/{livekit_server.pid}/fd").iterdir()}
    addresses = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{livekit_server.pid}/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if f"socket:[{words[9]}]" in inodes:
                addresses.add((table, words[1].partition(":")[0]))
    assert addresses == {("tcp", "0100007F"), ("udp", "0100007F")}


@pytest.mark.live
def test_keys_and_settings(start_livekit_server: Start) -> None:
    pairs = {"devkey": "secret", "APIsecond": "2" * 43}
    server = start_livekit_server(keys=pairs, settings={"room": {"auto_create": False}})
    assert (server.key, server.secret.reveal()) == ("devkey", "secret")
    assert all(is_ready(server.port, key, Secret(secret)) for key, secret in pairs.items())
    assert not is_ready(server.port, "devkey", Secret("2" * 43))


@pytest.mark.live
def test_ambient_settings_do_not_reach_it(start_livekit_server: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"LIVEKIT_KEYS": "nonsense", "REDIS_HOST": "127.0.0.1:9", "NODE_IP": "10.9.9.9"}.items():
        monkeypatch.setenv(name, value)
    assert start_livekit_server().pid is not None


@pytest.mark.live
def test_stop_and_start_again(livekit_server_program: Path) -> None:
    server = LocalServer(livekit_server_program)
    assert repr(server) == "<LocalServer not started>"
    with server:
        pid, port = server.pid, server.port
        with pytest.raises(RuntimeError, match="started already"):
            server.start()
    assert (server.pid, server.wait(0), server.log()) == (None, True, [])
    assert not is_ready(port, server.key, server.secret)
    server.stop()
    with server:
        assert server.pid not in {None, pid}


def test_url_before_the_start(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="not started"):
        _ = LocalServer(script(tmp_path / "server", "true")).url


@pytest.mark.live
def test_a_fixed_port(start_livekit_server: Start) -> None:
    server = start_livekit_server()
    port = server.port
    with pytest.raises(LkctlError, match=f"cannot listen on 127.0.0.1:{port}"):
        start_livekit_server(port=port)
    server.stop()
    assert start_livekit_server(port=port).port == port


@pytest.mark.live
def test_a_wrong_setting_is_told_in_the_servers_words(start_livekit_server: Start) -> None:
    with pytest.raises(LkctlError, match="field rooom not found") as caught:
        start_livekit_server(settings={"rooom": {}})
    assert caught.value.code == "livekit-server-failed"


@pytest.mark.live
def test_a_port_that_stays_taken(start_livekit_server: Start) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(LkctlError, match="address already in use"):
            start_livekit_server(settings={"rtc": {"udp_port": taken.getsockname()[1]}})


def test_a_lost_race_is_run_again(tmp_path: Path) -> None:
    taken = "listen tcp 127.0.0.1:1: bind: address already in use"
    program = script(tmp_path / "server", f"echo try >> {tmp_path}/tries; echo '{taken}'")
    with pytest.raises(LkctlError, match="address already in use"):
        LocalServer(program).start()
    assert (tmp_path / "tries").read_text() == "try\n" * 3


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param("echo 'invalid TURN ports'", "before it was ready:\n  invalid TURN ports", id="exit 0 at once"),
        pytest.param("exit 7", "ended before it was ready", id="exit 7 in silence"),
        pytest.param("echo waiting; exec sleep 60", "did not answer on http://127.0.0.1:", id="never ready"),
        pytest.param("trap '' TERM; while :; do sleep 0.1; done", "within 0.4 s", id="never ready, deaf"),
        pytest.param('echo "$LIVEKIT_CONFIG"', "<secret>", id="tells its secret"),
    ],
)
def test_programs_that_do_not_start(body: str, said: str, tmp_path: Path) -> None:
    server = LocalServer(script(tmp_path / "server", body), ready_within=0.4)
    begun = time.monotonic()
    with pytest.raises(LkctlError) as caught:
        server.start()
    assert said in caught.value.message
    assert server.secret.reveal() not in caught.value.message
    assert (caught.value.code, "lkctl server install --force" in caught.value.hint) == ("livekit-server-failed", True)
    assert server.pid is None
    assert time.monotonic() - begun < 10


def test_a_program_that_is_none(tmp_path: Path) -> None:
    garbage = tmp_path / "server"
    garbage.write_bytes(b"\x00\x01")
    with pytest.raises(LkctlError, match=r"cannot be run .Permission denied."):
        LocalServer(garbage).start()
    garbage.chmod(0o755)
    with pytest.raises(LkctlError, match=r"cannot be run .Exec format error."):
        LocalServer(garbage).start()


def test_without_a_program_one_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = script(tmp_path / "server", "true")
    monkeypatch.setenv(VARIABLE, str(program))
    assert LocalServer().program == program
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(LkctlError, match="no livekit-server program was found") as caught:
        LocalServer()
    assert caught.value.code == "livekit-server-missing"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([], "", id="none"),
        pytest.param(["plain", "", "text"], "  plain\n  text", id="plain"),
        pytest.param(
            [json.dumps({"level": "error", "msg": "no", "error": "why", "stacktrace": "long"})],
            "  error: no: why",
            id="json",
        ),
        pytest.param(["[1]", "7", '{"a": 1}'], '  [1]\n  7\n  {"a": 1}', id="other json"),
        pytest.param([str(n) for n in range(20)], "\n".join(f"  {n}" for n in range(12, 20)), id="the last ones"),
        pytest.param(["token eyJhbGciOiJIUzI1NiJ9.e30.abc"], "  token <JWT>", id="scrubbed"),
    ],
)
def test_last_words(lines: list[str], expected: str) -> None:
    assert last_words(lines) == expected
