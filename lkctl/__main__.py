"""The entry point: `lkctl` and `python -m lkctl`.

Ends hard after flushing (`os._exit`): tearing the interpreter down costs a fifth of a short run, and no abandoned
thread can hold the process up. What lkctl made is cleaned up by `with` blocks, never by atexit.
"""

import os
import sys

from lkctl import __version__

TYPE_CHECKING = False  # as typing has it, without loading typing: `--version` would take twice as long
if TYPE_CHECKING:
    from typing import NoReturn

# What is made while importing lives to the end; to look among it for garbage costs 6 % of a short run (measured)
_GARBAGE_THRESHOLD = 50_000


def main() -> "NoReturn":
    """Run the command line and end the process with its exit code."""
    try:
        code = _run()
    except KeyboardInterrupt:
        code = 130
    except OSError as error:  # only `--version` writes outside the error edge
        code = _unwritten(error)
    os._exit(_flush(code))


def _run() -> int:
    if sys.argv[1:] in (["--version"], ["-V"]) and sys.stdout is not None:
        sys.stdout.write(f"lkctl {__version__}\n")  # before anything is imported: the fastest answer there is
        return 0
    import gc

    gc.set_threshold(_GARBAGE_THRESHOLD)
    from lkctl.cli import run

    return run(sys.argv[1:])


def _flush(code: int) -> int:
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except OSError as error:
        return code or _unwritten(error)
    except KeyboardInterrupt:
        return 130
    return code


def _unwritten(error: OSError) -> int:
    """Say that the output could not be written, and give the exit code; a reader who has gone is told nothing."""
    if isinstance(error, BrokenPipeError):
        return 141
    try:
        os.write(2, f"error: cannot write the output: {os.strerror(error.errno or 0)}\n".encode())
    except OSError:
        return 2
    return 2


if __name__ == "__main__":
    main()
