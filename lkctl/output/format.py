"""The formats of output."""

from enum import StrEnum


class Format(StrEnum):
    """The values of `-o/--output`."""

    auto = "auto"
    table = "table"
    tsv = "tsv"
    json = "json"
    jsonl = "jsonl"
    name = "name"
