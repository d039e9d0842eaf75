"""What the text of a script tells about a line of it."""

import pytest

from lkctl.agents.trace.scripttext import Script

CUTS = [
    pytest.param('u = ctx.room.name.split("-")[-1]', ".split()", id="split"),
    pytest.param("u = ctx.room.name[16:]", "[…]", id="slice"),
    pytest.param('u = (ctx.room.name or "").partition("_")', ".partition()", id="with a default"),
    pytest.param('u = ctx.room.name.removeprefix("mcp-")', ".removeprefix()", id="prefix"),
    pytest.param('u = ctx.room.name.replace("mcp-", "")', ".replace()", id="replace"),
    pytest.param('u = ctx.room.name.lstrip("mcp-")', ".lstrip(), which takes off single characters,", id="lstrip"),
    pytest.param('n = ctx.room.name\n    u = n.split("-")', ".split()", id="by a variable"),
    pytest.param("n: str = ctx.room.name\n    u = n[3:]", "[…]", id="by an annotated variable"),
    pytest.param('if n := ctx.room.name:\n        u = n.split("-")', ".split()", id="by a walrus"),
    pytest.param("u = ctx.room.name", "", id="whole"),
    pytest.param("u = ctx.room.name.strip()", "", id="without blanks"),
    pytest.param("u = users[ctx.room.name]", "", id="as a key"),
    pytest.param("u = ctx.room.name.split", "", id="not called"),
    pytest.param('n = ctx.room.name\n    u = other.split("-")', "", id="of something else"),
    pytest.param('u = ctx.room.name[4:] if ctx.room.name.startswith("mcp-") else None', "", id="after a look"),
    pytest.param('u = re.match("mcp-(.*)", ctx.room.name)[1]', "", id="by a pattern"),
]
FIRSTS = [
    pytest.param("p = next(iter(ctx.room.remote_participants.values()))", True, id="next"),
    pytest.param("p = next(iter(ctx.room.remote_participants.values()), None)", True, id="next or none"),
    pytest.param("p = list(ctx.room.remote_participants.values())[0]", True, id="first of a list"),
    pytest.param("ps = list(ctx.room.remote_participants.values())\n    p = ps[0]", True, id="by a variable"),
    pytest.param(
        "for p in ctx.room.remote_participants.values():\n        u = p\n        break", True, id="loop that breaks"
    ),
    pytest.param("for p in ctx.room.remote_participants.values():\n        return p", True, id="loop that returns"),
    pytest.param(
        "for p in ctx.room.remote_participants.values():\n        if p.metadata:\n            return p",
        False,
        id="loop that looks",
    ),
    pytest.param('p = ctx.room.remote_participants["alice"]', False, id="by identity"),
    pytest.param("n = len(ctx.room.remote_participants)", False, id="how many"),
    pytest.param("ps = list(ctx.room.remote_participants.values())\n    p = ps[-1]", False, id="the last"),
]


def in_function(body: str) -> Script:
    """Put a body into an entrypoint; it begins at line 2."""
    return Script(f"async def entrypoint(ctx):\n    {body}\n")


@pytest.mark.parametrize(("body", "expected"), CUTS)
def test_cuts(body: str, expected: str) -> None:
    script = in_function(body)
    assert script.cut_of(2, "name") == expected
    assert not script.cut_of(1, "name")
    assert not script.cut_of(2, "identity")


@pytest.mark.parametrize(("body", "expected"), FIRSTS)
def test_firsts(body: str, expected: bool) -> None:
    assert in_function(body).takes_first(2, "remote_participants") is expected


def test_a_look_elsewhere_is_no_care() -> None:
    script = Script('def a(n):\n    return n.startswith("x")\ndef b(room):\n    return room.name.split("-")[0]\n')
    assert script.cut_of(4, "name") == ".split()"


@pytest.mark.parametrize(
    "text",
    ["", "def (", "\0", "((" * 5000, "x = " + "-" * 50_000 + "1", "print 'python 2'"],
    ids=["empty", "broken", "NUL", "deep", "deeper", "old"],
)
def test_no_python(text: str) -> None:
    assert not Script(text[:100_000]).cut_of(1, "name")
    assert not Script(text[:100_000]).takes_first(1, "name")
