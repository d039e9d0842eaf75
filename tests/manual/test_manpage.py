"""Text that becomes roff."""

import shutil
import subprocess

import pytest

from lkctl.manual.manpage import roff


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param(".so /etc/passwd", r"\&.so /etc/passwd", id="a request at the beginning"),
        pytest.param("'br", r"\[aq]br", id="the other sign of a request"),
        pytest.param(r"C:\new", r"C:\enew", id="a backslash"),
        pytest.param("--no-exp", r"\-\-no\-exp", id="options can be copied"),
        pytest.param("a\n.br\nb", "a .br b", id="lines become one"),
        pytest.param("`lkctl room list` now", r"\fBlkctl room list\fR now", id="backticks make bold"),
        pytest.param("one ` alone", r"one \[ga] alone", id="a single backtick"),
        pytest.param("~/.cache ^C", r"\[ti]/.cache \[ha]C", id="signs that roff prints as others"),
        pytest.param("wait… ✓ 😀", r"wait\[u2026] \[u2713] \[u1F600]", id="beyond ASCII"),
        pytest.param("", r"\&", id="nothing is no blank line"),
    ],
)
def test_text_is_no_request(text: str, written: str) -> None:
    assert roff(text) == written
    if groff := shutil.which("groff"):
        page = f'.TH A 1 "" "" ""\n.SH A\n{written}\n'
        done = subprocess.run(
            [groff, "-man", "-ww", "-z", "-Tutf8"], input=page, capture_output=True, text=True, check=True
        )
        assert (done.stdout, done.stderr) == ("", "")
