"""What is made of the addresses that a server tells its clients, and of what came of asking them; no packet is sent.

Real servers: tests/live/test_diagnose_media.py.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from lkctl.checks.engine import run
from lkctl.checks.media.catalogue import MEDIA_CHECKS
from lkctl.checks.media.places import Place, is_worth_asking, kind_of, place_of
from lkctl.checks.media.visit import ServerUse, Sight
from lkctl.checks.result import Result
from lkctl.errors import LkctlError
from lkctl.server.ice import Candidate, Outcome, Reach, Session
from lkctl.server.iceserver import IceUrl
from lkctl.server.routes import only_by_default
from lkctl.server.signal import Visit
from lkctl.server.stun import Endpoint
from lkctl.server.turn import Relay
from tests.checks.worlds import env_text, world_of

MINE, HIS, LAN, PUBLIC, OTHER = "127.0.0.1", "172.18.0.5", "192.168.7.5", "8.8.4.4", "9.9.9.9"
OK, NO, DUMB, OFF = Outcome.answered, Outcome.refused, Outcome.silent, Outcome.unreachable
TURN = IceUrl("turn", PUBLIC, 3478, "udp")


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A world is gathered in the working directory."""
    monkeypatch.chdir(tmp_path)


def sight(
    hosts: str, asked: Mapping[str, Outcome | None], *, uses: tuple[ServerUse, ...] = (), kept: LkctlError | None = None
) -> Sight:
    """Give what is seen where the URL leads to these hosts; `asked`: "udp ADDRESS" and what came of it, None: not."""
    known = {
        Candidate(name.split()[0], Endpoint(name.split()[1], 7882), "host"): outcome for name, outcome in asked.items()
    }
    visit = Visit(
        "1.13.5", "Standard", "", "ND_1", "lkctl-media-1", "me", 0.01, (), tuple(known), Session("a", "b", "c")
    )
    found = tuple(Reach(one, outcome, 0.002) for one, outcome in known.items() if outcome is not None)
    return Sight(visit, place_of(hosts.split()), frozenset(hosts.split()), found, uses, kept)


def judge(check: str, seen: Sight) -> Result:
    """Run one check on what was seen."""
    world = world_of({".env": env_text("wss://livekit.example.org")})
    world.memory.once("media.sight", lambda: seen)
    checks = [one for one in MEDIA_CHECKS if one.id == check]
    (result,) = run(checks, world, timeout=20)
    return result


@pytest.mark.parametrize(
    ("hosts", "asked", "status", "says"),
    [
        pytest.param(MINE, {f"udp {MINE}": OK}, "pass", "127.0.0.1: udp 7882, no tcp", id="loopback for loopback"),
        pytest.param("::1", {f"udp {MINE}": NO}, "pass", "127.0.0.1", id="loopback is loopback, whichever"),
        pytest.param(MINE, {f"udp {HIS}": None}, "fail", "172.18.0.5, a container's address", id="a container's"),
        pytest.param(MINE, {f"udp {HIS}": OK}, "pass", HIS, id="a container's that answers, as on Linux"),
        pytest.param(MINE, {f"udp {PUBLIC}": DUMB}, "fail", "8.8.4.4, a public address", id="public for loopback"),
        pytest.param(MINE, {f"udp {PUBLIC}": OK}, "pass", PUBLIC, id="public, and its router leads back in"),
        pytest.param(MINE, {"udp 203.0.113.7": None}, "fail", "an address of documentation", id="an example's"),
        pytest.param(MINE, {"udp 4f0c.local": None}, "fail", "no address", id="a name that hides it"),
        pytest.param(LAN, {f"udp {LAN}": DUMB}, "pass", LAN, id="private, the URL's own"),
        pytest.param(LAN, {"udp 10.1.2.3": DUMB}, "pass", "10.1.2.3", id="private, of another network maybe"),
        pytest.param(LAN, {f"udp {MINE}": DUMB}, "fail", "loopback", id="loopback for a network"),
        pytest.param(LAN, {f"udp {PUBLIC}": DUMB}, "fail", "the own network (192.168.7.5)", id="public for a network"),
        pytest.param(LAN, {f"udp {HIS}": DUMB}, "fail", "a container's", id="a container's for a network"),
        pytest.param(LAN, {f"udp {MINE}": OK}, "warn", "loopback only", id="loopback, asked on the machine itself"),
        pytest.param(PUBLIC, {f"udp {PUBLIC}": DUMB}, "pass", PUBLIC, id="public, the URL's own"),
        pytest.param(PUBLIC, {f"udp {OTHER}": DUMB}, "pass", OTHER, id="public, another than the proxy's"),
        pytest.param(PUBLIC, {"udp 10.244.1.7": DUMB}, "fail", "a pod's address", id="a pod's"),
        pytest.param(PUBLIC, {"udp 10.1.2.3": DUMB}, "fail", "a private address", id="private for the internet"),
        pytest.param(
            PUBLIC, {"udp 10.1.2.3": OK}, "warn", "clients elsewhere cannot reach it", id="private, from within"
        ),
        pytest.param(
            PUBLIC, {f"udp {OTHER}": OK, f"udp {PUBLIC}": DUMB}, "warn", "may flap", id="two public, one dead"
        ),
        pytest.param(PUBLIC, {f"udp {OTHER}": OK, f"udp {PUBLIC}": OK}, "pass", OTHER, id="two public, both alive"),
        pytest.param(
            PUBLIC,
            {f"udp {PUBLIC}": OK, "udp 172.17.0.1": DUMB},
            "warn",
            "172.17.0.1, a container's",
            id="Docker's bridge",
        ),
        pytest.param(PUBLIC, {f"udp {PUBLIC}": OK, "udp fd00::2": OFF}, "pass", "fd00::2", id="the node's inner IPv6"),
        pytest.param(PUBLIC, {"udp 2001:4860::8": OK}, "warn", "IPv6 addresses only", id="IPv6 alone"),
        pytest.param(PUBLIC, {}, "fail", "no address for media at all", id="none"),
    ],
)
def test_candidates(hosts: str, asked: Mapping[str, Outcome | None], status: str, says: str) -> None:
    result = judge("media.candidates", sight(hosts, asked))
    assert (result.status.value, says in result.detail) == (status, True), result.detail


