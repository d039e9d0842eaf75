"""Calls by which a participant changes itself."""

from pathlib import Path

import pytest

from lkctl.errors import LkctlError
from lkctl.files.selfchanges import scan_for_self_change

FOUND = [
    pytest.param("a.ts", "await room.localParticipant.setMetadata('x')", 1, id="JavaScript"),
    pytest.param("a.tsx", "x\nroom?.localParticipant?.setAttributes({a: 'b'})", 2, id="optional chaining"),
    pytest.param("a.ts", "room.localParticipant!.setName('x')", 1, id="assertion"),
    pytest.param("a.ts", "room.localParticipant\n  .setName('x')", 2, id="over lines"),
    pytest.param("a.ts", "const { localParticipant } = useLocalParticipant();\nlocalParticipant.setName('x')", 2,
                 id="hook"),
    pytest.param("a.ts", "const me = room.localParticipant;\n\nme.setAttributes({})", 3, id="another name"),
    pytest.param("a.ts", "const me: LocalParticipant = room.localParticipant;\nme.setName('')", 2, id="typed"),
    pytest.param("a.py", "await ctx.room.local_participant.set_attributes({'a': 'b'})", 1, id="Python"),
    pytest.param("a.py", "me = ctx.room.local_participant\nawait me.set_metadata('x')", 2, id="Python, another name"),
    pytest.param("a.go", "room.LocalParticipant.SetMetadata(x)", 1, id="Go"),
    pytest.param("a.go", "me := room.LocalParticipant\nme.SetName(x)", 2, id="Go, another name"),
    pytest.param("a.kt", "room.localParticipant.updateMetadata(x)", 1, id="Kotlin"),
    pytest.param("src/deep/a.dart", "room.localParticipant?.setMetadata(x)", 1, id="in a folder"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "line"), FOUND)
def test_found(name: str, text: str, line: int, tmp_path: Path) -> None:
    """File and line of the first."""
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text)
    assert scan_for_self_change(tmp_path).place == f"{name}:{line}"


NOT_FOUND = [
    pytest.param("a.ts", "const [n, setName] = useState('');\nsetName(room.localParticipant.name)", id="React state"),
    pytest.param("a.ts", "// room.localParticipant.setMetadata('x')", id="comment"),
    pytest.param("a.py", "  # room.local_participant.set_metadata('x')", id="comment in Python"),
    pytest.param("a.ts", "room.localParticipant.setMicrophoneEnabled(true)", id="another call"),
    pytest.param("a.ts", "remoteParticipant.setMetadata('x')", id="another participant"),
    pytest.param("a.ts", "const name = room.localParticipant.name;\nname.setName('x')", id="a field of it"),
    pytest.param("a.py", "room.set_metadata('x')", id="the room"),
    pytest.param("node_modules/a.js", "room.localParticipant.setMetadata('x')", id="a library"),
    pytest.param("tests/a.js", "room.localParticipant.setMetadata('x')", id="a test"),
    pytest.param("a.md", "room.localParticipant.setMetadata('x')", id="no source"),
]


@pytest.mark.parametrize(("name", "text"), NOT_FOUND)
def test_not_found(name: str, text: str, tmp_path: Path) -> None:
    """What only looks like it."""
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text)
    assert scan_for_self_change(tmp_path).place == ""


def test_how_much_was_read(tmp_path: Path) -> None:
    """Told, so that "nothing found" can be judged."""
    for number in range(3):
        (tmp_path / f"{number}.py").write_text("pass")
    assert scan_for_self_change(tmp_path) == ("", 3, "")


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_no_folder(name: str, tmp_path: Path) -> None:
    """A wrong path is an error: nothing found would be a lie."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(LkctlError, match="cannot scan") as caught:
        scan_for_self_change(tmp_path / name)
    assert caught.value.code == "file-unreadable"


@pytest.mark.parametrize(
    "text",
    [
        "localParticipant" * 30_000,
        "a=" * 200_000 + "localParticipant",
        "localParticipant(" * 25_000,
        "a = " + " " * 400_000 + "articipant",
    ],
    ids=["names", "assignments", "calls", "blanks"],
)
def test_hostile_sources(text: str, tmp_path: Path) -> None:
    """In bounded time (pytest's limit is a hundred times what it takes)."""
    (tmp_path / "a.js").write_text(text)
    assert scan_for_self_change(tmp_path).place == ""
