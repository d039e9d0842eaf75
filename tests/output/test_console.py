"""Questions on the terminal: what counts as an answer."""

import io

import pytest

from lkctl.output.console import Console


class Terminal(io.StringIO):
    """A stream that a person sits at."""

    def isatty(self) -> bool:
        return True


ANSWERS = [
    pytest.param("y\n", "", True, id="y"),
    pytest.param(" YES \n", "", True, id="yes, spelt freely"),
    pytest.param("\n", "", False, id="nothing"),
    pytest.param("", "", False, id="end of input"),
    pytest.param("Demo\n", "Demo", True, id="the word"),
    pytest.param(" 3 \n", "3", True, id="the number, with blanks"),
    pytest.param("demo\n", "Demo", False, id="the word in other letters"),
    pytest.param("y\n", "3", False, id="yes in place of the number"),
]


@pytest.mark.parametrize(("typed", "word", "answer"), ANSWERS)
def test_an_answer(typed: str, word: str, *, answer: bool) -> None:
    """A word must be typed as it stands; yes may be short."""
    console = Console(stdout=Terminal(), stderr=Terminal(), stdin=Terminal(typed), environ={})
    assert console.ask("sure?", word=word) is answer
