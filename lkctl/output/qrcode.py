"""QR codes for terminals (extra `qr`: segno)."""

from io import StringIO

from lkctl.errors import LkctlError

_MOST = 2953  # bytes; version 40 with the least error correction (ISO/IEC 18004, table 7)
_BORDERS = (2, 1)  # modules; the standard wants 4, cameras do with less, and a terminal has few columns


def draw_code(text: str, *, color: bool, most_columns: int | None = None) -> str:
    """Draw a text as a QR code, two modules a character, light on dark; with `color`, on every terminal.

    Raise `extra-missing` without the extra, `input-too-large` for what no QR code holds or `most_columns` cannot show.
    """
    try:
        import segno
    except ImportError:
        told = "--qr needs the package segno, which is not installed"
        raise LkctlError("extra-missing", told, hint="Install lkctl's extra `qr`, or: pip install segno") from None
    size = len(text.encode())
    try:
        code = segno.make_qr(text, error="l", boost_error=False)
    except segno.DataOverflowError:
        told = f"the join link has {size} bytes, and a QR code holds {_MOST}"
        raise LkctlError("input-too-large", told, hint="Put less into the token: metadata, attributes") from None
    widths = {border: code.symbol_size(border=border)[0] for border in _BORDERS}
    fitting = [border for border, columns in widths.items() if most_columns is None or columns <= most_columns]
    if not fitting:
        told = f"the QR code of the join link is {min(widths.values())} columns wide, and the terminal {most_columns}"
        raise LkctlError("input-too-large", told, hint="Make the window wider, or put less into the token")
    drawn = StringIO()
    code.terminal(drawn, border=fitting[0], compact=True)
    lines = drawn.getvalue().splitlines()
    return "\n".join(f"\x1b[97;40m{line}\x1b[0m" if color else line for line in lines)
