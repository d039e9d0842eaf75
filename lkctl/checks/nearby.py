"""Other pairs of key and secret that lie here: below the set in force, in other files, in lk's projects.

What the server says to them tells which one was meant. Nothing is read of lk's projects before they are needed.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from lkctl.checks.spelling import is_placeholder
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.files.project import project_file, read_projects
from lkctl.secret import remember
from lkctl.settings.layers import KEY, SECRET, URL, Value
from lkctl.settings.shape import Pair


class Nearby(NamedTuple):
    """A pair, each value with its place; `shadowed`: it would be in force, were it not for a higher layer."""

    key: Value
    secret: Value
    url: str
    shadowed: bool = False

    @property
    def whole(self) -> Pair:
        """Give it as one to try."""
        return Pair(f"the pair of {self.secret.origin}", self.key.text, self.secret.text)


def nearby_pairs(world: World) -> list[Nearby]:
    """Give every other pair once; those that are shadowed first, then those that stand with the URL in force."""
    given = (world.value(KEY), world.value(SECRET))
    found: dict[tuple[str, str], Nearby] = {}
    for near in _all(world):
        pair = (near.key.text, near.secret.text)
        if pair != given and "$" not in near.secret.text and not is_placeholder(SECRET, near.secret.text):
            remember(near.secret.text)
            found.setdefault(pair, near)
    here = world.value(URL).rstrip("/")
    return sorted(found.values(), key=lambda near: (not near.shadowed, bool(near.url) and near.url != here))


def pairs_to_try(world: World, *, key_known: bool) -> Iterator[Pair]:
    """Give the pairs that may be meant, the likeliest first: whole ones, and the one configured value with another.

    `key_known`: the server knows the configured key, so that another secret for it is the likeliest.
    """
    key, secret = world.value(KEY), world.value(SECRET)
    around = nearby_pairs(world)
    whole = [near.whole for near in around]
    if key_known:
        rest = sorted(around, key=lambda near: near.key.text != key)
        mixed = [Pair(f"the configured key with the secret of {n.secret.origin}", key, n.secret.text) for n in rest]
        own = [near.whole for near in rest if near.key.text == key]
        yield from (*own, *mixed, *whole)
    else:
        yield from whole
        yield from (Pair(f"the key of {n.key.origin} with the configured secret", n.key.text, secret) for n in around)


def other_servers(world: World) -> Iterator[Nearby]:
    """Give the places where the configured key stands beside the URL of another server."""
    here = world.value(URL).rstrip("/")
    for near in _all(world):
        if near.key.text == world.value(KEY) and near.url and near.url != here:
            yield near


def _all(world: World) -> Iterator[Nearby]:
    in_force = world.settings.setting(KEY) or world.settings.setting(SECRET)
    reached = False
    for layer in world.settings.layers:
        mine = in_force is not None and any(value.origin == in_force.origin for value in layer.values.values())
        if reached:
            yield from _of(layer.values, shadowed=True)
        reached = reached or mine
    for file in world.surroundings.env_files:
        yield from _of(file.layer().values)
    for service in dict.fromkeys((one.place.rpartition(":")[0], one.service) for one in world.surroundings.declared):
        ours = [one for one in world.surroundings.declared if (one.place.rpartition(":")[0], one.service) == service]
        yield from _of({one.name: Value(one.text, one.place) for one in ours})
    for server_key in world.surroundings.server_keys:
        yield Nearby(Value(server_key.key, server_key.place), Value(server_key.secret, server_key.place), "")
    with suppress(LkctlError):
        for layer in read_projects(project_file(world.environ)):
            yield from _of(
                {name: value._replace(origin=f"lk's {value.origin}") for name, value in layer.values.items()}
            )


def _of(values: Mapping[str, Value], *, shadowed: bool = False) -> Iterator[Nearby]:
    key, secret, url = (values.get(name) for name in (KEY, SECRET, URL))
    if key is not None and secret is not None and key.text.strip() and secret.text.strip():
        yield Nearby(
            Value(key.text.strip(), key.origin),
            Value(secret.text.strip(), secret.origin),
            url.text.strip().rstrip("/") if url is not None else "",
            shadowed,
        )
