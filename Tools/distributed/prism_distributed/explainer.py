"""Keeps a worker at work: several inputs ahead, restarted when it dies, and told apart from inputs that kill it."""

import collections
import dataclasses
import hashlib
import time
from collections.abc import Callable, Iterator

from .errors import RunError, WorkerDied
from .worker import Worker, WorkerOptions

#: How often an input may end a worker that has nothing else to do, before it is recorded as failed.
ATTEMPTS = 2
#: How often a worker may be killed before its first word, one after the other.
STARTS = 5


@dataclasses.dataclass
class Input:
    """Something to be explained, and whose it is."""

    shard: int
    position: int
    name: str
    load: Callable[[], bytes]
    #: Attempts that failed while the worker had nothing else to do.
    attempts: int = 0
    #: Of the bytes that were sent last.
    sha256: str = ""

    @property
    def identifier(self) -> str:
        return f"{self.shard}.{self.position}"


@dataclasses.dataclass(frozen=True)
class Result:
    """A worker's answer."""

    header: dict
    payload: bytes


@dataclasses.dataclass(frozen=True)
class Failure:
    """Why there is no answer."""

    error: str
    attempts: int


def started(options: WorkerOptions) -> Worker:
    """A worker; one that is killed before it says anything is started again, a few times."""
    for attempt in range(1, STARTS + 1):
        try:
            return Worker(options)
        except WorkerDied as error:
            if attempt == STARTS:
                raise RunError(f"the worker was killed at each of {STARTS} starts: {error}") from error
            time.sleep(0.5 * attempt)


class Explainer:
    """A worker that lives as long as it is needed."""

    def __init__(self, options: WorkerOptions, request: dict, check: Callable[[dict], None]):
        """`request` is the header of every request but its id, name and bytes; `check` may refuse a worker by its hello."""
        self._options = options
        self._request = request
        if options.batch:
            self._request = {**request, "request": {**request["request"], "batch": options.batch}}
        self._check = check
        self._worker: Worker | None = None
        #: Seconds of an input, as the worker tells; the last ones count most.
        self._pace: float | None = None
        #: How many workers have died.
        self.deaths = 0

    @property
    def worker(self) -> Worker:
        """The running worker; it is started where there is none."""
        if self._worker is None:
            worker = started(self._options)
            try:
                self._check(worker.hello)
            except BaseException:
                worker.kill()
                raise
            self._worker = worker
        return self._worker

    @property
    def _depth(self) -> int:
        """How many inputs the worker is given ahead of its answers.

        About a second's work: enough to be busy while a file is synced, and little to do again when something dies.
        """
        threads = self._options.threads
        if self._pace is None:
            return min(4 * threads, self.worker.ahead)
        return min(max(2 * threads, round(threads / max(self._pace, 1e-3))), self.worker.ahead)

    def close(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def explain(self, inputs: Iterator[Input]) -> Iterator[tuple[Input, Result | Failure]]:
        """The answers, in the order in which they are ready.

        When a worker dies with several inputs, nobody knows whose fault it was: each of them goes alone to a new one. An
        input that ends two workers alone is recorded as failed.
        """
        flying: dict[str, Input] = {}
        suspects: collections.deque[Input] = collections.deque()
        is_exhausted = False
        try:
            while True:
                try:
                    while not is_exhausted and not suspects and len(flying) < self._depth:
                        item = next(inputs, None)
                        if item is None:
                            is_exhausted = True
                        elif failure := self._send(item, flying):
                            yield item, failure
                    if suspects and not flying:
                        item = suspects.popleft()
                        if failure := self._send(item, flying):
                            yield item, failure
                            continue
                    if not flying:
                        return
                    header, payload = self.worker.receive()
                except WorkerDied as death:
                    yield from self._bury(str(death), flying, suspects)
                    continue
                item = flying.pop(str(header.get("id")), None)
                if item is None:
                    continue
                match self._judged(item, header, payload):
                    case None:
                        suspects.append(item)
                    case answer:
                        yield item, answer
        finally:
            if flying:
                # Whoever asked does not listen any more; the answers on their way would be taken for later ones.
                if self._worker:
                    self._worker.kill()
                self._worker = None

    def _send(self, item: Input, flying: dict[str, Input]) -> Failure | None:
        """Reads and sends an input; what cannot be read in two attempts is a failure."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                data = item.load()
                break
            except Exception as error:  # noqa: BLE001 (stores raise errors of their own)
                if attempt == ATTEMPTS:
                    return Failure(f"cannot be read: {error}", attempt)
        item.sha256 = hashlib.sha256(data).hexdigest()
        flying[item.identifier] = item
        self.worker.send({**self._request, "id": item.identifier, "name": item.name}, data)
        return None

    def _judged(self, item: Input, header: dict, payload: bytes) -> Result | Failure | None:
        """What an answer means; None where the input has another attempt."""
        kind = header.get("kind")
        if kind == "result" and header.get("digest") == item.sha256:
            seconds = float(header.get("seconds", 0))
            self._pace = seconds if self._pace is None else 0.8 * self._pace + 0.2 * seconds
            return Result(header, payload)
        item.attempts += 1
        error = "the worker was given other bytes" if kind == "result" else str(header.get("error", f"the answer {kind}"))
        is_final = kind == "failed" and not header.get("retryable")
        return Failure(error, item.attempts) if is_final or item.attempts >= ATTEMPTS else None

    def _bury(self, error: str, flying: dict[str, Input], suspects: collections.deque[Input]):
        """Sorts what a dead worker was at."""
        self._worker = None
        self.deaths += 1
        items = list(flying.values())
        flying.clear()
        if len(items) == 1:
            items[0].attempts += 1
        for item in items:
            if item.attempts >= ATTEMPTS:
                yield item, Failure(error, item.attempts)
            else:
                suspects.append(item)
