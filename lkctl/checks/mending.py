"""The exact change that mends key and secret, once an experiment has shown which pair was meant.

No secret is in it: a line is cut to the part that is right by position, a value is moved by its name.
"""

import re
from collections.abc import Iterator, Sequence
from shlex import quote
from typing import NamedTuple

from lkctl.checks.nearby import Nearby, nearby_pairs
from lkctl.checks.result import Fix
from lkctl.checks.world import World
from lkctl.files.envfile import EnvFile
from lkctl.secret import mask
from lkctl.settings.layers import KEY, SECRET, Setting
from lkctl.settings.shape import DEFAULT_PAIR, QUOTES, Pair, shorten_key
from lkctl.settings.slips import Slip, find_slip

_LINE_END = re.compile(r"\r\n|\n|\r")  # as python-dotenv counts lines
_HARMLESS = set(QUOTES + " \t<>[]{}(),;#")
_NAMES_SWAPPED = 's/^(\\s*(?:export\\s+)?LIVEKIT_API_)(KEY|SECRET)(?=\\s*=)/$1 . ($2 eq "KEY" ? "SECRET" : "KEY")/e'

# What Perl does to a line where the right value does not stand in it as it is
_REWRITES = {
    "percent": "s/%([0-9A-Fa-f]{2})/chr hex $1/ge",
    "base64": 'use MIME::Base64; s/=(\\S+)/"=" . (decode_base64($1) =~ s{\\s+$}{}r)/e',
    "dollars": "s/\\$\\$/\\$/g",
    "backslashes": "s/\\\\(.)/$1/g",
    "lower": "s/=(.*)/=\\L$1/",
    "upper": "s/=(.*)/=\\U$1/",
}


class _Line(NamedTuple):
    """A line of an env file in force, with the setting that it makes."""

    file: EnvFile
    number: int
    setting: Setting

    @property
    def text(self) -> str:
        lines = _LINE_END.split(self.file.text)
        return lines[self.number - 1] if self.number <= len(lines) else ""

    @property
    def path(self) -> str:
        return str(self.file.path)


def mend(world: World, meant: Pair) -> Fix | None:
    """Give the change to what is configured that makes it the pair that was meant; None where there is no exact one."""
    settings = [setting for setting in map(world.settings.setting, (KEY, SECRET)) if setting is not None]
    lines = [line for setting in settings for line in _line_of(world, setting)]
    wanted = {KEY: meant.key, SECRET: meant.secret}
    if meant.name == "swapped":
        return _swap(lines)
    if meant.name == "default-pair":
        return _write_default(lines)
    near = next((near for near in nearby_pairs(world) if near.whole.name == meant.name), None)
    if near is not None:
        return _use(near, lines, settings)
    slip = find_slip(meant.name)
    return None if slip is None else _cut(lines, slip, [s for s in settings if s.text != wanted[s.name]], wanted)


def _line_of(world: World, setting: Setting) -> Iterator[_Line]:
    for file in world.env_files:
        name, _, number = setting.origin.rpartition(":")
        if name == file.name and number.isdecimal():
            yield _Line(file, int(number), setting)


def _swap(lines: Sequence[_Line]) -> Fix | None:
    """Exchange the names, not the values: so no value has to be shown."""
    if len(lines) != len((KEY, SECRET)) or lines[0].path != lines[1].path:
        return None
    names = {KEY: SECRET, SECRET: KEY}
    new = [_hidden(names[line.setting.name], line.setting.text) for line in lines]
    condition = " || ".join(f"$. == {line.number}" for line in lines)
    return _change(lines, new, _perl(f"{_NAMES_SWAPPED} if {condition}", lines[0].path))


def _write_default(lines: Sequence[_Line]) -> Fix | None:
    if not lines or len({line.path for line in lines}) > 1:
        return None
    values = dict(zip((KEY, SECRET), DEFAULT_PAIR, strict=True))
    new = [f"{line.setting.name}={values[line.setting.name]}" for line in lines]
    writes = [f'$_ = "{text}\\n" if $. == {line.number}' for line, text in zip(lines, new, strict=True)]
    return _change(lines, new, _perl("; ".join(writes), lines[0].path))


