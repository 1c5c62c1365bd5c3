"""Who does the work: this process, more processes on this machine, or a Dask cluster.

Each takes chunks in order and gives what they became in the same order, so that what is
written does not depend on who did it.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from itertools import chain, cycle, islice
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from threading import Event, Lock, Thread
from typing import Any, Protocol, TypeVar, runtime_checkable
from uuid import uuid4

from classifier.errors import InputError, OutputError
from classifier.quick_start import begin_quickly

Bulk = bytes | memoryview


@runtime_checkable
class Bulky(Protocol):
    """A chunk, or what one becomes, most of which are bytes."""

    def apart(self) -> tuple[Any, Bulk]:
        """Return it without these bytes, and them."""

    def whole(self, bulk: bytes) -> Any:
        """Return it with the bytes that were taken from it."""


Chunk = TypeVar("Chunk")
Made = TypeVar("Made")
Model = TypeVar("Model")
Laid = tuple[Made, Path | None, int]  # without so many bytes, which lie in that file; or whole, and 0

ALONE = 8  # chunks done in this process, before it pays to start others
AHEAD = 2  # chunks that wait for each process
PATIENCE, MOMENT = 1000, 0.001  # how often, and how long in seconds, loky is waited for
CONNECT = 10  # seconds in which a Dask cluster must answer
# Arrow's own way gives memory back after each chunk, and the system clears it before the next.
KEEPS_MEMORY = {"ARROW_DEFAULT_MEMORY_POOL": "system"}
_MODEL = "model"  # the file in which other processes find it
LOCAL = "local"  # the address of a Dask cluster made for the run, on this machine


class Crew(Protocol):
    """Does the same task on each chunk."""

    def run(
        self, task: Callable[[Model, Chunk], Made], model: Model, chunks: Iterable[Chunk]
    ) -> Iterator[Made]:
        """Yield ``task(model, chunk)`` for each chunk, in order."""


class ThisProcess:
    """Does all work here and now."""

    def run(
        self, task: Callable[[Model, Chunk], Made], model: Model, chunks: Iterable[Chunk]
    ) -> Iterator[Made]:
        """Yield ``task(model, chunk)`` for each chunk."""
        for chunk in chunks:
            yield task(model, chunk)


class Processes:
    """Shares the work among processes of this machine; a short run stays in this one."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def run(
        self, task: Callable[[Model, Chunk], Made], model: Model, chunks: Iterable[Chunk]
    ) -> Iterator[Made]:
        """Yield ``task(model, chunk)`` for each chunk, in order."""
        stream = iter(chunks)
        yield from ThisProcess().run(task, model, islice(stream, None if self.jobs == 1 else ALONE))
        for chunk in stream:  # only where there is more
            yield from self._shared(task, model, chain([chunk], stream))

    def _shared(
        self, task: Callable[[Model, Chunk], Made], model: Model, chunks: Iterable[Chunk]
    ) -> Iterator[Made]:
        from joblib.externals.loky import ProcessPoolExecutor
        from joblib.externals.loky.process_executor import BrokenProcessPool

        place = Path(mkdtemp(prefix="fupin-"))
        pool = ProcessPoolExecutor(
            self.jobs, initializer=_take_model, initargs=(_kept(model, place), place), env=KEEPS_MEMORY
        )
        stream, submit = iter(chunks), _Submitting(pool, task)
        up: Future[None] = Future()
        whole, ahead = False, AHEAD * self.jobs
        files = cycle([place / str(n) for n in range(ahead + 1)])  # one for each chunk under way

        def handed(chunk: Chunk) -> Any:
            return submit(_laid_down(chunk, next(files)))

        Thread(target=_start, args=(submit, self.jobs, up), daemon=True).start()
        try:
            while not up.done():  # this process goes on until the others are up
                chunk = next(stream, None)
                if chunk is None:
                    return
                yield task(model, chunk)
            up.result()
            yield from map(_picked_up, _in_order(handed, stream, ahead))
            whole = True
        except BrokenProcessPool:
            raise OutputError(
                "a process died, as where memory runs out", "go on with --resume and fewer --jobs"
            ) from None
        finally:
            submit.end()
            pool.shutdown(wait=True, kill_workers=not whole)
            rmtree(place, ignore_errors=True)


class _Submitting:
    """Hands tasks to a pool of processes, for two threads, until it is ended."""

    def __init__(self, pool: Any, task: Callable[[Any, Any], Any]) -> None:
        self._pool, self._task, self._lock = pool, task, Lock()
        self._ended = False
        self._last: Any = None

    def __call__(self, laid: Laid[Any]) -> Any:
        with self._lock:
            if self._ended:
                raise CancelledError
            self._last = self._pool.submit(_task_here, self._task, laid)
            return self._last

    def end(self) -> None:
        """Take no more, and wait until the last is with the processes.

        A pool of loky's that is shut down before prints a KeyError of its own.
        """
        with self._lock:
            self._ended = True
        for _ in range(PATIENCE):
            if self._last is None or self._last.running() or self._last.done():
                return
            Event().wait(MOMENT)


