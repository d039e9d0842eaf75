"""Things shown one by one: each reaches the reader, and what is an array stays one."""

import io
import time

import pytest

from lkctl.output.console import Console
from lkctl.output.format import Format
from lkctl.output.stream import streaming


class Pipe(io.StringIO):
    """A stream that knows what was handed on."""

    handed_on = ""

    def flush(self) -> None:
        self.handed_on = self.getvalue()


def pipe_and_console() -> tuple[Pipe, Console]:
    pipe = Pipe()
    return pipe, Console(stdout=pipe, stderr=io.StringIO(), stdin=io.StringIO(), environ={})


def shown(form: Format, things: list[str]) -> str:
    pipe, console = pipe_and_console()
    with streaming(form, console, {form: lambda thing, _: thing}) as show:
        for thing in things:
            show(thing)
    return pipe.getvalue()


FAILURES = [RuntimeError("lost"), KeyboardInterrupt()]


@pytest.mark.parametrize(("things", "text"), [([], "[]\n"), (["1"], "[\n1\n]\n"), (["1", "2"], "[\n1,\n2\n]\n")])
def test_an_array(things: list[str], text: str) -> None:
    assert shown(Format.json, things) == text
    assert shown(Format.jsonl, things) == "".join(things)


@pytest.mark.parametrize("error", FAILURES)
@pytest.mark.parametrize(("things", "text"), [([], ""), (["1"], "[\n1\n]\n")])
def test_after_a_failure(things: list[str], text: str, error: BaseException) -> None:
    """Nothing at all where nothing came; else the array is closed."""
    pipe, console = pipe_and_console()

    def fail() -> None:
        with streaming(Format.json, console, {Format.json: lambda thing, _: thing}) as show:
            for thing in things:
                show(thing)
            raise error

    with pytest.raises(type(error)):
        fail()
    assert pipe.getvalue() == text


@pytest.mark.parametrize("pace", [0.0, 0.02])
def test_each_is_handed_on(pace: float) -> None:
    """Also the last one of many that come together, while nothing follows it."""
    pipe, console = pipe_and_console()
    with streaming(Format.jsonl, console, {Format.jsonl: lambda thing, _: thing}, pace=pace) as show:
        for thing in ("a", "b", "c"):
            show(thing)
        end = time.monotonic() + 5
        while pipe.handed_on != "abc" and time.monotonic() < end:
            time.sleep(0.01)
        assert pipe.handed_on == "abc"
