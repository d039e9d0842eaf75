"""The order of the layers, and that no set is ever mixed with a lower one."""

import os
from pathlib import Path

import pytest

from lkctl.errors import LkctlError
from lkctl.secret import Secret
from lkctl.settings.layers import KEY, NAMES, SECRET, URL, Layer, Settings, Value, environment_layer, flag_layer
from tests.harness import invoke

WHOLE = "uks"  # url, key, secret
NAME = dict(zip(WHOLE, NAMES, strict=True))


def layer(name: str, has: str, empty: str = "") -> Layer:
    """Make a layer with some of url, key and secret, each telling where it is from."""
    texts = {"u": f"ws://{name}", "k": f"key-{name}", "s": f"secret-{name}"}
    return Layer(name, {NAME[c]: Value("" if c in empty else texts[c], f"{name} {NAME[c]}") for c in has})


def settings(*layers: Layer) -> Settings:
    return Settings(layers)


ORDER = ("flags", "environment", ".env.local", ".env")


@pytest.mark.parametrize("first", range(len(ORDER)), ids=ORDER)
def test_highest_whole_layer_wins(first: int) -> None:
    """Of whole sets the highest is in force, and shadows all below it."""
    found = settings(*(layer(name, WHOLE if position >= first else "") for position, name in enumerate(ORDER)))
    target = found.target()
    assert target.url.host == ORDER[first].lower()
    assert (target.credentials.key, target.credentials.secret.reveal()) == (
        f"key-{ORDER[first]}",
        f"secret-{ORDER[first]}",
    )
    setting = found.setting(KEY)
    assert setting is not None
    assert [value.origin for value in setting.shadowed] == [f"{name} {KEY}" for name in ORDER[first + 1 :]]


# above has, below has → host of the URL, origin of the pair
MIXES = [
    pytest.param("u", "ks", "above", "below", id="URL above, pair below"),
    pytest.param("u", "uks", "above", "below", id="URL above a whole set"),
    pytest.param("uks", "u", "above", "above", id="URL below is not used"),
]


@pytest.mark.parametrize(("above", "below", "host", "pair"), MIXES)
def test_url_may_stand_above_the_pair(above: str, below: str, host: str, pair: str) -> None:
    """The URL comes from the layer of the pair or a higher one."""
    target = settings(layer("above", above), layer("below", below)).target()
    assert (target.url.host, target.credentials.key) == (host, f"key-{pair}")


# above has, empty in it, below has → code, words
PARTIAL = [
    pytest.param("k", "", "uks", "settings-partial", f"{SECRET} is missing: above has {KEY}", id="key alone"),
    pytest.param("s", "", "uks", "settings-partial", f"{KEY} is missing: above has {SECRET}", id="secret alone"),
    pytest.param("uk", "", "uks", "settings-partial", f"{SECRET} is missing", id="URL and key"),
    pytest.param(
        "uks", "s", "uks", "settings-partial", f"{SECRET} is set but empty (above {SECRET})", id="empty secret"
    ),
    pytest.param("uks", "k", "uks", "settings-partial", f"{KEY} is set but empty", id="empty key"),
    pytest.param("uks", "u", "uks", "settings-partial", f"{URL} is set but empty", id="empty URL"),
    pytest.param("u", "u", "uks", "settings-partial", f"{URL} is set but empty", id="empty URL above a whole set"),
    pytest.param("s", "s", "uks", "settings-partial", f"{KEY} is missing", id="the CI of a fork"),
    pytest.param(
        "ks", "", "u", "settings-missing", f"{URL} is not set beside the key and secret from above", id="low URL"
    ),
    pytest.param("u", "", "", "settings-missing", f"{KEY} and {SECRET} are not set", id="URL alone"),
    pytest.param("ks", "", "", "settings-missing", f"{URL} is not set", id="pair alone"),
    pytest.param("", "", "", "settings-missing", "no server is configured", id="nothing"),
]


@pytest.mark.parametrize(("above", "empty", "below", "code", "words"), PARTIAL)
def test_partial_set_never_falls_through(above: str, empty: str, below: str, code: str, words: str) -> None:
    """A set that is not whole is an error that names what is missing, whatever stands below it."""
    with pytest.raises(LkctlError) as caught:
        settings(layer("above", above, empty), layer("below", below)).target()
    assert (caught.value.code, int(caught.value.exit_code)) == (code, 2)
    assert words in caught.value.message
    assert "secret-" not in caught.value.message + caught.value.hint