_given: list[Any] = []  # of a process that works for another: the model


def _kept(model: Any, place: Path) -> bytes | None:
    """Keep a model in a file of the run's own folder; where there is no room for it, return its bytes.

    What a process is given at its start goes through a pipe, and the next is started only when it
    has read all: with megabytes they would come up one by one.
    """
    given = bytes(ForkingPickler.dumps(model))
    try:
        (place / _MODEL).write_bytes(given)
    except OSError:
        return given
    return None


def _take_model(given: bytes | None, place: Path) -> None:
    begin_quickly()
    _given[:] = [ForkingPickler.loads((place / _MODEL).read_bytes() if given is None else given)]
    Thread(target=_leave_with, args=(os.getppid(), place), daemon=True).start()


def _leave_with(parent: int, place: Path) -> None:
    """End this process when the one that it works for is gone: nobody would tell it."""
    while os.getppid() == parent:
        Event().wait(1)
    rmtree(place, ignore_errors=True)
    signal.raise_signal(signal.SIGTERM)


def _start(submit: Callable[[Laid[Any]], Any], jobs: int, up: Future[None]) -> None:
    """Start processes, and have each do no chunk, None, so that it has imported and built what it needs."""
    try:
        for one in [submit((None, None, 0)) for _ in range(jobs)]:
            _picked_up(one.result())
        up.set_result(None)
    except BaseException as error:  # for the thread that waits for `up`
        up.set_exception(error)


def _task_here(task: Callable[[Any, Any], Made], laid: Laid[Any]) -> Laid[Made]:
    """Do the task on a chunk that another process has laid down, and lay down what it becomes."""
    return _laid_down(task(_given[0], _picked_up(laid)), laid[1])


def _laid_down(one: Made, path: Path | None) -> Laid[Made]:
    """Lay the bytes of a chunk down in a file, over what lies there.

    Through a pipe megabytes take several times as long, and in a new file each time too.
    """
    if path is None or not isinstance(one, Bulky):
        return one, path, 0
    rest, bulk = one.apart()
    try:
        with path.open("r+b" if path.exists() else "wb") as stream:
            size = stream.write(bulk)
    except OSError:  # no room there: so through the pipe
        path.unlink(missing_ok=True)
        return one, path, 0
    return rest, path, size


def _picked_up(laid: Laid[Made]) -> Made:
    """Return what another process has laid down, whole."""
    one, path, size = laid
    if path is None or not size:
        return one
    with path.open("rb") as stream:
        made: Made = one.whole(stream.read(size))  # type: ignore[attr-defined]
    return made


class DaskCluster:
    """Gives the work to a Dask cluster; what a worker loses, Dask does again on another."""

    def __init__(self, address: str) -> None:
        self.address = address

    def run(
        self, task: Callable[[Model, Chunk], Made], model: Model, chunks: Iterable[Chunk]
    ) -> Iterator[Made]:
        """Yield ``task(model, chunk)`` for each chunk, in order."""
        try:
            from distributed import Client, LocalCluster
            from distributed.scheduler import KilledWorker
        except ImportError:
            raise InputError("--dask needs Dask", 'pip install "fupin-classifier[dask]"') from None
        try:
            cluster = LocalCluster(dashboard_address=None) if self.address == LOCAL else self.address
            client = Client(cluster, timeout=CONNECT)
            client.wait_for_workers(1, timeout=CONNECT)
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(
                f"--dask {self.address}: {error}",
                "name a cluster with workers, such as tcp://10.0.0.1:8786, or local",
            ) from None
        with client:
            # Made by a task, not scattered: so Dask can make it again where all who had it are lost.
            shared = client.submit(_same, model, key=f"model-{uuid4().hex}")
            ahead = AHEAD * max(1, sum(client.nthreads().values()))

            def submit(chunk: Chunk) -> Any:
                return client.submit(task, shared, chunk, pure=False, retries=3)

            try:
                yield from _in_order(submit, chunks, ahead)
            except (KilledWorker, CancelledError, OSError) as error:
                raise OutputError(
                    f"Dask gave up: {error}", "look at its workers, then go on with --resume"
                ) from None


def _same(model: Model) -> Model:
    return model


def _in_order(submit: Callable[[Chunk], Any], chunks: Iterable[Chunk], ahead: int) -> Iterator[Any]:
    """Yield results in the order of their chunks, never more than ``ahead`` of them under way."""
    waiting: deque[Any] = deque()
    for chunk in chunks:
        waiting.append(submit(chunk))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
