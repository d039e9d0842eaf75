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
    csv = "csv"
    env = "env"


EVERYWHERE = (Format.auto, Format.table, Format.tsv, Format.json, Format.jsonl, Format.name)  # not csv and env
