"""The choice among checks: what was asked for, what that needs, and what only an option brings in."""

from collections.abc import Sequence

import pytest

from lkctl.checks.catalogue import ALL_CHECKS
from lkctl.checks.result import Check
from lkctl.checks.selection import OPTIONS, choose, plan
from lkctl.checks.world import NO_SCOPE, Scope, Smoke, World
from lkctl.errors import LkctlError


def fine(_: World) -> str:
    """Pass."""
    return "fine"


CHECKS: tuple[Check[World], ...] = (
    Check("env.a", "A", fine),
    Check("net.b", "B", fine, needs=("env.a",)),
    Check("net.c", "C", fine, needs=("net.b",)),
    Check("api.d", "D", fine, needs=("net.c", "env.a")),
    Check("room.e", "E", fine, needs=("api.d",), scope="room"),
    Check("room.f", "F", fine, needs=("room.e", "token.g"), scope="room"),
    Check("token.g", "G", fine, scope="token"),
    Check("smoke.h", "H", fine, scope="smoke"),
)
ROOM = Scope(room="demo")

CHOSEN: list[object] = [
    pytest.param(None, None, NO_SCOPE, "env.a net.b net.c api.d", "", id="all of every run"),
    pytest.param(None, None, ROOM, "env.a net.b net.c api.d room.e room.f", "", id="with a room"),
    pytest.param(["net.c"], None, NO_SCOPE, "net.c", "env.a net.b", id="one, and what it needs"),
    pytest.param(["net.*"], None, NO_SCOPE, "net.b net.c", "env.a", id="an area"),
    pytest.param(["api.d", "env.a"], None, NO_SCOPE, "env.a api.d", "net.b net.c", id="two"),
    pytest.param(["net.c"], ["net.b"], NO_SCOPE, "net.c", "", id="what is skipped by name is vouched for"),
    pytest.param(None, ["net.*"], NO_SCOPE, "env.a api.d", "", id="skipped in between"),
    pytest.param(["room.f"], None, ROOM, "room.f", "env.a net.b net.c api.d room.e", id="need of another scope"),
    pytest.param(["*"], None, NO_SCOPE, "env.a net.b net.c api.d", "", id="everything is what is in scope"),
    pytest.param(["room.*", "net.b"], None, ROOM, "net.b room.e room.f", "env.a net.c api.d", id="both in scope"),
]


@pytest.mark.parametrize(("only", "skip", "scope", "asked", "needed"), CHOSEN)
def test_plan(only: list[str] | None, skip: list[str] | None, scope: Scope, asked: str, needed: str) -> None:
    """In declared order, however they were named; nothing twice."""
    made = plan(CHECKS, only, skip, scope)
    names = [check.id for check in made.checks]
    assert made.asked == frozenset(asked.split())
    assert set(names) == {*asked.split(), *needed.split()}
    assert names == [check.id for check in CHECKS if check.id in names]


REFUSED: list[object] = [
    pytest.param(["x.y"], None, NO_SCOPE, "no check is called 'x.y'", id="unknown"),
    pytest.param(None, ["x.*"], NO_SCOPE, "no check is called 'x.*'", id="unknown to skip"),
    pytest.param(None, ["*"], NO_SCOPE, "no check is left to run", id="nothing left"),
    pytest.param(["net.b"], ["net.*"], NO_SCOPE, "no check is left to run", id="nothing left of one"),
    pytest.param(["room.e"], None, NO_SCOPE, "room.e is judged only with --room NAME", id="out of scope"),
    pytest.param(["room.*"], None, NO_SCOPE, "room.* is judged only with --room NAME", id="area out of scope"),
    pytest.param(["smoke.h"], None, ROOM, "smoke.h is judged only with lkctl smoke", id="of another command"),
    pytest.param(["net.b", "token.g"], None, ROOM, "token.g is judged only with --token JWT", id="one out of scope"),
]


@pytest.mark.parametrize(("only", "skip", "scope", "says"), REFUSED)
def test_plan_that_cannot_be(only: list[str] | None, skip: list[str] | None, scope: Scope, says: str) -> None:
    """Said at once, with the option that helps: a run that judges nothing would be a lie."""
    with pytest.raises(LkctlError) as refused:
        plan(CHECKS, only, skip, scope)
    assert (refused.value.code, refused.value.message) == ("usage", says)
    assert refused.value.hint


SCOPES = [
    (Scope(room="r"), "room"),
    (Scope(token="t"), "token"),
    (Scope(token_endpoint="http://a"), "token_endpoint"),
    (Scope(agent="a"), "agent"),
    (Scope(agent=""), "agent"),
    (Scope(worker="http://a"), "worker"),
    (Scope(probe=True), "probe"),
    (Scope(media=True), "media"),
    (Scope(smoke=Smoke("user_1704067200000_abc123", "x-", 0)), "smoke"),
]


@pytest.mark.parametrize(("scope", "name"), SCOPES)
def test_what_a_scope_asks_for(scope: Scope, name: str) -> None:
    """Each option brings in its own checks, beside those of every run."""
    assert [one for one in OPTIONS if scope.asks(one)] == ["", name]


def test_every_scope_of_the_catalogue_has_its_option() -> None:
    """And needs are declared earlier, so that a cause is told before what follows from it."""
    seen: set[str] = set()
    for check in ALL_CHECKS:
        assert check.scope in OPTIONS, check.id
        assert {*check.needs, *check.after} <= seen, check.id
        assert check.id not in seen
        seen.add(check.id)


@pytest.mark.parametrize("pattern", ["env.*", "*.b", "env.a"])
def test_choose_looks_at_ids_alone(pattern: str) -> None:
    """For lists: without scope and needs."""
    chosen: Sequence[Check[World]] = choose(CHECKS, [pattern], None)
    assert [check.id for check in chosen] == {"env.*": ["env.a"], "*.b": ["net.b"], "env.a": ["env.a"]}[pattern]