def test_wrong_candidates_explain_the_rest() -> None:
    """So the report names them, whatever else failed in media."""
    (finding,) = judge("media.candidates", sight(PUBLIC, {"udp 10.244.1.7": DUMB})).findings
    assert finding.explains == ("media.*",)
    assert "use_external_ip" in finding.hint


def test_no_offer_is_told_apart_from_no_candidates() -> None:
    seen = sight(PUBLIC, {})
    silent = seen._replace(visit=seen.visit._replace(session=None))
    assert "made no offer" in judge("media.candidates", silent).detail


def test_a_hostile_heap_of_candidates_stays_short() -> None:
    """No more than a few are named."""
    many = {f"udp 10.0.0.{number}": DUMB for number in range(60)}
    assert len(judge("media.candidates", sight(PUBLIC, many)).detail) < 400


@pytest.mark.parametrize(
    ("check", "hosts", "asked", "status", "says"),
    [
        pytest.param("media.udp", LAN, {f"udp {LAN}": OK}, "pass", "within the network", id="answered"),
        pytest.param("media.udp", PUBLIC, {f"udp {OTHER}": NO, f"udp {PUBLIC}": OK}, "pass", PUBLIC, id="one of two"),
        pytest.param("media.udp", PUBLIC, {f"udp {PUBLIC}": DUMB}, "fail", "8.8.4.4:7882 is silent", id="silent"),
        pytest.param("media.udp", PUBLIC, {f"udp {PUBLIC}": NO}, "fail", "refuses", id="refused"),
        pytest.param(
            "media.udp",
            PUBLIC,
            {f"udp {PUBLIC}": DUMB, f"tcp {PUBLIC}": OK},
            "warn",
            "ICE over TCP works",
            id="TCP is open",
        ),
        pytest.param(
            "media.udp", MINE, {f"udp {MINE}": NO}, "warn", "refuses", id="at home, where the server finds us"
        ),
        pytest.param("media.udp", MINE, {"udp 127.0.0.2": NO}, "fail", "127.0.0.2", id="not quite at home"),
        pytest.param("media.udp", PUBLIC, {f"tcp {PUBLIC}": OK}, "warn", "no UDP at all", id="TCP alone"),
        pytest.param("media.udp", PUBLIC, {f"tcp {PUBLIC}": NO}, "fail", "no UDP at all", id="TCP alone, and closed"),
        pytest.param("media.tcp", PUBLIC, {f"tcp {PUBLIC}": OK}, "pass", "not from everywhere", id="TCP answered"),
        pytest.param("media.tcp", PUBLIC, {f"tcp {PUBLIC}": NO}, "warn", "refuses", id="TCP refused"),
        pytest.param(
            "media.tcp",
            PUBLIC,
            {f"tcp {PUBLIC}": Outcome.foreign},
            "warn",
            "not answer as LiveKit",
            id="TCP, but foreign",
        ),
        pytest.param("media.tcp", PUBLIC, {f"udp {PUBLIC}": OK}, "skip", "rtc.tcp_port is off", id="no TCP"),
        pytest.param("media.tcp", MINE, {f"tcp {HIS}": None}, "skip", "not worth asking", id="TCP at a stranger's"),
    ],
)
def test_paths(check: str, hosts: str, asked: Mapping[str, Outcome | None], status: str, says: str) -> None:
    result = judge(check, sight(hosts, asked))
    assert (result.status.value, says in result.detail) == (status, True), result.detail


