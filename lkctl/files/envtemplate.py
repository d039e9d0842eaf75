"""New env files: their text, and how they come into being without ever being readable by others."""

import contextlib
import errno
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lkctl.errors import LkctlError
from lkctl.files.content import reason
from lkctl.settings.layers import KEY, NAMES, SECRET, URL

PRIVATE, PUBLIC = 0o600, 0o644  # modes
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+=,~-]+")
_PLACEHOLDERS = {URL: "wss://<project>.livekit.cloud", KEY: "<API key>", SECRET: "<API secret>"}
_ABOUT = {
    URL: "# Where the server is: wss://<project>.livekit.cloud, or ws://localhost:7880 for one of your own",
    KEY: "# Key and secret belong together. Cloud: settings of the project, API keys. Your own server: its `keys`.\n"
    "# A throw-away server tells them at its start: lkctl server start",
}
_HEAD = """\
# Settings for LiveKit, read by lkctl, the SDKs and agents (load_dotenv). Keep this file out of git.
# What is set in the environment wins over it. Is it right? Run: lkctl env check
"""
_EXAMPLE_HEAD = """\
# Copy this file to .env, fill it in, and run: lkctl env check
# Settings for LiveKit, read by lkctl, the SDKs and agents (load_dotenv). Never commit the copy.
# What is set in the environment wins over it. The same with values: lkctl env init
"""
_EXAMPLE_TAIL = """
# For agents: the user ID to use where neither metadata nor the room's name has one (lkctl agent resolve)
# CHROME_USER_ID=user_1704067200000_abc123
"""


def env_text(values: Mapping[str, str]) -> str:
    """Write an env file: what is given, and the rest as comments to fill in; raise `input-malformed`.

    A value that python-dotenv would not read back as it is (such as one with `${…}`) cannot be written.
    """
    parts = [_HEAD]
    for name in NAMES:
        about = _ABOUT.get(name)
        parts.append(f"\n{about}\n" if about else "")
        parts.append(f"{name}={_spell(values[name])}\n" if name in values else f"# {name}={_PLACEHOLDERS[name]}\n")
    text = "".join(parts)
    _insist_same(values, text)
    return text


def example_text() -> str:
    """Write an example: placeholders only, to be committed."""
    parts = [_EXAMPLE_HEAD]
    for name in NAMES:
        about = _ABOUT.get(name)
        parts.append(f"\n{about}\n" if about else "")
        parts.append(f"{name}={_PLACEHOLDERS[name]}\n")
    return "".join(parts) + _EXAMPLE_TAIL


def write_new(path: Path, text: str | bytes, *, mode: int, force: bool) -> None:
    """Write a file in one step; raise `file-exists` where one is and not `force`, else `file-unwritable`.

    It has its mode from the first byte on. A symlink is followed when it is overwritten.
    """
    try:
        target = _target(path, force=force)
        handle, scratch = tempfile.mkstemp(prefix=".lkctl-", dir=target.parent)  # mode 0600, O_EXCL
    except (OSError, RuntimeError) as error:  # RuntimeError: a link to itself
        raise _unwritable(path, error if isinstance(error, OSError) else OSError(errno.ELOOP, "")) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
            file.flush()
            os.fsync(file.fileno())
        Path(scratch).chmod(mode)
        move(Path(scratch), target, force=force)
    except FileExistsError:
        raise exists(path) from None
    except OSError as error:
        raise _unwritable(path, error) from None
    finally:
        with contextlib.suppress(OSError):
            Path(scratch).unlink()


def _target(path: Path, *, force: bool) -> Path:
    """Say which file is to be written; raise OSError for what is no file, and is not to be lost."""
    target = path.resolve() if force else path
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "")
    if force and os.path.lexists(target) and not target.is_file():  # a device, a pipe, a link to itself
        raise OSError(errno.EINVAL, "")
    return target


def exists(path: Path) -> LkctlError:
    """Say that a file is there and was left alone."""
    return LkctlError("file-exists", f"{path} is there already", hint="Overwrite it with --force, or name another file")


def move(scratch: Path, path: Path, *, force: bool) -> None:
    """Give a finished file its name; raise FileExistsError where one is and not `force`. `scratch` may stay behind."""
    if not force:
        try:
            os.link(scratch, path)  # fails where a file is; a rename would overwrite it
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            if os.path.lexists(path):
                raise FileExistsError from None
        else:
            return
    scratch.replace(path)


def _spell(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _insist_same(values: Mapping[str, str], text: str) -> None:
    if not values:
        return
    import io

    from dotenv import dotenv_values

    read = dotenv_values(stream=io.StringIO(text))
    for name, value in values.items():
        if read.get(name) != value:
            raise LkctlError(
                "input-malformed",
                f"{name} cannot be written into an env file: python-dotenv would read another value",
                hint="Set it in the environment, or make a secret of letters and digits: livekit-server generate-keys",
            )


def _unwritable(path: Path, error: OSError) -> LkctlError:
    hint = f"Name a file in it, such as {path / '.env'}" if path.is_dir() else "Name a file in a folder of yours"
    return LkctlError("file-unwritable", f"cannot write {path}: {reason(error)}", hint=hint)
