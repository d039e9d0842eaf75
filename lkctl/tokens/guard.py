"""Which rules have to look at every row: those that look at something in which rows differ. It is tried, not declared.

What a rule finds depends on nothing but what it looks at. One that comes to its end without a look at a value that
differs from row to row, or at the size of the token, finds the same in all rows of a shape.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NoReturn

from lkctl.tokens.findings import Check, Subject
from lkctl.tokens.reading import Reading


def looking(checks: Iterable[Check], subject: Subject, differing: Mapping[int, Collection[str]]) -> tuple[Check, ...]:
    """Give the checks that look at something that differs: names in `differing`, by the `id` of what holds them."""
    reading = Reading()
    for name in Reading.__slots__:
        setattr(reading, name, getattr(subject.reading, name))
    reading.values, reading.grants = _guarded(reading.values, differing), _guarded(reading.grants, differing)
    guarded = _Sizeless(*subject)._replace(reading=reading)
    return tuple(check for check in checks if _looks(check, guarded))


def _looks(check: Check, subject: Subject) -> bool:
    try:
        return any(False for _ in check(subject))
    except Exception:  # noqa: BLE001  (whatever it stumbled over, it was not meant to see it)
        return True


def _guarded(holder: dict[str, Any], differing: Mapping[int, Collection[str]]) -> dict[str, Any]:
    inner = {name: _guarded(value, differing) if type(value) is dict else value for name, value in holder.items()}
    return _Guarded(inner, differing[id(holder)]) if id(holder) in differing else inner


class _LookedError(Exception):
    """Something was looked at in which rows differ."""


class _Guarded(dict[str, Any]):
    """Values of which some must not be looked at. Which names there are is the same in all rows."""

    def __init__(self, values: dict[str, Any], differing: Collection[str]) -> None:
        super().__init__(values)
        self._differing = differing

    def __getitem__(self, name: str) -> Any:
        if name in self._differing:
            raise _LookedError
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Give one value."""
        return self[name] if name in self else default  # noqa: SIM401  (`get` is what this is)

    def _all(self, *_: Any) -> NoReturn:
        raise _LookedError

    values = items = copy = pop = setdefault = __iter__ = __eq__ = __or__ = __ror__ = __repr__ = _all
    __hash__ = None


class _Sizeless(Subject):
    """A subject whose size must not be looked at."""

    @property
    def size(self) -> int:
        """Refuse to tell."""
        raise _LookedError
