"""QR codes on terminals."""

import pytest
import segno

from lkctl.errors import LkctlError
from lkctl.output.qrcode import draw_code

LINK = "https://meet.livekit.io/custom?liveKitUrl=wss%3A%2F%2Fexample.com&token=" + "a" * 300


def modules(drawn: str) -> list[list[int]]:
    """Read a drawing back: light is drawn, dark is left out; two modules a character."""
    rows = []
    for line in drawn.splitlines():
        rows.append([int(char not in "█▀") for char in line])
        rows.append([int(char not in "█▄") for char in line])
    return rows


@pytest.mark.parametrize(("columns", "border"), [(None, 2), (100, 2), (72, 1)])
def test_what_a_camera_sees(columns: int | None, border: int) -> None:
    """The code, with as much border as the terminal has room for."""
    drawn = draw_code(LINK, color=False, most_columns=columns)
    code = segno.make_qr(LINK, error="l", boost_error=False)
    wanted = [list(row) for row in code.matrix_iter(border=border)]
    assert modules(drawn)[: len(wanted)] == wanted
    assert code.symbol_size(border=1)[0] <= 72 < code.symbol_size(border=2)[0]


def test_colours_make_it_light_on_dark() -> None:
    """Whatever the terminal's own are."""
    lines = draw_code("x", color=True).splitlines()
    assert {(line[:8], line[-4:]) for line in lines} == {("\x1b[97;40m", "\x1b[0m")}


TOO_MUCH = [
    pytest.param("a" * 2954, None, "the join link has 2954 bytes, and a QR code holds 2953", id="bytes"),
    pytest.param(LINK, 70, "71 columns wide, and the terminal 70", id="columns"),
]


@pytest.mark.parametrize(("text", "columns", "says"), TOO_MUCH)
def test_what_does_not_fit(text: str, columns: int | None, says: str) -> None:
    """Exit 2, and no half of a code."""
    with pytest.raises(LkctlError) as caught:
        draw_code(text, color=False, most_columns=columns)
    assert (caught.value.code, int(caught.value.exit_code)) == ("input-too-large", 2)
    assert says in caught.value.message


def test_the_longest_fits() -> None:
    """Version 40, 177 modules."""
    assert len(modules(draw_code("a" * 2953, color=False))[0]) == 177 + 4
