from contextlib import nullcontext
from pathlib import Path

import pytest

from lkctl.errors import LkctlError
from lkctl.files.handout import handed_out, insist_writable

VALUES = {"LIVEKIT_URL": "ws://127.0.0.1:1", "LIVEKIT_API_KEY": "APIx", "LIVEKIT_API_SECRET": "s" * 43}


def test_it_is_there_while_the_block_runs(clean_place: Path) -> None:
    file = clean_place / ".env"
    with handed_out(file, VALUES):
        lines = file.read_text().splitlines()
        assert lines[0].startswith("# ")
        assert lines[1:] == [f"{name}={value}" for name, value in VALUES.items()]
        assert file.stat().st_mode & 0o777 == 0o600
    assert not list(clean_place.iterdir())


def test_it_goes_also_after_a_failure(clean_place: Path) -> None:
    with pytest.raises(KeyboardInterrupt), handed_out(clean_place / ".env", VALUES):
        raise KeyboardInterrupt
    assert not list(clean_place.iterdir())


def test_what_somebody_has_changed_stays(clean_place: Path) -> None:
    file = clean_place / ".env"
    with handed_out(file, VALUES):
        file.write_text("MINE=1\n")
    assert file.read_text() == "MINE=1\n"


def test_somebody_may_remove_it(clean_place: Path) -> None:
    with handed_out(clean_place / ".env", VALUES):
        (clean_place / ".env").unlink()


@pytest.mark.parametrize("kind", ["file", "dangling link"])
@pytest.mark.parametrize("when", ["before", "in between"])
def test_a_file_is_not_overwritten(kind: str, when: str, clean_place: Path) -> None:
    file = clean_place / ".env"
    if kind == "file":
        file.write_text("MINE=1\n")
    else:
        file.symlink_to(clean_place / "nowhere")
    attempt = nullcontext() if when == "before" else handed_out(file, VALUES)
    with pytest.raises(LkctlError, match="is there already") as caught, attempt:
        insist_writable(file)
    assert (caught.value.code, ".env.local" in caught.value.hint) == ("file-exists", True)
    assert [path.name for path in clean_place.iterdir()] == [".env"]
    assert file.is_symlink() or file.read_text() == "MINE=1\n"


@pytest.mark.parametrize(("name", "said"), [("", "it is a folder"), ("no/such", "no file can be made in")])
def test_where_no_file_can_be(name: str, said: str, clean_place: Path) -> None:
    with pytest.raises(LkctlError, match=said) as caught:
        insist_writable(clean_place / name)
    assert caught.value.code == "file-unwritable"
    with pytest.raises(LkctlError) as caught, handed_out(clean_place / name, VALUES):
        pass
    assert caught.value.code == "file-unwritable"
    assert not list(clean_place.iterdir())
