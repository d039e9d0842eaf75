"""What may have been meant by a key and a secret that were refused."""

import base64

import pytest

from lkctl.settings.shape import DEFAULT_PAIR, Pair
from lkctl.settings.slips import SLIPS, find_slip, likely_meant

KEY = "APIx7Kp2mQ9rTz4"
SECRET = "hT5kQ2mN8vX1cB7zL4pR9sW3yF6dG0jAeUiOqPlKmNb"
DEFAULT = Pair("default-pair", *DEFAULT_PAIR)
MOST = 12

MEANT = [
    pytest.param(f" {KEY}", f"{SECRET}\n", "blank", id="blanks"),
    pytest.param(KEY, f"{SECRET}\r", "blank", id="carriage return"),
    pytest.param(f"{KEY}\u200b", f"\ufeff{SECRET}\u00a0", "blank", id="invisible characters"),
    pytest.param(f"'{KEY}'", f'"{SECRET}"', "quoted", id="quotes"),
    pytest.param(KEY, f" '{SECRET}' ", "quoted", id="blanks around quotes"),
    pytest.param(f'"{KEY}",', f'"{SECRET}",', "punctuated", id="copied from JSON"),
    pytest.param(KEY, f"{SECRET};", "punctuated", id="copied from code"),
    pytest.param(f"<{KEY}>", f"<{SECRET}>", "bracketed", id="brackets of a template"),
    pytest.param(KEY, SECRET + r"\n", "escaped", id="written-out line end"),
    pytest.param(KEY, f"{SECRET}%0A", "escaped", id="percent-encoded line end"),
    pytest.param(KEY, f"LIVEKIT_API_SECRET={SECRET}", "named", id="pasted with its name"),
    pytest.param(KEY, f'export LIVEKIT_API_SECRET="{SECRET}"', "named", id="pasted as a line of a shell"),
    pytest.param(KEY, f"{SECRET} # production", "commented", id="comment of docker --env-file"),
    pytest.param(KEY, f"{SECRET[:20]}\n  {SECRET[20:]}", "broken", id="wrapped by a mail"),
    pytest.param(KEY, SECRET * 2, "doubled", id="pasted twice"),
    pytest.param(KEY, base64.b64encode(SECRET.encode()).decode(), "base64", id="value of a Kubernetes secret"),
    pytest.param(KEY, base64.b64encode(SECRET.encode() + b"\n").decode(), "base64", id="the same, made with echo"),
]


@pytest.mark.parametrize(("key", "secret", "name"), MEANT)
def test_undoes(key: str, secret: str, name: str) -> None:
    """The right pair is among those to try, under the name of what happened, whatever else is tried."""
    found = list(likely_meant(key, secret))
    assert [pair.name for pair in found if (pair.key, pair.secret) == (KEY, SECRET)] == [name]
    assert len({(pair.key, pair.secret) for pair in found}) == len(found) <= MOST
    assert (key, secret) not in {(pair.key, pair.secret) for pair in found}


SPECIAL = [
    pytest.param("pa%24%24word%2Bword", "pa$$word+word", "percent", id="percent-encoded"),
    pytest.param("pa$$word", "pa$word", "dollars", id="dollars of compose"),
    pytest.param(r"pa\$word", "pa$word", "backslashes", id="backslashes of a shell"),
    pytest.param("MySecret", "mysecret", "lower", id="capitals"),
    pytest.param("mysecret", "MYSECRET", "upper", id="small letters"),
]


@pytest.mark.parametrize(("given", "right", "name"), SPECIAL)
def test_undoes_of_a_secret_that_somebody_made_up(given: str, right: str, name: str) -> None:
    """Where the server knows the key, the key stays as it is."""
    found = list(likely_meant(KEY, given, key_known=True))
    assert Pair(name, KEY, right) in found
    assert {pair.key for pair in found} == {KEY, DEFAULT_PAIR[0]}


WHOLE = [
    pytest.param(KEY, SECRET, [DEFAULT], id="a clean pair"),
    pytest.param(SECRET, KEY, [Pair("swapped", KEY, SECRET), DEFAULT], id="swapped"),
    pytest.param(f"'{SECRET}'", f"'{KEY}'", None, id="swapped and quoted"),
    pytest.param(*DEFAULT_PAIR, [], id="the pair that everybody knows"),
    pytest.param("Devkey", "secret", None, id="its key with a capital"),
    pytest.param(" ", " ", [DEFAULT], id="nothing but blanks"),
    pytest.param("", "", [DEFAULT], id="nothing"),
    pytest.param("%zz%0", "%", None, id="no percent-encoding"),
]


@pytest.mark.parametrize(("key", "secret", "expected"), WHOLE)
def test_what_is_tried(key: str, secret: str, expected: list[Pair] | None) -> None:
    """A clean pair is worth one try only; the secret is tried as a key only where shapes say so."""
    found = list(likely_meant(key, secret))
    assert expected is None or found == expected
    assert all(pair.key and pair.secret for pair in found)
    assert not [pair for pair in found if pair.key == SECRET and key != SECRET and pair.name != "quoted"]


def test_capitals_of_the_key_alone() -> None:
    """A key may have lost its case where the secret did not."""
    assert Pair("lower", "devkey", "secret") in list(likely_meant("Devkey", "secret"))


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.name)
def test_a_slip_leaves_what_it_did_not_happen_to(slip: object) -> None:
    """Each is found by its name, and does nothing to a value without it."""
    known = find_slip(getattr(slip, "name", ""))
    assert known is slip
    assert known is not None
    assert known.name in {"lower", "upper"} or known.undo(SECRET) == SECRET


def test_an_unknown_slip() -> None:
    """The names of places are none."""
    assert find_slip(".env:3") is None
