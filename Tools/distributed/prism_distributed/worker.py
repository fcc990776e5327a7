"""A process of `prism worker`: requests go in, answers come as they are ready."""

import collections
import contextlib
import dataclasses
import fcntl
import importlib.util
import os
import queue
import shutil
import stat
import subprocess
import tempfile
import threading

from . import protocol
from .errors import RunError, WorkerDied


@dataclasses.dataclass(frozen=True)
class WorkerOptions:
    """How a worker is started; it is the same on every node, and looked up there."""

    model: str
    program: str | None = None
    weights: str | None = None
    threads: int = 1
    limits: tuple[str, ...] = ()
    #: Changed inputs that the model is given at a time; no result depends on it.
    batch: int | None = None
    #: Seconds without any answer after which the worker is ended.
    patience: float = 600
    #: The instruction set, such as avx2; None for that of PRISM_ISA, or the node's fastest.
    instructions: str | None = None

    def environment(self) -> dict[str, str]:
        """The worker's variables."""
        return {**os.environ, "PRISM_ISA": self.instructions} if self.instructions else dict(os.environ)

    def command(self) -> list[str]:
        """The command line on this node."""
        command = [find_program(self.program), "worker", "--model", self.model, "--threads", str(self.threads)]
        weights = self.weights or packaged("weights")
        if weights:
            command += ["--weights", weights]
        for limit in self.limits:
            command += ["--limit", limit]
        return command


#: The bytes that a pipe holds.
PIPE = 1 << 20

#: The module that is sent with a job, with the program and the model in it.
BUNDLE = "prism_bundle"


def packaged(*parts: str) -> str | None:
    """What came with the job, or with the installed package, where it has it."""
    spec = importlib.util.find_spec(BUNDLE)
    folders = list(spec.submodule_search_locations or []) if spec else []
    for folder in (*folders, os.path.dirname(__file__)):
        path = os.path.join(folder, *parts)
        if os.path.exists(path):
            return path
    return None


def is_path(model: str) -> bool:
    """Whether a model is given by the path of its file and not by its name, as `prism` decides it."""
    return "/" in model or model.endswith(".safetensors")


def find_program(given: str | None) -> str:
    """The path of `prism`: the one that is named, the package's own, that of PRISM_PROGRAM, or the one on the path."""
    if given:
        return _executable(given)
    if own := packaged("bin", "prism"):
        return _executable(own)
    found = os.environ.get("PRISM_PROGRAM") or shutil.which("prism")
    if not found:
        raise RunError("prism is not found: name it with --prism, or install it (Tools/install.sh)")
    return found


def _executable(path: str) -> str:
    """The path; what an archive has left without permission to be executed is given it."""
    if not os.path.isfile(path):
        raise RunError(f"{path} is not there: --prism takes the path of the program on every node, --ship sends it")
    if not os.access(path, os.X_OK):
        try:
            os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        except OSError:
            copy = os.path.join(tempfile.mkdtemp(prefix="prism-"), "prism")
            shutil.copyfile(path, copy)
            os.chmod(copy, 0o755)
            return copy
    return path


def widen(*pipes) -> None:
    """Lets pipes hold whole frames, where the system allows it: a map in one go and not in two."""
    for pipe in pipes:
        with contextlib.suppress(OSError, AttributeError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE)


class Worker:
    """A running worker that has said hello.

    One thread reads the answers, so that neither side waits for the other with a full pipe; there are never more answers
    than requests in flight, which their sender bounds. Whoever makes one meets WorkerDied where somebody kills it before its
    hello, and RunError where it has a reason of its own to end.
    """

    def __init__(self, options: WorkerOptions):
        self._options = options
        self._answers: queue.SimpleQueue = queue.SimpleQueue()
        self._complaints: collections.deque[str] = collections.deque(maxlen=20)
        try:
            self._process = subprocess.Popen(
                options.command(), env=options.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise RunError(f"the worker cannot be started: {error}") from error
        widen(self._process.stdin, self._process.stdout)
        self._threads = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._listen, daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        try:
            # To open a model may take longer than an input.
            self.hello, _ = self.receive(max(60, options.patience))
        except WorkerDied as error:
            if self._process.returncode < 0:
                raise
            raise RunError(f"the worker did not start: {error}") from error
        if self.hello.get("kind") != "hello" or self.hello.get("protocol") not in protocol.VERSIONS:
            self.kill()
            raise RunError(
                f"the worker speaks protocol {self.hello.get('protocol')}, not {' or '.join(map(str, protocol.VERSIONS))}: "
                "install a Prism that belongs to this package"
            )

    @property
    def ahead(self) -> int:
        """How many requests the worker holds without an answer."""
        return max(1, int(self.hello.get("ahead", 1)))

    def prepared(self, request: dict) -> dict:
        """The one form of a request, or the reason why the worker does not take it."""
        try:
            self.send({"kind": "prepare", "id": "request", "request": request})
            answer, _ = self.receive()
        except WorkerDied as error:
            raise RunError(str(error)) from error
        if answer.get("kind") != "prepared":
            raise RunError(str(answer.get("error", f"the worker answered {answer.get('kind')}")))
        return answer["request"]

    @property
    def identifier(self) -> int:
        """The number of the process."""
        return self._process.pid

    def send(self, header: dict, payload: bytes = b"") -> None:
        """Sends a request."""
        try:
            protocol.write(self._process.stdin, header, payload)
        except (OSError, ValueError) as error:
            raise self._death() from error

    def receive(self, patience: float | None = None) -> tuple[dict, bytes]:
        """The next answer; `patience` is how many seconds it may take, the options' unless given."""
        patience = patience or self._options.patience
        try:
            answer = self._answers.get(timeout=patience)
        except queue.Empty:
            self.kill()
            raise WorkerDied(f"the worker said nothing for {patience:g} s") from None
        if answer is None:
            raise self._death()
        return answer

    def close(self) -> None:
        """Ends the worker when it has done what it was asked."""
        try:
            protocol.write(self._process.stdin, {"kind": "end"})
            self._process.stdin.close()
            self._process.wait(timeout=30)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            pass
        self.kill()

    def kill(self) -> None:
        """Ends the worker at once."""
        self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join(timeout=5)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            try:
                stream.close()
            except OSError:
                pass

    def _read(self) -> None:
        try:
            while answer := protocol.read(self._process.stdout):
                self._answers.put(answer)
        except (protocol.BrokenStream, OSError, ValueError) as error:
            self._complaints.append(f"its answers are broken: {error}")
        self._answers.put(None)

    def _listen(self) -> None:
        try:
            for line in self._process.stderr:
                self._complaints.append(line.decode(errors="replace").strip())
        except (OSError, ValueError):
            pass

    def _death(self) -> WorkerDied:
        self.kill()
        status = self._process.returncode
        ending = f"signal {-status}" if status < 0 else f"status {status}"
        return WorkerDied("; ".join([f"the worker ended with {ending}", *list(self._complaints)[-2:]]))
