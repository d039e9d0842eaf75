"""Which rooms fit."""

from datetime import UTC, datetime

import pytest

from lkctl.errors import LkctlError
from lkctl.models import Room
from lkctl.scenarios.roomfilter import RoomFilter, room_filter

NOW = 1_700_000_000.0
HOUR_AGO = datetime.fromtimestamp(NOW - 3600, UTC)
DEEP = '{"a":' * 100_000

TABLE = [
    pytest.param(RoomFilter(), Room("s", "any"), True, id="no filter"),
    pytest.param(RoomFilter(("ci-*",)), Room("s", "ci-1"), True, id="a glob"),
    pytest.param(RoomFilter(("ci-*",)), Room("s", "my-ci-1"), False, id="from the start"),
    pytest.param(RoomFilter(("ci-*",)), Room("s", "CI-1"), False, id="case counts"),
    pytest.param(RoomFilter(("a?", "b*")), Room("s", "bcd"), True, id="one of two globs"),
    pytest.param(RoomFilter(older_than=3599), Room(created_at=HOUR_AGO), True, id="older"),
    pytest.param(RoomFilter(older_than=3601), Room(created_at=HOUR_AGO), False, id="younger"),
    pytest.param(RoomFilter(older_than=0), Room(), False, id="of unknown age"),
    pytest.param(RoomFilter(metadata_has=("userId",)), Room(metadata='{"userId": "a"}'), True, id="a key"),
    pytest.param(RoomFilter(metadata_has=("userId",)), Room(metadata='{"userId": null}'), True, id="a key with null"),
    pytest.param(RoomFilter(metadata_has=("userId",)), Room(metadata='{"userid": 1}'), False, id="another key"),
    pytest.param(RoomFilter(metadata_has=("user.id",)), Room(metadata='{"user": {"id": 1}}'), True, id="a path"),
    pytest.param(RoomFilter(metadata_has=("a=b",)), Room(metadata='{"a": "b"}'), True, id="a value"),
    pytest.param(RoomFilter(metadata_has=("a=b",)), Room(metadata='{"a": "c"}'), False, id="another value"),
    pytest.param(RoomFilter(metadata_has=("a=5",)), Room(metadata='{"a": 5}'), True, id="a number"),
    pytest.param(RoomFilter(metadata_has=("a=true",)), Room(metadata='{"a": true}'), True, id="true"),
    pytest.param(RoomFilter(metadata_has=("a=",)), Room(metadata='{"a": ""}'), True, id="an empty value"),
    pytest.param(RoomFilter(metadata_has=("a=b=c",)), Room(metadata='{"a": "b=c"}'), True, id="= in the value"),
    pytest.param(RoomFilter(metadata_has=('x["a=b"]=c',)), Room(metadata='{"x":{"a=b":"c"}}'), True, id="= in a key"),
    pytest.param(RoomFilter(metadata_has=("a", "b")), Room(metadata='{"a": 1}'), False, id="all keys"),
    pytest.param(RoomFilter(metadata_has=("a",)), Room(metadata=""), False, id="no metadata"),
    pytest.param(RoomFilter(metadata_has=("a",)), Room(metadata="a"), False, id="no JSON"),
    pytest.param(RoomFilter(metadata_has=("a",)), Room(metadata='["a"]'), False, id="no object"),
    pytest.param(RoomFilter(metadata_has=("a",)), Room(metadata=DEEP), False, id="nested too deep"),
    pytest.param(RoomFilter(("x",), 0, ("a",)), Room(name="x", metadata='{"a": 1}'), False, id="all of it"),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "room", "fits"), TABLE)
def test_fits(wanted: RoomFilter, room: Room, fits: bool) -> None:
    """Every part of the filter must hold."""
    assert wanted.fits(room, NOW) is fits


@pytest.mark.parametrize(
    ("older_than", "metadata_has"), [("soon", []), ("1h", ["a..b"]), ("1h", ["a..b=c"]), (None, ["=c"])]
)
def test_what_is_no_filter(older_than: str | None, metadata_has: list[str]) -> None:
    """It is refused before any room is looked at."""
    with pytest.raises(LkctlError) as caught:
        room_filter(["*"], older_than, metadata_has)
    assert (caught.value.code, bool(caught.value.hint)) == ("usage", True)


def test_options() -> None:
    """What was not given filters nothing."""
    assert room_filter(None, None) == RoomFilter()
    assert room_filter(["a"], "1h", ["k=v"]) == RoomFilter(("a",), 3600, ("k=v",))
