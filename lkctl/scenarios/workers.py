"""Work done by several processes, its results in the order in which it was given."""

import contextlib
import os
import signal
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, TypeVar

from lkctl.errors import LkctlError

_LISTEN = 0.25  # seconds after which a worker looks whether it still has a parent
_GRACE = 2.0  # seconds to end in

Batch = TypeVar("Batch")
Result = TypeVar("Result")


class _Worker(NamedTuple):
    process: Process
    pipe: "Connection[Any, Any]"


def in_order(
    make: Callable[[Any], Callable[[Batch], Result]],
    settings: Any,
    batches: Iterable[tuple[Batch, bool]],
    jobs: int,
    *,
    lost: tuple[str, str],
) -> Generator[Result, None, None]:
    """Give the results of `make(settings)` for each batch; raise `worker-lost` where a process ends by itself.

    With several jobs each works in a process of its own, and what is handed over goes through a pipe: nothing of it
    stands in the arguments or the environment of a process. A batch comes with whether the next one is to be waited
    for; then all results are given first. All processes have ended when this ends, however it does. `lost` are the
    name of what such a process is, and the hint, for the error.
    """
    if jobs == 1:
        work = make(settings)
        yield from (work(batch) for batch, _ in batches)
        return
    with _workers(make, settings, jobs) as workers:
        idle, busy = deque(workers), deque[_Worker]()
        for batch, waits in batches:
            if not idle:
                yield _result(busy, idle, lost)
            worker = idle.popleft()
            with _watched(worker, lost):
                worker.pipe.send(batch)
            busy.append(worker)
            while waits and busy:
                yield _result(busy, idle, lost)
        while busy:
            yield _result(busy, idle, lost)


def _result(busy: deque[_Worker], idle: deque[_Worker], lost: tuple[str, str]) -> Any:
    worker = busy.popleft()
    with _watched(worker, lost):
        result = worker.pipe.recv()
    idle.append(worker)
    if isinstance(result, RuntimeError):
        raise result
    return result


@contextlib.contextmanager
def _watched(worker: _Worker, lost: tuple[str, str]) -> Iterator[None]:
    try:
        yield
    except (EOFError, BrokenPipeError, ConnectionResetError):
        worker.process.join(_GRACE)
        code = worker.process.exitcode
        how = f"killed by {signal.Signals(-code).name}" if code and code < 0 else f"exit code {code}"
        what, hint = lost
        raise LkctlError("worker-lost", f"{what} ended by itself ({how})", hint=hint) from None


@contextlib.contextmanager
def _workers(make: Callable[[Any], Any], settings: Any, jobs: int) -> Iterator[list[_Worker]]:
    workers: list[_Worker] = []
    try:
        for _ in range(jobs):
            ours, theirs = Pipe()
            process = Process(target=_work, args=(theirs, ours, make, settings), daemon=True)
            workers.append(_Worker(process, ours))
            process.start()
            theirs.close()
        yield workers
    finally:
        for worker in workers:
            worker.pipe.close()  # it ends when it hears nothing more
            if worker.process.pid is not None:
                worker.process.terminate()
        for worker in workers:
            if worker.process.pid is not None:
                _end(worker.process)


def _end(process: Process) -> None:
    process.join(_GRACE)
    if process.is_alive():
        process.kill()
        process.join(_GRACE)


def _work(
    pipe: "Connection[Any, Any]", other_end: "Connection[Any, Any]", make: Callable[[Any], Any], settings: Any
) -> None:
    """Work until there is nobody to work for. ^C goes to the parent, which ends us."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    other_end.close()  # else this very process would keep its pipe open
    parent = os.getppid()
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        work = make(settings)
        while os.getppid() == parent:
            if pipe.poll(_LISTEN):
                pipe.send(_done(work, pipe.recv()))


def _done(work: Callable[[Any], Any], batch: Any) -> Any:
    try:
        return work(batch)
    except Exception:  # noqa: BLE001  (it is raised where the results are)
        return RuntimeError(traceback.format_exc())
