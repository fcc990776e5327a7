"""What the tests share: folders of inputs, and runs with the stand-in."""

import contextlib
import hashlib
import io
import os
import pathlib
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOOLS))
STAND_IN = str(TOOLS / "tests" / "stand_in.py")

from prism_distributed.cli import main
from prism_distributed.run import Run


class Folder(unittest.TestCase):
    """A folder of its own."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.inputs = self.folder / "in"
        self.inputs.mkdir()

    def fill(self, count: int, **special: bytes) -> None:
        """Files 000.png and so on; `special` gives some of them other contents, by `f003`."""
        for number in range(count):
            contents = special.get(f"f{number:03}", f"picture {number}".encode())
            (self.inputs / f"{number:03}.png").write_bytes(contents)

    def command(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, standard output and standard error."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main([str(argument) for argument in arguments])
        return status, out.getvalue(), err.getvalue()

    def explain(self, engine: str, output: str, *more: str, source: str | None = None) -> tuple[int, str, str]:
        return self.command(
            engine, "--input", source or self.inputs, "--model", "m", "--prism", STAND_IN, "--methods", "gradcam,lime:samples=20",
            "--shard-size", "5", "--output", self.folder / output, *more,
        )  # fmt: skip

    def run_of(self, output: str) -> Run:
        return Run(str(self.folder / output))

    def rows(self, output: str) -> list[dict]:
        import pyarrow.parquet as parquet

        run = self.run_of(output)
        return [row for shard in range(run.shards) for row in parquet.read_table(run.data_path(shard)).to_pylist()]

    def contents(self, output: str) -> dict[str, str]:
        """The digests of all results and of what says that they are done."""
        place = self.folder / output
        paths = sorted([*place.glob("shards/*"), *place.glob("done/*"), *place.glob("pictures/*")])
        return {str(path.relative_to(place)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@contextlib.contextmanager
def environment(**values: str):
    """Sets variables for a while; workers inherit them."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
