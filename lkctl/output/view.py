"""What can be shown: a list of things, or one thing. The renderer turns either into every format."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Column(NamedTuple, Generic[T]):
    """A heading and the text of a cell."""

    title: str
    cell: Callable[[T], str]


class Listing(NamedTuple, Generic[T]):
    """A list of things, in stable order. `json` gives what `-o json` shows of one; `name` what `-o name` shows.

    `prose`: the last column holds sentences, which are wrapped and never cut.
    """

    items: Sequence[T]
    columns: tuple[Column[T], ...]
    name: Callable[[T], str]
    empty: str
    json: Callable[[T], Any] = lambda item: item
    prose: bool = False


class Record(NamedTuple):
    """One thing: the document for JSON, its fields for people, lists that belong to it, and remarks that follow."""

    json: Any
    fields: tuple[tuple[str, str], ...]
    name: str
    heading: str = ""
    lists: tuple[tuple[str, Listing[Any]], ...] = ()
    remarks: tuple[str, ...] = ()
