"""The exact change to where LIVEKIT_URL is set, once another URL is known to be right."""

import re
from shlex import quote

from lkctl.checks.result import Fix
from lkctl.checks.world import World
from lkctl.files.envfile import EnvFile
from lkctl.settings.layers import URL
from lkctl.settings.url import ServerUrl, without_login


def url_fix(world: World, right: ServerUrl) -> Fix | None:
    """Give the change that makes it this URL; None where it stands in no place of the user's own."""
    origin = world.origin(URL)
    name, _, number = origin.rpartition(":")
    for file in world.env_files:
        if name == file.name and number.isdecimal():
            return _line_fix(file, int(number), world.value(URL), str(right))
    return Fix(command=f"export {URL}={quote(str(right))}") if origin == f"env {URL}" else None


def _line_fix(file: EnvFile, number: int, wrong: str, right: str) -> Fix:
    lines = re.split(r"\r\n|\n|\r", file.text)  # as python-dotenv counts them
    old = lines[number - 1] if number <= len(lines) else ""
    new = old.replace(wrong, right) if wrong and wrong in old else f"{URL}={right}"
    return Fix(path=str(file.path), line=number, old=without_login(old), new=new)
