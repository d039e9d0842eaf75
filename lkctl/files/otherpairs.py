"""The keys and secrets that lie around: of other settings than those in force. They are read when one is needed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from lkctl.errors import LkctlError
from lkctl.secret import remember
from lkctl.settings.layers import KEY, SECRET, Layer, environment_layer
from lkctl.settings.shape import Pair


class OtherPairs:
    """The pairs of the environment, of env files and a livekit.yaml in a folder and one level below, of lk's projects.

    A pair's name tells where it stands: `.env.staging`, `livekit.yaml:3`, `lk's project prod`. Nothing is read before
    the first look, and then once; a file that cannot be read has no pairs.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = environ
        self._pairs: Sequence[Pair] | None = None

    def __iter__(self) -> Iterator[Pair]:
        if self._pairs is None:
            self._pairs = list({(pair.key, pair.secret): pair for pair in self._read()}.values())
            for pair in self._pairs:
                remember(pair.secret)  # it may stand in what is printed
        return iter(self._pairs)

    def _read(self) -> Iterator[Pair]:
        """Give the pairs, the least likely one first: of several names of one pair the last one counts."""
        from lkctl.files.folder import look_around
        from lkctl.files.project import project_file, read_projects

        with suppress(LkctlError):
            for layer in read_projects(project_file(self._environ)):
                yield from _pair(layer, f"lk's {layer.name}")
        around = look_around(self._folder, ())
        yield from (Pair(found.place, found.key, found.secret) for found in around.server_keys)
        for file in around.env_files:
            yield from _pair(file.layer(), file.name)
        yield from _pair(environment_layer(self._environ), "the environment")


def _pair(layer: Layer, name: str) -> Iterator[Pair]:
    key, secret = (layer.values[wanted].text if wanted in layer.values else "" for wanted in (KEY, SECRET))
    if key and secret:
        yield Pair(name, key, secret)
