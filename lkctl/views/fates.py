"""How several things look that something was done to, each with its fate, and the question before it is."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

from lkctl.invocation import Invocation
from lkctl.output.format import Format
from lkctl.output.view import Column, Listing
from lkctl.scenarios.fates import DONE, Fate

T = TypeVar("T", bound=NamedTuple)
_MOST_NAMED = 5


def confirm(run: Invocation, names: Sequence[str], single: str, several: str, *, yes: bool) -> None:
    """Ask before something is done to what is named, if anything; of several things their number must be typed.

    `single` is the question about the one, `several` the beginning of the one about more.
    """
    if len(names) == 1:
        run.confirm(single, yes=yes)
    elif names:
        run.confirm(f"{several}: {_listed(names)}?", yes=yes, word=str(len(names)))


def tell_fates(run: Invocation, fates: Iterable[Fate[T]], kind: type[T], empty: str, *, alone: bool) -> list[Fate[T]]:
    """Show what becomes of things, also of those before a ^C; where it is one that was named, its error is raised.

    `empty` is what people are told where there is none.
    """
    done: list[Fate[T]] = []
    meter = run.console.meter()
    try:
        for one in fates:
            done.append(one)
            if meter and not alone:
                meter.show(f"{len(done)} done")
    except BaseException:
        if done:
            run.show(fates_view(done, kind, empty, run.format))
        raise
    finally:
        if meter:
            meter.wipe()
    if alone and done[0].error:
        raise done[0].error
    run.show(fates_view(done, kind, empty, run.format))
    for one in done if run.format is Format.name else ():
        if one.error:
            run.console.complain(f"error: {one.error.message}")
    return done


def fates_view(fates: Sequence[Fate[Any]], kind: type[NamedTuple], empty: str, format_: Format) -> Listing[Fate[Any]]:
    """Show what became of things; `-o name` names those to which it was done, or would be, and no others."""
    shown = [one for one in fates if format_ is not Format.name or one.result in DONE]
    columns: tuple[Column[Fate[Any]], ...] = (
        *(Column(field.upper().replace("_", " "), _fact(place)) for place, field in enumerate(kind._fields)),
        Column("RESULT", lambda one: one.result),
        Column("ERROR", lambda one: one.error.message if one.error else ""),
    )
    return Listing(shown, columns, lambda one: one.name, empty, _document, prose=True)


def _fact(place: int) -> Callable[[Fate[Any]], str]:
    return lambda one: one.thing[place] or ""


def _document(one: Fate[Any]) -> dict[str, object]:
    return {**one.thing._asdict(), "result": one.result, "error": one.error.json() if one.error else None}


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
