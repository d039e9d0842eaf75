"""What a run saw, as far as it can be written down and judged again: a bundle holds it, and nothing that is secret."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lkctl.checks.report import Report
from lkctl.checks.result import Result
from lkctl.checks.roomsight import Sight
from lkctl.checks.world import World
from lkctl.output.jsontext import as_json
from lkctl.reports.redaction import redacted
from lkctl.server.http import Answer
from lkctl.settings.layers import URL

_TOLD = ("agent.server", "agent.worker")  # of World.memory: what servers say of themselves
_MOST_BODY = 4_000  # characters
_PRIVATE_HEADERS = {"authorization", "cookie", "proxy-authorization", "set-cookie", "www-authenticate"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What was judged, and the results. `url` is "" where it cannot be told without a secret in it.

    `listens`: whether a program on that machine listens on the URL's port; None: not known. `addresses`: of its host.
    """

    command: str
    strict: bool
    cut: str
    started_at: datetime
    duration_ms: int
    target: str
    url: str
    url_origin: str
    in_container: bool
    listens: bool | None
    addresses: tuple[tuple[int, str], ...] | None
    room: str
    sights: tuple[Sight, ...]
    results: tuple[Result, ...]


def facts_of(report: Report, world: World) -> Facts:
    """Collect the facts behind a report, free of secrets."""
    seen = world.memory.seen()
    setting = world.settings.setting(URL)
    written = setting.text.strip() if setting is not None else ""
    url = world.likely_url()
    addresses = seen.get("net.addresses")
    return redacted(
        Facts(
            command=report.command,
            strict=report.strict,
            cut=report.cut,
            started_at=report.started_at,
            duration_ms=report.duration_ms,
            target=report.url,
            url=written if written == redacted(world.value(URL)) else "",
            url_origin=world.origin(URL),
            in_container=world.in_container,
            listens=None if url is None else world.listens(url.port),
            addresses=None if addresses is None else tuple((int(family), name) for family, name in addresses),
            room=world.scope.room,
            sights=tuple(value for value in seen.values() if isinstance(value, Sight)),
            results=report.results,
        )
    )


def told_of(world: World) -> Mapping[str, Any]:
    """Give what servers answered, for those who read the bundle: nothing judges it."""
    return redacted(dict(_told(world)))


def _told(world: World) -> Iterator[tuple[str, Any]]:
    seen = world.memory.seen()
    yield from ((name, as_json(seen[name])) for name in _TOLD if name in seen)
    answer = seen.get("net.fingerprint")
    if isinstance(answer, Answer):
        headers = {name: "(left out)" if name in _PRIVATE_HEADERS else text for name, text in answer.headers.items()}
        body = redacted(answer.text)[:_MOST_BODY]
        yield "net.fingerprint", {"status": answer.status, "headers": headers, "body": body, "bytes": len(answer.body)}
