"""The README's tour, run on a real server. `python -m tests.tour` writes its output anew into the README."""

import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lkctl.files.handout import handed_out
from lkctl.localserver.process import LocalServer
from tests.harness import on_terminal, spawn

README = Path(__file__).parents[1] / "README.md"
_BLOCK = re.compile(r"(<!-- tour -->\n```console\n)(.*?)(```)", re.DOTALL)
_VARYING = (
    (r"RM_\w+", "RM_ZFjED3gwuKd3"),
    (r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "2026-11-21T09:03:48Z"),
    (r"(expires +)\S+", r"\g<1>2026-11-21T19:03:48Z"),
    (r"\((now|\d+ s ago)\)", "(now)"),
    (r"(in|for) 9 h 59 min", r"\1 10 h"),
    (r"API\w\w…\w\w", "APIdA…wi"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:7880"),
    (r"\(\d+ ms", "(15 ms"),
    (r"lkctl runs (in a container|on no container)", "lkctl runs here"),
)


def blocks(readme: str) -> list[str]:
    """Give the console blocks of the tour."""
    return [found[2] for found in _BLOCK.finditer(readme)]


def played(readme: str, server: LocalServer, folder: Path) -> str:
    """Give the README with the tour's output as it is now."""
    with handed_out(folder / ".env.local", server.environ):  # as `server start --write-env` does
        return _BLOCK.sub(lambda block: block[1] + "".join(_play(block[2], folder)) + block[3], readme)


def settled(text: str) -> str:
    """Make what differs from run to run the same."""
    for pattern, fixed in _VARYING:
        text = re.sub(pattern, fixed, text)
    return text


def _play(block: str, folder: Path) -> Iterator[str]:
    for line in block.splitlines():
        if line.startswith("$ "):
            yield f"{line}\n{settled(_run(line[2:], folder))}"


def _run(line: str, folder: Path) -> str:
    """Run a line as a shell on a terminal would."""
    if not line.startswith("lkctl "):
        subprocess.run(["/bin/sh", "-c", line], cwd=folder, check=True)
        return ""
    words, _, target = line.removeprefix("lkctl ").partition(" > ")
    if target:
        (folder / target).write_text(spawn(*shlex.split(words), cwd=folder).out)
        return ""
    return on_terminal(*shlex.split(words), cwd=folder, env={"NO_COLOR": "1"}, columns=110).out


if __name__ == "__main__":
    import os

    from lkctl.localserver.program import find

    program = find(os.environ)
    with LocalServer(program.path if program else None) as running, tempfile.TemporaryDirectory() as place:
        README.write_text(played(README.read_text(), running, Path(place)))
