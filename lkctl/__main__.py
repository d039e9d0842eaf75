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
        if sys.argv[1:] in (["--version"], ["-V"]):
            print(f"lkctl {__version__}")  # noqa: T201  (before anything is imported: the fastest answer there is)
            code = 0
        else:
            import gc

            gc.set_threshold(_GARBAGE_THRESHOLD)
            from lkctl.cli import run

            code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    os._exit(_flush(code))


def _flush(code: int) -> int:
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
        if sys.stderr is not None:
            sys.stderr.flush()
    except BrokenPipeError:
        return 141
    except OSError as error:
        os.write(2, f"error: cannot write the output: {os.strerror(error.errno or 0)}\n".encode())
        return 2
    except KeyboardInterrupt:
        return 130
    return code


if __name__ == "__main__":
    main()
