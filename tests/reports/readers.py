"""Reads each format as those do for whom it is made: its skeleton, without the words, and the words in it."""

import json
import re
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import xmlschema
from markdown_it import MarkdownIt
from prometheus_client.parser import text_string_to_metric_families

from tests.ci.githubrunner import runner_commands

Skeleton = list[object]


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[object] = []
        self.words: list[str] = []
        self._raw = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(sorted(attrs, key=str))))
        self._raw = tag if tag in {"style", "script"} else ""

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")
        self._raw = ""

    def handle_data(self, data: str) -> None:
        if not self._raw:
            self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.tags.append(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        self.tags.append(f"declaration {decl}")


@cache
def junit_schema() -> xmlschema.XMLSchema:
    """The schema that reports must fit."""
    return xmlschema.XMLSchema(str(Path(__file__).with_name("jenkins-junit.xsd")))


def junit_skeleton(text: str) -> Skeleton:
    """Insist that it fits the schema, and give its elements."""
    junit_schema().validate(text)
    return [(one.tag, sorted(one.keys())) for one in ET.fromstring(text).iter()]  # noqa: S314  (our own)


def github_skeleton(text: str) -> Skeleton:
    """Give the commands."""
    return [(one.name, sorted(one.properties)) for one in runner_commands(text)]


def markdown_skeleton(text: str) -> Skeleton:
    """Give blocks and what stands in their lines: what a renderer of GitHub's kind makes of them."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens: Skeleton = []
    for block in parser.parse(text):
        tokens.append((block.type, block.tag, block.content if block.type == "html_block" else ""))
        inner = [one for one in block.children or () if one.type not in {"text", "text_special", "softbreak"}]
        tokens += [(one.type, one.tag, one.content if one.type != "code_inline" else "") for one in inner]
    return [token for token in tokens if "summary" not in str(token)]


def html_skeleton(text: str) -> Skeleton:
    """Give the tags."""
    return [tag for tag in Page(text).tags if not (isinstance(tag, tuple) and tag[0] == "title")]


def prometheus_skeleton(text: str) -> Skeleton:
    """Give metrics and the names of their labels."""
    found: Skeleton = []
    for family in text_string_to_metric_families(text):
        found.append((family.name, family.type, family.documentation))
        found += [sorted(sample.labels) for sample in family.samples]
    return found


def nagios_skeleton(text: str) -> Skeleton:
    """Give the state and the names of the values: one line, with one bar in it."""
    match = re.fullmatch(r"(OK|WARNING|CRITICAL|UNKNOWN) - ([^|\n]+) \| ([^|\n]+)\n", text)
    assert match is not None
    values = [re.fullmatch(r"(\w+)=([\d.]+)(s?);;;0", one) for one in match[3].split(" ")]
    assert None not in values
    return [match[1], *(value[1] for value in values if value is not None)]


def json_skeleton(text: str) -> Skeleton:
    """Give the keys, and the types of the values."""
    return [_types(json.loads(text))]


def jsonl_skeleton(text: str) -> Skeleton:
    """Give them of each line."""
    assert text.endswith("\n")
    return [_types(json.loads(line)) for line in text[:-1].split("\n")]


def _types(value: Any) -> object:
    if isinstance(value, dict):
        return [(key, _types(one)) for key, one in value.items()]
    return [_types(one) for one in value] if isinstance(value, list) else type(value).__name__


def terminal_skeleton(text: str) -> Skeleton:
    """Give the number of lines, as a terminal counts them."""
    return [len(text.splitlines())]


SKELETONS: dict[str, Callable[[str], Skeleton]] = {
    "terminal": terminal_skeleton,
    "json": json_skeleton,
    "jsonl": jsonl_skeleton,
    "junit": junit_skeleton,
    "github": github_skeleton,
    "markdown": markdown_skeleton,
    "html": html_skeleton,
    "prometheus": prometheus_skeleton,
    "nagios": nagios_skeleton,
}
