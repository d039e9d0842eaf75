"""What is never overwritten: devices, pipes, links to themselves; and a `.env` that leads nowhere is no absence."""

import json
import os
from pathlib import Path

import pytest

from tests.harness import invoke


@pytest.mark.parametrize("kind", ["pipe", "folder", "loop"])
def test_force_replaces_files_only(kind: str) -> None:
    """--force is for files; anything else stays what it is."""
    path = Path(".env")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path)
    done = invoke("env", "init", "--force", "--no-env-file", "-o", "json")
    assert (done.code, json.loads(done.err)["error"]["code"]) == (2, "file-unwritable")
    assert path.is_fifo() or path.is_dir() or path.is_symlink()


def test_an_env_file_that_leads_nowhere() -> None:
    """A secret that was not mounted: said, not taken for no file at all."""
    Path(".env").symlink_to("nowhere")
    done = invoke("room", "list", "-o", "json")
    assert (done.code, json.loads(done.err)["error"]["code"]) == (2, "file-unreadable")