def test_a_blocked_port_rules_out_what_is_fine() -> None:
    """The address is the URL's, and signalling works: so it is the port."""
    result = judge("media.udp", sight(PUBLIC, {f"udp {PUBLIC}": DUMB}))
    assert result.proof.ruled_out == ("signalling: the join took 10 ms", "the address: 8.8.4.4 is the URL's own")
    assert result.proof.evidence == ("udp 8.8.4.4:7882 is silent",)
    assert "UDP 7882" in result.findings[0].hint


GOOD = Relay(Endpoint("1.1.1.1", 5), 401, "livekit", 0, Endpoint(PUBLIC, 30000))
LED = Candidate("udp", Endpoint(PUBLIC, 7882), "host")


@pytest.mark.parametrize(
    ("use", "status", "says"),
    [
        pytest.param(ServerUse(TURN, GOOD._replace(reached=LED)), "pass", "leads to 8.8.4.4:7882", id="it relays"),
        pytest.param(ServerUse(TURN), "warn", "is silent", id="silence"),
        pytest.param(
            ServerUse(TURN, GOOD._replace(refusal=400, relayed=None)), "fail", "refuses the credentials", id="refusal"
        ),
        pytest.param(ServerUse(TURN, GOOD._replace(relayed=None)), "fail", "no relay address", id="no relay"),
        pytest.param(ServerUse(TURN, GOOD._replace(denied=403)), "warn", "will not relay to 8.8.4.4", id="denied"),
        pytest.param(ServerUse(TURN, GOOD), "warn", "nothing comes back", id="relayed into nothing"),
        pytest.param(
            ServerUse(TURN, error=LkctlError("net-refused", "8.8.4.4:3478 refuses")),
            "fail",
            "cannot be used",
            id="refused",
        ),
    ],
)
def test_turn(use: ServerUse, status: str, says: str) -> None:
    result = judge("media.turn", sight(PUBLIC, {f"udp {PUBLIC}": OK}, uses=(use,)))
    assert (result.status.value, says in result.detail) == (status, True), result.detail


def test_a_relay_that_leads_there_softens_blocked_udp() -> None:
    """Who is behind such a firewall gets through by TURN."""
    use = ServerUse(TURN, GOOD._replace(reached=LED))
    result = judge("media.udp", sight(PUBLIC, {f"udp {PUBLIC}": DUMB}, uses=(use,)))
    assert (result.status.value, "only TURN" in result.detail) == ("warn", True)


def test_a_room_that_could_not_be_removed_is_told() -> None:
    kept = LkctlError("net-timeout", "the answer did not come")
    result = judge("media.signal", sight(PUBLIC, {f"udp {PUBLIC}": OK}, kept=kept))
    assert (result.status.value, "lkctl-media-1 could not be removed" in result.detail) == ("warn", True)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", "loopback"), ("::1", "loopback"), ("172.17.0.1", "a container's address"),
        ("10.244.0.3", "a pod's address"), ("100.100.1.1", "a carrier's address"), ("fe80::1", "a link-local address"),
        ("192.168.1.1", "a private address"), ("172.31.0.9", "a private address"), ("8.8.8.8", "a public address"),
        ("203.0.113.7", "an address of documentation"), ("2001:db8::1", "an address of documentation"),
        ("fd00::2", "a private address"), ("4f0c.local", "no address"),
    ],
)  # fmt: skip
def test_kinds_of_addresses(address: str, kind: str) -> None:
    assert kind_of(address) == kind


@pytest.mark.parametrize(
    ("address", "place", "worth"),
    [
        pytest.param("127.0.0.2", Place.machine, True, id="this machine"),
        pytest.param("127.0.0.2", Place.internet, True, id="this machine, which a URL never means"),
        pytest.param("203.0.113.7", Place.internet, False, id="an example's, which is nobody's"),
        pytest.param("8.8.4.4", Place.machine, True, id="public: the router may lead back in"),
        pytest.param("10.1.2.3", Place.internet, True, id="inner, for a public URL: there may be a VPN"),
        pytest.param("x.local", Place.machine, False, id="a name"),
        pytest.param("999.1.1.1", Place.machine, False, id="no address"),
    ],
)
def test_worth_asking(address: str, place: Place, worth: bool) -> None:
    assert is_worth_asking(address, place) is worth


def test_an_inner_address_without_a_route_is_a_strangers() -> None:
    """Only the default route leads there: from this machine nothing else could be meant."""
    for address in ("10.211.212.213", "172.29.30.31", "192.168.213.214"):
        assert is_worth_asking(address, Place.machine) is not only_by_default(address)
