"""How an error is said: three lines on stderr, or one JSON object."""

from lkctl.errors import LkctlError
from lkctl.output.console import Console
from lkctl.output.jsontext import to_json
from lkctl.secret import printable, scrub

_ENDED = {"interrupted", "terminated"}  # no errors: somebody wanted it so


def write_failure(error: LkctlError, console: Console, *, as_json: bool) -> None:
    """Write message, hint and docs anchor to stderr; stdout stays as it is."""
    if as_json:
        body = {name: scrub(text) for name, text in error.json().items()}
        console.complain(to_json({"error": body}, compact=True))
        return
    if error.code in _ENDED:
        console.complain(error.message)
        return
    lines = [f"{console.paint('error:', 'red', err=True)} {printable(error.message, lines=True)}"]
    if error.hint:
        lines.append(f"{console.paint('hint:', 'yellow', err=True)}  {printable(error.hint, lines=True)}")
    if error.code not in {"usage", "bug"}:
        lines.append(f"{console.paint('docs:', 'dim', err=True)}  {error.docs}")
    console.complain("\n".join(lines))
