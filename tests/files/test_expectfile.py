"""Files of expectations: what they may say, and on which line what they say is wrong."""

from pathlib import Path

import pytest

from lkctl.errors import LkctlError
from lkctl.files.expectfile import Bound, key_lines, read_expectations

WHOLE = """\
# as it should be
[server]
version = ">=1.9.10, <2"
services = ["egress", "SIP"]

[rooms.demo]
metadata = ["userId"]
participants = { min = 1, max = 10 }
agents = ["helper"]
user_id = "user_1704067200000_abc123"

[rooms."room two"]  # open, and no more
[rooms.three.participants]
min = 2
"""


def read(text: str) -> object:
    Path("e.toml").write_text(text)
    return read_expectations(Path("e.toml"))


def test_all_of_it() -> None:
    """Every key, with the line it stands on."""
    Path("e.toml").write_text(WHOLE)
    found = read_expectations(Path("e.toml"))
    assert found.version == (Bound(">=", (1, 9, 10)), Bound("<", (2,)))
    assert (found.services, found.places["version"]) == (("egress", "SIP"), "e.toml:3")
    demo, two, three = found.rooms
    assert (demo.metadata, demo.least, demo.most, demo.agents) == (("userId",), 1, 10, ("helper",))
    assert (demo.user_id, demo.place("participants"), demo.place()) == (
        "user_1704067200000_abc123",
        "e.toml:8",
        "e.toml:6",
    )
    assert (two.name, two.place()) == ("room two", "e.toml:12")
    assert (three.least, three.most, three.place("participants")) == (2, None, "e.toml:13")


WRONG = [
    pytest.param(
        "[server]\nversion = '1'\n\nversoin = 1", "e.toml:4: [server] has the unknown key 'versoin'", id="key"
    ),
    pytest.param("[sever]\nversion = '1'", "e.toml:1: the file has the unknown key 'sever'", id="table"),
    pytest.param("[rooms.a]\nmetdata = []", "e.toml:2: [rooms.a] has the unknown key 'metdata'", id="key of a room"),
    pytest.param("rooms.a.x = 1", "e.toml:1: [rooms.a] has the unknown key 'x'", id="dotted"),
    pytest.param(
        "[rooms.a]\n\nparticipants = { least = 1 }", "e.toml:3: [rooms.a.participants] has the unknown key", id="inline"
    ),
    pytest.param("[server]\nversion = 'new'", "e.toml:2: version is 'new'", id="version"),
    pytest.param("[server]\nversion = 1.9", "e.toml:2: version is 1.9", id="version as a number"),
    pytest.param("[server]\nservices = ['redis']", "e.toml:2: 'redis' is none of egress, ingress, SIP", id="service"),
    pytest.param("[server]\nservices = 'SIP'", "e.toml:2: services is no list of names", id="no list"),
    pytest.param("[rooms.a]\nagents = []", "e.toml:2: agents is no list of names", id="empty list"),
    pytest.param("[rooms.a]\nmetadata = [1]", "e.toml:2: metadata is no list of names", id="no names"),
    pytest.param("[rooms.a]\nuser_id = 5", "e.toml:2: user_id is no text", id="user ID"),
    pytest.param("[rooms.a]\nparticipants = 5", "e.toml:2: rooms.a.participants is no table", id="no table"),
    pytest.param("[rooms.a.participants]\nmin = -1", "e.toml:2: min is -1", id="negative"),
    pytest.param("[rooms.a.participants]\nmin = true", "e.toml:2: min is True", id="no number"),
    pytest.param("[rooms.a.participants]\nmin = 3\nmax = 2", "e.toml:1: min is 3, and max is 2", id="bounds"),
    pytest.param("rooms = 5", "e.toml:1: rooms is no table", id="rooms"),
    pytest.param("[server]\n", "e.toml expects nothing", id="nothing"),
    pytest.param("[server\n", "e.toml is no TOML", id="no TOML"),
    pytest.param("a = " + "[" * 5000, "e.toml is no TOML", id="nested"),
    pytest.param("\n".join(f"[rooms.r{n}]" for n in range(101)), "it names 101 rooms", id="many rooms"),
]


@pytest.mark.parametrize(("text", "says"), WRONG)
def test_what_is_wrong(text: str, says: str) -> None:
    """Exit 2, with the line and the next step."""
    with pytest.raises(LkctlError) as error:
        read(text)
    assert says in error.value.message
    assert (error.value.exit_code, bool(error.value.hint)) == (2, True)


VERSIONS = [
    pytest.param("1.13", (1, 13, 5), True, id="begins so"),
    pytest.param("1.1", (1, 13, 5), False, id="not by letters"),
    pytest.param("==1.13", (1, 13, 0), True, id="the same"),
    pytest.param("==1.13", (1, 13, 5), False, id="not the same"),
    pytest.param(">=1.9.10", (1, 13, 5), True, id="at least"),
    pytest.param(">=1.13.6", (1, 13, 5), False, id="too old"),
    pytest.param(">1.13", (1, 13), False, id="more than"),
    pytest.param("<2", (1, 13, 5), True, id="less than"),
    pytest.param("<=1.13", (1, 13, 0), True, id="at most"),
    pytest.param("<=1.13", (1, 13, 1), False, id="too new"),
    pytest.param(">=1.9, <1.13", (1, 13, 5), False, id="both"),
]


@pytest.mark.parametrize(("wanted", "version", "fits"), VERSIONS)
def test_versions(wanted: str, version: tuple[int, ...], fits: bool) -> None:
    """As numbers."""
    Path("e.toml").write_text(f'[server]\nversion = "{wanted}"\n')
    bounds = read_expectations(Path("e.toml")).version or ()
    assert all(bound.admits(version) for bound in bounds) is fits


def test_lines_of_keys() -> None:
    """Headers, dotted and quoted keys."""
    assert key_lines('[a."b c"]\nd.e = 1\n"f" = 2 # x\n\n[[g]]\nh = """\n[i]\n"""\n') == {
        ("a", "b c"): 1, ("a", "b c", "d", "e"): 2, ("a", "b c", "f"): 3, ("g",): 5, ("g", "h"): 6, ("i",): 7,
    }  # fmt: skip