def test_error_tells_of_the_other_set() -> None:
    """The hint names the layer that has the missing value, and that it is not used."""
    with pytest.raises(LkctlError) as caught:
        settings(layer("environment", "k"), layer(".env", WHOLE)).credentials()
    assert "lkctl never mixes sets (there is one in .env)" in caught.value.hint


def test_flags_are_named_as_flags() -> None:
    """On the command line the missing thing is an option."""
    with pytest.raises(LkctlError, match="flags has LIVEKIT_API_KEY but not --api-secret"):
        settings(flag_layer(None, "k", None)).credentials()


@pytest.mark.parametrize("name", NAMES)
def test_blank_counts_as_empty(name: str) -> None:
    """A blank is no value."""
    values = {**layer("env", WHOLE).values, name: Value(" \t", "x")}
    with pytest.raises(LkctlError, match="set but empty"):
        settings(Layer("env", values)).target()


def test_bad_url_tells_its_origin() -> None:
    """The error of the URL ends with where it came from."""
    with pytest.raises(LkctlError, match=r"has no scheme \(\.env:3\)"):
        settings(Layer(".env", {URL: Value("a.b", ".env:3")})).url()


def test_layers_hold_what_was_given() -> None:
    """Flags that were not given and variables that are not set are absent; empty ones are there."""
    assert flag_layer(None, "", None).values == {KEY: Value("", "flag --api-key")}
    assert environment_layer({"LIVEKIT_URL": "", "OTHER": "x"}).values == {URL: Value("", "env LIVEKIT_URL")}


def test_secret_stays_masked() -> None:
    """Key and secret of a set do not print themselves."""
    credentials = settings(layer("env", WHOLE)).credentials()
    assert isinstance(credentials.secret, Secret)
    assert "secret-env" not in f"{credentials} {credentials!r}"


PROJECT = "default_project: stored\nprojects:\n  - {name: stored, url: 'ws://stored', api_key: kept, api_secret: %s}\n"


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({}, id="nothing set"),
        pytest.param(
            {"LIVEKIT_URL": "ws://a", "LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": ""}, id="empty secret in CI"
        ),
        pytest.param({"LIVEKIT_URL": "ws://a"}, id="URL alone"),
    ],
)
def test_stored_project_is_never_used_unasked(
    environ: dict[str, str], secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lk has stored in HOME is used only with --project; lk itself would use it here."""
    _store(secret)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    done = invoke("room", "list")
    assert (done.code, done.out) == (2, "")
    assert "stored" not in done.err
    shown = invoke("env", "show", "-o", "json")
    assert "stored" not in shown.out


def test_stored_project_beats_environment_and_files(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """--project is explicit."""
    _store(secret)
    monkeypatch.setenv("LIVEKIT_URL", "ws://a")
    Path(".env").write_text("LIVEKIT_API_KEY=k\nLIVEKIT_API_SECRET=s\n")
    done = invoke("env", "show", "--project", "stored")
    assert done.out.splitlines()[:2] == [
        "LIVEKIT_URL\tws://stored\tproject stored\t-",
        "LIVEKIT_API_KEY\tkept\tproject stored\t-",
    ]
    conflict = invoke("env", "show", "--project", "stored", "--url", "ws://b")
    assert (conflict.code, conflict.out) == (2, "")


URLS = [
    pytest.param({URL: Value("ws://a", "x")}, "a", id="good"),
    pytest.param({URL: Value(" ", "x")}, None, id="empty"),
    pytest.param({URL: Value("a.b", "x")}, None, id="wrong"),
    pytest.param({}, None, id="missing"),
]


@pytest.mark.parametrize(("values", "host"), URLS)
def test_a_url_or_nothing(values: dict[str, Value], host: str | None) -> None:
    """Who mints or reads a token needs none."""
    url = settings(Layer("environment", values)).usable_url()
    assert (url and url.host) == host


def _store(secret: str) -> None:
    folder = Path(os.environ["HOME"]) / ".livekit"
    folder.mkdir()
    (folder / "cli-config.yaml").write_text(PROJECT % secret)
