"""YAML as nodes: lines, aliases, merges; the first document only, and no depth that hurts."""

import pytest

from lkctl.files.yamlnodes import Node, YamlFault, read_yaml

TEXT = b"""base: &base
  name: one
  port: 1
list:
  - a
  - *base
merged:
  port: 2
  <<: *base
  own: 3
"""


def read(content: bytes) -> Node:
    node = read_yaml(content)
    assert node is not None
    return node


def test_lines_and_values() -> None:
    """Every node knows its line; an alias stands for what it names."""
    document = read(TEXT)
    items = document.get("list")
    assert items is not None
    assert [(item.target().line, item.kind) for item in items.listed()] == [(5, "scalar"), (1, "alias")]
    merged = document.get("merged")
    assert merged is not None
    assert {key.text: (value.text, value.line) for key, value in merged.entries()} == {
        "port": ("2", 8), "name": ("one", 2), "own": ("3", 10)
    }  # fmt: skip


@pytest.mark.parametrize("content", [b"", b"# only a comment\n", b"\n \n"])
def test_nothing(content: bytes) -> None:
    """No document at all is None."""
    assert read_yaml(content) is None


def test_only_the_first_document_counts() -> None:
    """What follows is not even looked at."""
    assert [key.text for key, _ in read(b"a: 1\n---\nb: [\n").entries()] == ["a"]


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"a: 1\nb: *c\n", 2, "unknown anchor 'c'"),
        (b"a: 1\n\tb: 2\n", 2, "tab"),
        (b"a: [\n", 2, "did not find"),
        (b"a: [", 1, "did not find"),
        (b"a: 1\nb: \xff\n", 2, "UTF-8"),
        (b"[" * 300, 1, "nested too deep"),
        (b"a: [" + b"1," * 70_000 + b"]", 1, "more than can be judged"),
        (b"%YAML 1.2\n---\na: 1\n", 1, "incompatible"),
    ],
)
def test_faults(content: bytes, line: int, words: str) -> None:
    """What is no YAML says where."""
    with pytest.raises(YamlFault, match=words) as caught:
        read_yaml(content)
    assert caught.value.line == line


def test_knots_are_cut() -> None:
    """A mapping that merges itself, or the same one many times, ends."""
    assert [key.text for key, _ in read(b"&a\nb: 1\n<<: *a\n").entries()] == ["b"]
    many = read(b"x: &x {b: 1}\ny:\n  <<: [" + b"*x, " * 1000 + b"]\n").get("y")
    assert many is not None
    assert len(list(many.entries())) == 1
