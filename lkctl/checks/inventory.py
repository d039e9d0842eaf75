"""Every setting with its origin and what it shadows: the facts of `lkctl env show`."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from lkctl.errors import LkctlError
from lkctl.secret import mask
from lkctl.settings.layers import KEY, NAMES, SECRET, URL, Settings, Value
from lkctl.settings.shape import shorten_key
from lkctl.settings.url import without_login

_MASKS: dict[str, Callable[[str], str]] = {URL: without_login, KEY: shorten_key, SECRET: mask}


class Row(NamedTuple):
    """A setting as it is shown, secrets masked unless they are to be revealed."""

    name: str
    value: str | None
    origin: str | None
    problem: str | None
    shadowed: tuple[Value, ...]

    def json(self) -> dict[str, Any]:
        """Give the shape of `env show -o json`."""
        return {
            "name": self.name,
            "value": self.value,
            "origin": self.origin,
            "in_force": self.origin is not None,
            "ok": self.problem is None,
            "problem": self.problem,
            "shadowed": [{"value": value.text, "origin": value.origin} for value in self.shadowed],
        }


def server_rows(settings: Settings, *, reveal: bool) -> Iterator[Row]:
    """Give URL, key and secret; a value that stands below the set in force is shadowed, too."""
    for name in NAMES:
        shown: Callable[[str], str] = str if reveal else _MASKS[name]
        setting = settings.setting(name)
        if setting is None:
            unused = tuple(layer.values[name] for layer in settings.layers if name in layer.values)
            yield Row(name, None, None, "not set", _shown(unused, shown))
        else:
            problem = _problem(settings, name, setting.text)
            yield Row(name, shown(setting.text), setting.origin, problem, _shown(setting.shadowed, shown))


def _shown(values: tuple[Value, ...], shown: Callable[[str], str]) -> tuple[Value, ...]:
    return tuple(Value(shown(value.text), value.origin) for value in values)


def _problem(settings: Settings, name: str, text: str) -> str | None:
    if not text.strip():
        return "set but empty"
    if name == URL:
        try:
            settings.url()
        except LkctlError as error:
            return error.message
    return None
