"""URL, key and secret with where each came from.

Order: flag, environment, .env.local, .env (or the named env files, first wins), a project of lk's when it is named.
Key and secret come from one layer; the URL from that layer or a higher one. A set that is not whole is an error and
never falls through to a lower layer: to use the wrong project silently is the worst that can happen.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from lkctl.errors import LkctlError
from lkctl.secret import Secret, remember
from lkctl.settings.shape import Pair, looks_like_secret

if TYPE_CHECKING:  # a mint needs no URL
    from lkctl.settings.url import ServerUrl

URL, KEY, SECRET = "LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"
NAMES = (URL, KEY, SECRET)
ENV_FILES = (".env.local", ".env")  # in the working directory, in order of precedence
_FLAGS = {URL: "--url", KEY: "--api-key", SECRET: "--api-secret"}


class Value(NamedTuple):
    """One value and its origin: `flag --url`, `env LIVEKIT_URL`, `.env:3`, `project demo`."""

    text: str
    origin: str


class Layer(NamedTuple):
    """One place where settings are looked for, with the values found there (set but empty counts as found)."""

    name: str
    values: Mapping[str, Value]


class Setting(NamedTuple):
    """A value in force, its origin, and what it shadows."""

    name: str
    text: str
    origin: str
    shadowed: tuple[Value, ...] = ()


class Credentials(NamedTuple):
    """An API key with its secret."""

    key: str
    secret: Secret
    key_origin: str = ""
    secret_origin: str = ""

    @property
    def pair(self) -> Pair:
        """Give them as plain text, for signing and checking."""
        return Pair("given", self.key, self.secret.reveal())


class Target(NamedTuple):
    """A server and the credentials for it."""

    url: "ServerUrl"
    credentials: Credentials


class Settings(NamedTuple):
    """All that was found, highest layer first."""

    layers: tuple[Layer, ...]

    def setting(self, name: str) -> Setting | None:
        """Give the value in force, with those that it shadows; None when no layer has it. It may be empty."""
        source = self._url_layer() if name == URL else self._pair_layer()
        if source is None or name not in source.values:
            return None
        value = source.values[name]
        below = self.layers[self.layers.index(source) + 1 :]
        return Setting(name, value.text, value.origin, tuple(b.values[name] for b in below if name in b.values))

    def credentials(self) -> Credentials:
        """Give key and secret; raise `settings-missing` or `settings-partial`."""
        layer = self._pair_layer()
        if layer is None:
            raise LkctlError("settings-missing", f"{KEY} and {SECRET} are not set", hint=self._looked())
        for name in (KEY, SECRET):
            self._demand(layer, name)
        key, secret = layer.values[KEY], layer.values[SECRET]
        if looks_like_secret(key.text):
            remember(key.text)  # swapped, most likely
        return Credentials(key.text, Secret(secret.text), key.origin, secret.origin)

    def url(self) -> "ServerUrl":
        """Give the server's URL; raise `settings-missing`, `settings-partial` or `url-invalid`."""
        layer = self._url_layer()
        if layer is None:
            pair = self._pair_layer()
            hint = "Give --url, too" if pair is not None and pair.name == "flags" else self._looked()
            raise LkctlError("settings-missing", f"{URL} is not set{self._too_low()}", hint=hint)
        self._demand(layer, URL)
        value = layer.values[URL]
        from lkctl.settings.url import parse_url

        try:
            return parse_url(value.text)
        except LkctlError as error:
            raise LkctlError(error.code, f"{error.message} ({value.origin})", hint=error.hint) from None

    def usable_url(self) -> "ServerUrl | None":
        """Give the server's URL; None for one that is missing or wrong: who mints or reads a token needs none."""
        try:
            return self.url()
        except LkctlError:
            return None

    def target(self) -> Target:
        """Give URL, key and secret together: what a call to the server needs."""
        if self._pair_layer() is None and self._url_layer() is None:
            names = ", ".join(NAMES)
            raise LkctlError("settings-missing", f"no server is configured: {names} are not set", hint=self._looked())
        credentials = self.credentials()
        return Target(self.url(), credentials)

    def _pair_layer(self) -> Layer | None:
        return next((layer for layer in self.layers if KEY in layer.values or SECRET in layer.values), None)

    def _url_layer(self) -> Layer | None:
        """The highest layer with a URL, but none below the layer that the key and the secret come from."""
        pair = self._pair_layer()
        reach = self.layers if pair is None else self.layers[: self.layers.index(pair) + 1]
        return next((layer for layer in reach if URL in layer.values), None)

    def _demand(self, layer: Layer, name: str) -> None:
        value = layer.values.get(name)
        if value is not None and value.text.strip():
            return
        if value is not None:
            raise LkctlError(
                "settings-partial",
                f"{name} is set but empty ({value.origin})",
                hint=f"Set it there, or remove all LIVEKIT_ values there; {_never_falls(self.layers, name)}",
            )
        there = ", ".join(sorted(layer.values.keys() & set(NAMES)))
        raise LkctlError(
            "settings-partial",
            f"{name} is missing: {layer.name} has {there} but not {_flag_or_name(layer, name)}",
            hint=f"Set it there too; {_never_falls(self.layers, name)}",
        )

    def _too_low(self) -> str:
        lower = next((layer for layer in self.layers if URL in layer.values), None)
        pair = self._pair_layer()
        if lower is None or pair is None:
            return ""
        return f" beside the key and secret from {pair.name}; the one in {lower.name} belongs to a lower set"

    def _looked(self) -> str:
        places = ", ".join(layer.name for layer in self.layers) or "nowhere"
        files = any(layer.name not in {"flags", "environment"} for layer in self.layers)
        way = "lkctl env check" if files else "lkctl env init, or: lkctl server start --write-env .env.local"
        return f"Looked in: {places}. Run: {way}"


def _flag_or_name(layer: Layer, name: str) -> str:
    return _FLAGS[name] if layer.name == "flags" else name


def _never_falls(layers: Sequence[Layer], name: str) -> str:
    others = [layer.name for layer in layers if name in layer.values and layer.values[name].text.strip()]
    seen = f" (there is one in {', '.join(others)})" if others else ""
    return f"lkctl never mixes sets{seen}"


def flag_layer(url: str | None, key: str | None, secret: str | None) -> Layer:
    """Make the layer of the command line."""
    given = {URL: url, KEY: key, SECRET: secret}
    return Layer("flags", {n: Value(v, f"flag {_FLAGS[n]}") for n, v in given.items() if v is not None})


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """Make the layer of the environment."""
    return Layer("environment", {n: Value(environ[n], f"env {n}") for n in NAMES if n in environ})