def _use(near: Nearby, lines: Sequence[_Line], settings: Sequence[Setting]) -> Fix | None:
    """Let the pair in force give way to another one."""
    if near.shadowed and all(setting.origin.startswith("env ") for setting in settings):
        return Fix(command=f"unset {KEY} {SECRET}")
    if not lines or len({line.path for line in lines}) > 1:
        return None
    path = lines[0].path
    command = _perl(f"print unless {' || '.join(f'$. == {line.number}' for line in lines)}", path, flags="-ni")
    if near.shadowed:
        return _change(lines, [], command)
    source, _, number = near.secret.origin.rpartition(":")
    is_env_file = number.isdecimal() and "env" in source.rpartition("/")[2]
    taken = f"grep -E '^(export )?LIVEKIT_API_(KEY|SECRET)=' {quote(source)} >> {quote(path)}"
    command = f"{command} && echo >> {quote(path)} && {taken}" if is_env_file else ""
    values = {KEY: near.key.text, SECRET: near.secret.text}
    return _change(lines, [_hidden(line.setting.name, values[line.setting.name]) for line in lines], command)


def _cut(lines: Sequence[_Line], slip: Slip, wrong: Sequence[Setting], wanted: dict[str, str]) -> Fix | None:
    """Keep of each wrong value the part that is right, or undo what was done to it."""
    touched = [line for line in lines if line.setting in wrong]
    if len(touched) != len(wrong):
        return _cut_variables(wrong, wanted)
    commands = [_cut_line(line, slip, wanted[line.setting.name]) for line in touched]
    new = [_hidden(line.setting.name, wanted[line.setting.name]) for line in touched]
    old = [_shown(line, wanted[line.setting.name]) for line in touched]
    return _change(touched, new, " && ".join(commands) if all(commands) else "", old)


def _cut_line(line: _Line, slip: Slip, meant: str) -> str:
    """Write the command that keeps only these bytes of the line; "" where the line cannot be told by its number."""
    if "\r" in line.file.text.replace("\r\n", ""):
        return ""
    at = line.text.encode().find(meant.encode())
    if at < 0:
        rewrite = _REWRITES.get(slip.name, "")
        return _perl(f"{rewrite} if $. == {line.number}", line.path) if rewrite else ""
    part = f"substr($_, {at}, {len(meant.encode())})"
    return _perl(f'$_ = "{line.setting.name}=" . {part} . "\\n" if $. == {line.number}', line.path)


def _cut_variables(wrong: Sequence[Setting], wanted: dict[str, str]) -> Fix | None:
    """The same for variables of the environment."""
    commands = []
    for setting in wrong:
        meant = wanted[setting.name]
        at = setting.text.find(meant)
        if not setting.origin.startswith("env ") or at < 0 or not setting.text.isascii() or "\n" in setting.text:
            return None
        name = setting.name
        commands.append(f'export {name}="$(printf %s "${name}" | cut -c {at + 1}-{at + len(meant)})"')
    return Fix(command="; ".join(commands)) if commands else None


def _change(lines: Sequence[_Line], new: Sequence[str], command: str, old: Sequence[str] = ()) -> Fix:
    """Make the fix of a command with what is to be seen of it: all lines where they follow each other, else one."""
    before = list(old) or [_hidden(line.setting.name, line.setting.text) for line in lines]
    rows = sorted(zip((line.number for line in lines), before, [*new, *[""] * len(before)], strict=False))
    first = rows[0][0]
    near = rows if [number for number, _, _ in rows] == list(range(first, first + len(rows))) else rows[:1]
    shown = [text for _, _, text in near if text]
    return Fix(command, lines[0].path, first, "\n".join(text for _, text, _ in near), "\n".join(shown))


def _shown(line: _Line, meant: str) -> str:
    """Show the line as it stands where nothing but quotes and the like is around the value; else mask all of it."""
    around = line.text.replace(meant, "").partition("=")[2]
    if meant in line.text and set(around) <= _HARMLESS:
        return line.text.replace(meant, _masked(line.setting.name, meant))
    return _hidden(line.setting.name, line.setting.text)


def _hidden(name: str, value: str) -> str:
    return f"{name}={_masked(name, value)}"


def _masked(name: str, value: str) -> str:
    return shorten_key(value) if name == KEY else mask(value)


def _perl(script: str, path: str, *, flags: str = "-pi") -> str:
    """Perl, because `sed -i` is spelled differently on macOS."""
    return f"perl {flags} -e '{script}' {quote(path)}"
