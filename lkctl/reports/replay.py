"""Judges again what a bundle holds, by the rules of this lkctl, without asking anybody."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from lkctl.checks.engine import run
from lkctl.checks.network import NETWORK_CHECKS
from lkctl.checks.report import Report, is_failure
from lkctl.checks.result import Check, Result
from lkctl.checks.room import ROOM_CHECKS
from lkctl.checks.roomsight import Sight
from lkctl.checks.url import URL_CHECKS
from lkctl.checks.world import Memory, Scope, World
from lkctl.errors import LkctlError
from lkctl.files.folder import Surroundings
from lkctl.reports.facts import Facts
from lkctl.settings.layers import URL, Layer, Settings, Value

_OF_A_SIGHT = {"room.participants", "room.capacity", "room.timeouts", "room.metadata", "room.user_id"}
_TIMEOUT = 20.0  # seconds; nothing is waited for


def replayed(facts: Facts) -> Report:
    """Give the report of a bundle: judged again where the facts allow, else as it was; the cause is found anew."""
    fresh = {result.id: result for result in run(_judged_again(facts), _world(facts), timeout=_TIMEOUT)}
    known = {result.id for result in facts.results}
    results = (
        *(new for new in fresh.values() if new.id not in known and is_failure(new)),
        *(_renewed(old, fresh.get(old.id)) for old in facts.results),
    )
    return Report(facts.command, facts.target, facts.started_at, facts.duration_ms, results, facts.strict, facts.cut)


def _judged_again(facts: Facts) -> list[Check[World]]:
    """Choose the checks that look at nothing but what the bundle holds, and that were made.

    A smoke run makes them all, and shows those that fail.
    """
    made = {result.id for result in facts.results if not result.blocked_by}
    return [check for check in _with_facts(facts) if check.id in made or facts.command == "smoke"]


def _with_facts(facts: Facts) -> Iterator[Check[World]]:
    if facts.url:
        yield from URL_CHECKS
    if facts.url and facts.addresses is not None:
        yield from (check for check in NETWORK_CHECKS if check.id == "net.dns")
    if any(sight.name == facts.room and sight.room is not None for sight in facts.sights):
        yield from (check for check in ROOM_CHECKS if check.id in _OF_A_SIGHT)


def _renewed(old: Result, new: Result | None) -> Result:
    """Take the new judgement where it is another; else the old one, which may know of more, such as a fix."""
    if new is None or _judgement(new) == _judgement(old):
        return old
    return replace(new, duration_ms=old.duration_ms, needs=old.needs)


def _judgement(result: Result) -> tuple[object, ...]:
    findings = [(finding.severity or result.severity, str(finding)) for finding in result.findings]
    return result.status, result.severity, result.code, result.detail, findings


def _world(facts: Facts) -> World:
    layer = Layer("bundle", {URL: Value(facts.url, facts.url_origin)} if facts.url else {})
    settings = Settings((layer,))
    memory = Memory()
    if facts.addresses is not None:
        memory.once("net.addresses", lambda: list(facts.addresses or ()))
    for sight in facts.sights:
        memory.once(f"room {sight.name}", partial(_same, sight))
    return World(
        settings=settings,
        environ={},
        folder=Path(),
        project="bundle",
        env_files=(),
        unreadable=None,
        surroundings=Surroundings(),
        in_container=facts.in_container,
        taken_ports=lambda **_: _listening(settings, listens=facts.listens),
        timeout=_TIMEOUT,
        scope=Scope(room=facts.room),
        memory=memory,
    )


def _same(sight: Sight) -> Sight:
    return sight


def _listening(settings: Settings, *, listens: bool | None) -> frozenset[int] | None:
    if listens is None:
        return None
    try:
        return frozenset({settings.url().port}) if listens else frozenset()
    except LkctlError:
        return frozenset()
