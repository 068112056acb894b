"""Work in several processes: calls go to workers as pickles over pipes and answers come back. Knows nothing of logs.

Workers are plain child processes: `multiprocessing` would either copy a process that has threads (and a JVM), or run
the caller's script again, which a library must not demand of scripts.
"""

from __future__ import annotations

import gc
import os
import pickle
import queue
import subprocess
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from graphcorr.errors import GraphcorrError

_T = TypeVar("_T")

# Calls that wait for each process: enough that none waits for the calls.
_AHEAD = 3

# Memory that is let go is soon asked for again: workers keep it, or clearing new pages takes a tenth of their time.
# Has no effect where the C library or Arrow do not know these.
_KEEP_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": str(1 << 29),
    "MALLOC_MMAP_THRESHOLD_": str(1 << 25),
    "MALLOC_TOP_PAD_": str(1 << 24),
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
# A worker is one of several and has a core: threads that wait for linear algebra would only take time from the others.
_NO_THREADS = {"OPENBLAS_NUM_THREADS": "1"}
# Records hold no cycles: looking for them after every few hundred new objects finds none.
_NEW_OBJECTS = 500_000

_START = "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); from graphcorr.ingest import workers; "


def cores() -> int:
    """How many processes can run at a time."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def results(function: Callable[..., _T], calls: Iterable[tuple[Any, ...]], processes: int) -> Iterator[_T]:
    """The results of a function of a module, called in as many processes, in the order of the calls.

    Calls are taken some ahead of the results. Raises what a call raised; GraphcorrError if a process is killed from
    outside.
    """
    workers = [_Worker() for _ in range(processes)]
    idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
    for worker in workers:
        idle.put(worker)

    def call(arguments: tuple[Any, ...]) -> _T:
        worker = idle.get()
        try:
            answer: _T = worker.call(function, arguments)
            return answer
        finally:
            idle.put(worker)

    pool = ThreadPoolExecutor(processes)
    try:
        answers: deque[Future[_T]] = deque()
        for arguments in calls:
            answers.append(pool.submit(call, arguments))
            if len(answers) > _AHEAD * processes:
                yield answers.popleft().result()
        while answers:
            yield answers.popleft().result()
    finally:
        for worker in workers:
            worker.stop()
        pool.shutdown(cancel_futures=True)


class _Worker:
    """A child process that calls what it is told to. It ends with its standard input."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", _START + "workers.serve()"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**_KEEP_MEMORY, **_NO_THREADS, **os.environ}
        )
        self._send(sys.path)

    def call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        assert self._process.stdout is not None
        try:
            self._send((function, arguments))
            answer, error, trace = pickle.load(self._process.stdout)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError) as ended:
            raise GraphcorrError(
                f"a reading process ended with {self._process.wait()}",
                hint="is there enough memory? load less at a time",
            ) from ended
        if error is not None:
            error.add_note(trace)
            raise error
        return answer

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _send(self, message: object) -> None:
        assert self._process.stdin is not None
        pickle.dump(message, self._process.stdin)
        self._process.stdin.flush()


class _NotHere:
    """Finder of modules that finds none of one name, though it may be installed."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(self, name: str, *_: object) -> None:
        if name == self._name:
            raise ModuleNotFoundError(f"{name} is not for reading processes", name=name)


def serve() -> None:
    """Answer calls until standard input ends. What is printed meanwhile goes to standard error."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    gc.set_threshold(_NEW_OBJECTS)
    # pyarrow imports it before it makes its first array, only to recognise its objects: a fifth of a second.
    sys.meta_path.insert(0, _NotHere("pandas"))
    while True:
        try:
            function, arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        answer: tuple[Any, Exception | None, str]
        try:
            answer = (function(*arguments), None, "")
        except Exception as error:  # not swallowed: raised again where the call came from
            answer = (None, error, traceback.format_exc())
        answers.write(pickle.dumps(answer))
        answers.flush()
