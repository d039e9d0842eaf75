"""A field of metadata that is wished for: `room wait metadata.KEY=VALUE` and `--metadata-has KEY=VALUE` agree on it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from lkctl.errors import LkctlError
from lkctl.models import Room
from lkctl.scenarios.conditions import judge, parse_conditions
from lkctl.scenarios.look import Look
from lkctl.scenarios.roomfilter import room_filter

AT = datetime(2026, 1, 1, tzinfo=UTC)
DEEP = "[" * 800 + "]" * 800

WISHES = [
    pytest.param("a", {"a": None}, True, id="key"),
    pytest.param("a", {"b": 1}, False, id="no key"),
    pytest.param("a", [], False, id="no object"),
    pytest.param("a=x", {"a": "x"}, True, id="text"),
    pytest.param("a=X", {"a": "x"}, False, id="letter case"),
    pytest.param('a="x"', {"a": "x"}, True, id="text as JSON"),
    pytest.param("a=3", {"a": 3}, True, id="number"),
    pytest.param("a=3.0", {"a": 3}, True, id="number, spelt otherwise"),
    pytest.param("a=3", {"a": "3"}, True, id="digits as text"),
    pytest.param('a="3"', {"a": 3}, False, id="a text is no number"),
    pytest.param("a=1", {"a": True}, False, id="true is no number"),
    pytest.param("a=true", {"a": True}, True, id="boolean"),
    pytest.param("a=null", {"a": None}, True, id="null"),
    pytest.param("a=", {"a": ""}, True, id="no text"),
    pytest.param("a=", {"a": None}, False, id="null is not no text"),
    pytest.param('a=["é"]', {"a": ["é"]}, True, id="list beyond ASCII"),
    pytest.param('a={"y":1,"x":[2]}', {"a": {"x": [2], "y": 1}}, True, id="object in another order"),
    pytest.param("a=[1]", {"a": [True]}, False, id="true in a list is no number"),
    pytest.param('["b=c"]==', {"b=c": "="}, True, id="= in key and value"),
    pytest.param(" a = x ", {"a": "x"}, True, id="blanks around"),
    pytest.param("a.b=1", {"a": {"b": 1}}, True, id="path"),
    pytest.param(f"a={DEEP}", {"a": 1}, False, id="nested deep"),
    pytest.param("a=NaN=", {"a": "NaN="}, True, id="no JSON"),
]


@pytest.mark.parametrize(("wish", "metadata", "fits"), WISHES)
def test_both_agree(wish: str, metadata: Any, fits: bool) -> None:
    room = Room(sid="RM_1", name="r", metadata=json.dumps(metadata))
    (condition,) = parse_conditions([f"metadata.{wish}" if not wish.startswith("[") else f"metadata{wish}"])
    assert judge(condition, Look("r", AT, room)).held is fits
    assert room_filter(None, None, [wish]).fits(room, 0) is fits


@pytest.mark.parametrize("wish", ["=x", "=", " =x", "a..b", "[x]=1"])
def test_no_key(wish: str) -> None:
    for read in (lambda: parse_conditions([f"metadata.{wish}"]), lambda: room_filter(None, None, [wish])):
        with pytest.raises(LkctlError, match="names no key") as caught:
            read()
        assert caught.value.code == "usage"
