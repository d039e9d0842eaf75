"""The exact change to where LIVEKIT_URL is set, once another URL is known to be right."""

import re
from shlex import quote

from lkctl.checks.envedit import Edit, fix_of, gives, text_of, write
from lkctl.checks.result import Fix
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.files.envfile import EnvFile
from lkctl.settings.layers import URL
from lkctl.settings.shape import QUOTES
from lkctl.settings.url import ServerUrl, parse_url, without_login

_NAME = re.compile(rf"(?:export\s+)?{URL}\s*=\s*")
_LOGIN = re.compile(r"(?<=//)[^/]*@")


def url_fix(world: World, right: ServerUrl) -> Fix | None:
    """Give the change that makes it this URL; None where it stands in no place of the user's own."""
    setting = world.settings.setting(URL)
    name, _, number = setting.origin.rpartition(":") if setting is not None else ("", "", "")
    for file in world.env_files:
        if setting is not None and name == file.name and number.isdecimal():
            return _line_fix(file, int(number), setting.text.strip(), str(right))
    return Fix(command=f"export {URL}={quote(str(right))}") if world.origin(URL) == f"env {URL}" else None


def with_origin(world: World, said: str) -> str:
    """Add to what is said of the URL where it is set, once: `… (LIVEKIT_URL of .env:1)`, `… (env LIVEKIT_URL)`."""
    origin = world.origin(URL)
    if not origin or origin in said:
        return said
    place = origin if URL in origin or origin.startswith("flag") else f"{URL} of {origin}"
    return f"{said[:-1]}; {place})" if said.endswith(")") else f"{said} ({place})"


def likely_right(written: str) -> ServerUrl | None:
    """Give the URL that was meant by one that is malformed; None where that is anybody's guess."""
    around = QUOTES + " \t"
    url = _LOGIN.sub("", _NAME.sub("", written.strip().strip(around), count=1).strip(around), count=1)
    url = url.partition("#")[0].partition("?")[0]
    for _ in range(2):
        try:
            return parse_url(url)
        except LkctlError as error:
            url = error.hint.removeprefix("Write ")  # where parse_url knows better, it says so
    return None


def _line_fix(file: EnvFile, number: int, wrong: str, right: str) -> Fix | None:
    """Change the URL alone, where it stands there as it is; else, or where it holds a login, all behind the name."""
    old = text_of(file, number)
    ways = [Edit(number, old.replace(wrong, right, 1)), write(file, number, right)] if wrong else []
    if without_login(old) != old:
        ways.reverse()
    edits = next(([way] for way in ways if gives(file, [way], {URL: right})), None)
    return None if edits is None else fix_of(file, edits)
