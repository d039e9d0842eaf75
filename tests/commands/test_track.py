"""What `lkctl track` refuses before it asks any server."""

import json

import pytest

from tests.harness import invoke

REFUSED = [
    pytest.param(["mute", "r", "a"], "usage", "no track was named", id="no track"),
    pytest.param(["unmute", "r", "a"], "usage", "no track was named", id="no track to unmute"),
    pytest.param(["mute", "r", "a", "TR_1", "--all"], "usage", "--all excludes", id="all and a SID"),
    pytest.param(["mute", "r", "a", "--source", "camera", "--all"], "usage", "--all excludes", id="all and a source"),
    pytest.param(["mute", "r", "a", "--source", "mic"], "usage", "there is no source 'mic'", id="no such source"),
    pytest.param(["mute", "r"], "usage", "missing argument 'IDENTITY'", id="no identity"),
    pytest.param(["mute", "r", "", "--all"], "option-empty", "IDENTITY is empty", id="empty identity"),
    pytest.param(["mute", "r", "a", ""], "option-empty", "is empty", id="empty SID"),
    pytest.param(["list", ""], "option-empty", "ROOM is empty", id="empty room"),
    pytest.param(["list", "r", "--participant", ""], "option-empty", "--participant is empty", id="empty participant"),
    pytest.param(["list", "r", "--source", ""], "option-empty", "--source is empty", id="empty source"),
]


@pytest.mark.parametrize(("arguments", "code", "says"), REFUSED)
def test_refused(arguments: list[str], code: str, says: str) -> None:
    done = invoke("track", *arguments, "-o", "json")
    error = json.loads(done.err)["error"]
    assert (done.code, done.out, error["code"]) == (2, "", code)
    assert says in error["message"]
    assert error["hint"]
