"""What findings about the settings in force would account for, were it to fail."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from lkctl.checks.result import Finding, Severity
from lkctl.checks.world import World
from lkctl.settings.layers import KEY, SECRET, URL

_BEARS_ON = {KEY: ("auth-key",), SECRET: ("auth-secret",)}
_NO_URL = ("url-invalid",)
_PROVEN = ("auth-secret-blank", "auth-secret-quoted", "auth-swapped")  # by experiment, and plain to see in the value


def with_bearing(world: World, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Give findings on; those that stand where URL, key or secret in force come from, with the refusals they explain.

    What is told for information explains nothing.
    """
    places: dict[str, tuple[str, ...]] = {}
    for name, codes in _BEARS_ON.items():
        places[world.origin(name)] = (*places.get(world.origin(name), ()), *codes)
    places.pop("", None)
    for finding in findings:
        explained = places.get(finding.place, ()) if finding.severity is not Severity.info else ()
        failed = finding.severity is Severity.fail
        proven = _PROVEN if explained and failed else ()
        no_url = _NO_URL if failed and finding.place == world.origin(URL) else ()
        yield replace(finding, explains=(*finding.explains, *explained, *proven, *no_url))
