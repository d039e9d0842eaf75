import re
import socket

import pytest

from lkctl.errors import LkctlError
from lkctl.localserver.config import (
    configuration,
    free_tcp_port,
    free_udp_port,
    insist_free,
    new_key,
    new_secret,
    server_environment,
)
from lkctl.secret import Secret

KEYS = {"APIone": Secret("1" * 43)}


def test_keys_look_like_livekits_own() -> None:
    assert re.fullmatch(r"API[A-Za-z0-9]{12}", new_key())
    assert re.fullmatch(r"[A-Za-z0-9]{43}", new_secret().reveal())
    assert len({new_key() for _ in range(50)}) == 50


def test_it_stays_on_loopback() -> None:
    config = configuration(KEYS, {}, None)
    assert config["bind_addresses"] == ["127.0.0.1"]
    rtc = config["rtc"]
    assert (rtc["node_ip"], rtc["ips"]["includes"], rtc["tcp_port"]) == ("127.0.0.1", ["127.0.0.1/32"], 0)
    assert all(name.startswith("127.0.0.1:") for name in rtc["stun_servers"])


@pytest.mark.parametrize(
    ("settings", "where", "expected"),
    [
        pytest.param({"port": 1}, ["port"], 1, id="top level"),
        pytest.param({"room": {"auto_create": False}}, ["room"], {"auto_create": False}, id="a new section"),
        pytest.param({"rtc": {"tcp_port": 7}}, ["rtc", "tcp_port"], 7, id="below a section"),
        pytest.param({"rtc": {"tcp_port": 7}}, ["rtc", "node_ip"], "127.0.0.1", id="its neighbours stay"),
        pytest.param({"keys": {"b": "2"}}, ["keys"], {"APIone": "1" * 43, "b": "2"}, id="keys are added"),
        pytest.param({"bind_addresses": []}, ["bind_addresses"], [], id="lists are replaced"),
        pytest.param({"rtc": None}, ["rtc"], None, id="a section is replaced by none"),
    ],
)
def test_settings_are_merged(settings: dict[str, object], where: list[str], expected: object) -> None:
    found: object = configuration(KEYS, settings, None)
    for name in where:
        assert isinstance(found, dict)
        found = found[name]
    assert found == expected


def test_only_our_configuration_counts() -> None:
    ambient = {
        "PATH": "/bin", "LIVEKIT_KEYS": "a: b", "LIVEKIT_API_SECRET": "s", "NODE_IP": "10.0.0.1", "UDP_PORT": "1",
        "REDIS_HOST": "r", "REDIS_PASSWORD": "p",
    }  # fmt: skip
    assert server_environment(ambient, {"port": 1}) == {"PATH": "/bin", "LIVEKIT_CONFIG": '{"port": 1}'}


def test_free_ports_are_free() -> None:
    for kind, port in ((socket.SOCK_STREAM, free_tcp_port()), (socket.SOCK_DGRAM, free_udp_port())):
        with socket.socket(socket.AF_INET, kind) as taken:
            taken.bind(("127.0.0.1", port))


def test_a_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LkctlError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use") as caught:
            insist_free(port)
    assert caught.value.code == "livekit-server-failed"
    insist_free(port)


def test_a_port_that_was_just_closed_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            accepted.close()  # the server's side closes first: it leaves TIME_WAIT on the port
            client.recv(1)
    insist_free(port)
