"""From JSON back to our values, as their types say; what does not fit is refused."""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def revive(kind: type[T], value: Any) -> T:
    """Turn what `as_json` made of a dataclass, a NamedTuple or their like back into it; raise ValueError."""
    try:
        revived: T = _revived(kind, value)
    except (TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
        raise ValueError(f"{kind.__name__}: {type(error).__name__}") from None
    return revived


def _revived(kind: Any, value: Any) -> Any:
    origin = get_origin(kind)
    if kind is Any:
        return value
    if origin in {Union, types.UnionType}:
        inner = [one for one in get_args(kind) if one is not types.NoneType]
        return None if value is None else _revived(inner[0], value)
    if origin is tuple:
        return _tuple(get_args(kind), value)
    if origin is not None:  # Mapping[str, X]
        if not isinstance(value, Mapping):
            raise TypeError(f"{value!r:.40} is no object")
        return {str(key): _revived(get_args(kind)[1], item) for key, item in value.items()}
    if is_dataclass(kind) or hasattr(kind, "_make"):
        return _object(kind, value)
    return _plain(kind, value)


def _tuple(kinds: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r:.40} is no list")
    if kinds[-1] is Ellipsis:
        return tuple(_revived(kinds[0], item) for item in value)
    return tuple(_revived(kind, item) for kind, item in zip(kinds, value, strict=True))


def _object(kind: Any, value: Any) -> Any:
    """Make an object; what an older lkctl did not know has its default, what a newer one knew is left out."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{value!r:.40} is no object")
    names = [one.name for one in fields(kind)] if is_dataclass(kind) else list(kind._fields)
    hints = get_type_hints(kind)
    return kind(**{name: _revived(hints[name], value[name]) for name in names if name in value})


def _plain(kind: Any, value: Any) -> Any:
    if issubclass(kind, Enum):
        return kind[value]
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError(f"{value!r:.40} has no time zone")
        return moment
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ValueError(f"{value!r:.40} is no {kind.__name__}")
    return value
