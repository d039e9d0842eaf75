"""Can the addresses that the server tells its clients be right, seen from where the URL leads? (ICE candidates)"""

from collections.abc import Iterator, Sequence

from lkctl.checks.media.places import Place, is_mine, is_sample, is_wide, kind_of, parse
from lkctl.checks.media.visit import Sight, sight_of
from lkctl.checks.result import Finding, Problem, Severity
from lkctl.checks.verdict import settle
from lkctl.checks.world import World

MEDIA = ("media.*",)
_MOST_SAID = 6
_LEADS = {
    Place.machine: "this machine",
    Place.network: "an address of the own network",
    Place.internet: "an address of the internet",
}
_INNERMOST = {"a container's address", "a pod's address", "a link-local address"}
_SETTING = "in livekit.yaml (or --node-ip), and start the server anew"


def judge_candidates(world: World) -> str:
    """Each address that the server tells its clients for media can lead to it, seen from where the URL leads.

    An address at which the server answered an ICE check counts as right, whatever it looks like. Documentation
    addresses, and inner ones that can only be a stranger's, are judged without being asked.
    """
    sight = sight_of(world)
    told = addresses_of(sight)
    if not told:
        raise _nothing(sight)
    wrong = [one for one in told if not _fits(one, sight)]
    if len(wrong) == len(told):
        raise _all_wrong(sight, told)
    said = f"{_listed(told)}: {', '.join(_ports(sight))}"
    return settle(_odd(sight, told, wrong), said)


def addresses_of(sight: Sight) -> list[str]:
    """Give the addresses that clients are told, each once, in the server's order."""
    return list(dict.fromkeys(one.endpoint.address for one in sight.visit.candidates if not one.own))


def _fits(address: str, sight: Sight) -> bool:
    """Whether an address can lead to the server: it has answered there, or it is of the kind that the URL's are."""
    if address in sight.answered or address in sight.hosts:
        return True
    if parse(address) is None or kind_of(address) in _INNERMOST or (is_sample(address) and not is_mine(address)):
        return False
    if sight.place is Place.machine:
        return is_mine(address)
    if sight.place is Place.internet:
        return is_wide(address)
    return kind_of(address) == "a private address"


def _all_wrong(sight: Sight, told: Sequence[str]) -> Problem:
    """None of them leads to the server: that is the cause of whatever fails in media."""
    first, hosts = told[0], ", ".join(sorted(sight.hosts))
    kind = kind_of(first)
    said = (
        f"clients are told to send media to {_listed(told)}, {kind}; the URL leads to {_LEADS[sight.place]} ({hosts})"
    )
    asked = tuple(one.said for one in sight.asked)
    unasked = "" if asked else f"{_listed(told)} is {kind}, and was not asked: nothing but a stranger could be there"
    return Problem(
        said,
        hint=_mend(sight, first),
        evidence=asked or (unasked,),
        ruled_out=(f"signalling: the join took {sight.visit.seconds * 1000:.0f} ms",),
        explains=MEDIA,
    )


def _mend(sight: Sight, told: str) -> str:
    if sight.place is Place.machine:
        return f"For clients on this machine set rtc.node_ip: 127.0.0.1 {_SETTING}; {told} may be right for others"
    hosts = sorted(sight.hosts)
    if sight.place is Place.network:
        return f"Set rtc.node_ip: {hosts[0]} {_SETTING}; for clients outside, too, that machine needs a second node"
    return (
        f"Set rtc.node_ip to the public address of the node ({hosts[0]}, if no proxy stands there), or "
        f"rtc.use_external_ip: true, {_SETTING}"
    )


def _nothing(sight: Sight) -> Problem:
    if sight.visit.session is None:
        said = "the server made no offer within 3 s, so it is not known where its media can be reached"
        return Problem(said, hint="Look into the server's log", explains=MEDIA)
    said = "the server tells its clients no address for media at all: it found no network interface to use"
    hint = "Look at rtc.interfaces, rtc.ips, rtc.udp_port and rtc.port_range_start in livekit.yaml"
    return Problem(said, hint=hint, explains=MEDIA)


def _odd(sight: Sight, told: Sequence[str], wrong: Sequence[str]) -> Iterator[Finding]:
    """Find what works, and costs clients time or reaches fewer of them than it could."""
    for address in wrong[:_MOST_SAID]:
        said = f"clients are also told {address}, {kind_of(address)}, to which nothing leads; they try it in vain"
        harmless = ":" in address or kind_of(address) == "a link-local address"
        hint = "" if harmless else "Exclude it with rtc.interfaces or rtc.ips in livekit.yaml; Docker's bridge: docker0"
        yield Finding(said, hint, severity=Severity.info if harmless else Severity.warn)
    if len(wrong) > _MOST_SAID:
        yield Finding(f"{len(wrong) - _MOST_SAID} more addresses lead nowhere", severity=Severity.warn)
    yield from _narrow(sight, [one for one in told if one not in wrong])


def _narrow(sight: Sight, right: Sequence[str]) -> Iterator[Finding]:
    """Find which clients the addresses that are right for us do not serve."""
    for address in right if len(right) > 1 else ():
        if kind_of(address) in _INNERMOST and address not in sight.hosts:
            said = f"clients are also told {address}, {kind_of(address)}: it answers from here; others try it in vain"
            yield Finding(said, severity=Severity.info)
    if sight.place is Place.internet and not any(map(is_wide, right)):
        said = f"{_listed(right)} answers from here, and is {kind_of(right[0])}: clients elsewhere cannot reach it"
        yield Finding(said, _mend(sight, right[0]), severity=Severity.warn, explains=MEDIA)
    if sight.place is Place.network and all(map(_is_loopback, right)):
        said = "clients are told loopback only: media works on the server's own machine, and nowhere else"
        yield Finding(said, _mend(sight, right[0]), severity=Severity.warn, explains=MEDIA)
    for address in right if sight.answered else ():
        if is_wide(address) and ":" not in address and address not in sight.answered:
            said = f"clients are also told {address}, which does not answer from here: connections may flap"
            yield Finding(said, f"Keep what leads to the node: rtc.node_ip {_SETTING}", severity=Severity.warn)
    if all(":" in one for one in right):
        said = f"clients are told IPv6 addresses only ({_listed(right)}): those without IPv6 have no way"
        yield Finding(said, "Give the node an IPv4 address, too: rtc.node_ip", severity=Severity.warn)


def _ports(sight: Sight) -> Iterator[str]:
    for protocol in ("udp", "tcp"):
        ports = {one.endpoint.port for one in sight.visit.candidates if one.protocol == protocol and not one.own}
        yield f"{protocol} {', '.join(map(str, sorted(ports)))}" if ports else f"no {protocol}"


def _listed(addresses: Sequence[str]) -> str:
    more = f" and {len(addresses) - _MOST_SAID} more" if len(addresses) > _MOST_SAID else ""
    return ", ".join(addresses[:_MOST_SAID]) + more


def _is_loopback(address: str) -> bool:
    parsed = parse(address)
    return parsed is not None and parsed.is_loopback
