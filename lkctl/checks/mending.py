"""The exact change that mends key and secret, once an experiment has shown which pair was meant.

No secret is in it: of a line the part that is right is kept by its position, or another line is copied by its number.
"""

import re
from binascii import Error, a2b_base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from lkctl.checks.envedit import Edit, copy, fix_of, gives, keep, take_away, text_of, write
from lkctl.checks.nearby import nearby_pairs
from lkctl.checks.result import Fix
from lkctl.checks.world import World
from lkctl.files.envfile import EnvFile
from lkctl.settings.layers import KEY, SECRET, Setting
from lkctl.settings.shape import DEFAULT_PAIR, Pair


class _Rewrite(NamedTuple):
    """What is done to a line in which the right value does not stand as it is: by Perl, and the same here."""

    script: str
    apply: Callable[[str], str]


def _decoded(line: str) -> str:
    try:
        return re.sub(r"=(\S+)", lambda m: "=" + a2b_base64(m[1] + "==").decode().rstrip(), line, count=1)
    except (Error, ValueError):
        return line


_REWRITES = (
    _Rewrite(
        "s/%([0-9A-Fa-f]{2})/chr hex $1/ge", lambda s: re.sub("%([0-9A-Fa-f]{2})", lambda m: chr(int(m[1], 16)), s)
    ),
    _Rewrite('use MIME::Base64; s/=(\\S+)/"=" . (decode_base64($1) =~ s{\\s+$}{}r)/e', _decoded),
    _Rewrite(r"s/\$\$/\$/g", lambda s: s.replace("$$", "$")),
    _Rewrite(r"s/\\(.)/$1/g", lambda s: re.sub(r"\\(.)", r"\1", s)),
    _Rewrite(r"s/=(.*)/=\L$1/", lambda s: re.sub("=(.*)", lambda m: m[0].lower(), s)),
    _Rewrite(r"s/=(.*)/=\U$1/", lambda s: re.sub("=(.*)", lambda m: m[0].upper(), s)),
)


def mend(world: World, meant: Pair) -> Fix | None:
    """Give the change to what is configured that makes it the pair that was meant; None where there is no exact one."""
    settings = [setting for setting in map(world.settings.setting, (KEY, SECRET)) if setting is not None]
    wanted = {KEY: meant.key, SECRET: meant.secret}
    hidden = next((near for near in nearby_pairs(world) if near.shadowed and near.whole.name == meant.name), None)
    if hidden is not None and all(setting.origin.startswith("env ") for setting in settings):
        return Fix(command=f"unset {KEY} {SECRET}")
    wrong = [setting for setting in settings if hidden or setting.text != wanted[setting.name]]
    lines = [_line_of(world, setting) for setting in wrong]
    file = next((line[0] for line in lines if line is not None), None)
    if file is None:
        return _cut_variables(wrong, wanted)
    if hidden is not None:
        edits = [take_away(line[1]) for line in lines if line is not None]
        return fix_of(file, edits) if gives(file, edits, dict.fromkeys(wanted)) else None
    edits = [_edit(world, *line, setting.name, wanted) for line, setting in zip(lines, wrong, strict=True) if line]
    return fix_of(file, edits, tuple(wanted.values())) if gives(file, edits, wanted) else None


def _line_of(world: World, setting: Setting) -> tuple[EnvFile, int] | None:
    """Find file and line of a setting: key and secret stand in the same file."""
    name, _, number = setting.origin.rpartition(":")
    file = next((file for file in world.env_files if file.name == name), None)
    return (file, int(number)) if file is not None and number.isdecimal() else None


def _edit(world: World, file: EnvFile, number: int, name: str, wanted: Mapping[str, str]) -> Edit:
    """Find the edit that makes the value of a line right; the last one nobody but the user can make."""
    value = wanted[name]
    ways = [*_edits(world, file, number, value), write(file, number, value)._replace(script="")]
    return next((way for way in ways if gives(file, [way], {name: value})), ways[-1])


def _edits(world: World, file: EnvFile, number: int, value: str) -> Iterator[Edit]:
    line = text_of(file, number)
    if value in DEFAULT_PAIR:
        yield write(file, number, value)
    if value in line:
        yield keep(file, number, value)
    yield from (Edit(number, rewrite.apply(line), rewrite.script) for rewrite in _REWRITES)
    for source in world.all_env_files():
        for entry in source.entries:
            if entry.value is not None and entry.value.strip() == value:
                yield copy(file, number, source, entry.line)


def _cut_variables(wrong: Sequence[Setting], wanted: Mapping[str, str]) -> Fix | None:
    """Keep of each variable of the environment the part that is right."""
    commands = []
    for setting in wrong:
        meant = wanted[setting.name]
        at = setting.text.find(meant)
        if not setting.origin.startswith("env ") or at < 0 or not setting.text.isascii() or "\n" in setting.text:
            return None
        name = setting.name
        commands.append(f'export {name}="$(printf %s "${name}" | cut -c {at + 1}-{at + len(meant)})"')
    return Fix(command="; ".join(commands)) if commands else None
