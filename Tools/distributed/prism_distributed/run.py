"""A run on disk: what is to be done, divided into shards, and what is done.

    OUTPUT/manifest.json       what the results depend on, and how many shards there are
    OUTPUT/inputs.jsonl        all inputs in the order of their addresses (as bytes), each with its shard
    OUTPUT/inputs.index.json   where the lines of each shard begin
    OUTPUT/shards/IIIII.parquet, OUTPUT/done/IIIII.json

A shard is done when its file in `done` is there, which names the SHA-256 of the data. Every file is written aside, synced
and renamed; what was written first is known to be whole when the next one is there.
"""

import dataclasses
import hashlib
import json
import os
import pathlib
import socket
from collections.abc import Iterable

from . import files, sources
from .errors import RunError
from .worker import WorkerOptions

VERSION = 1
#: What the file of a finished shard says, whoever wrote it.
RECORDED = {"shard", "rows", "sha256", "failed"}
ORDER = "sorted by address (UTF-8 bytes)"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a finished shard tells the driver."""

    shard: int
    inputs: int
    rows: int
    #: Inputs that no method has explained.
    failed: int
    #: Forward passes, as the documents count them.
    evaluations: int
    #: From the shard's first input to its last file; shards overlap.
    seconds: float
    #: Seconds of the explanations alone, as the worker counts them.
    explaining: float
    node: str = ""
    #: Whether an earlier attempt had done it already.
    known: bool = False
    #: Bytes of the data.
    size: int = 0

    def json(self) -> str:
        return files.canonical(dataclasses.asdict(self))

    @classmethod
    def of(cls, text: str) -> "Outcome":
        return cls(**json.loads(text))


def unexplained(failed: list[dict]) -> list[dict]:
    """Of what failed, the inputs that no method has explained; a method that failed alone is another thing."""
    return [failure for failure in failed if not failure.get("method")]


def _check_doubles(source: sources.Source, entries: dict[bytes, list | None], doubles: list[tuple[bytes, list | None]]) -> None:
    """Refuses inputs that have one address and are not the same bytes: one of them would never be explained."""
    wanted = doubles + [(key, entries[key]) for key in {key for key, _ in doubles}]
    digests = {}
    # In the order of their places, in which sources read quickly.
    for key, place in sorted(wanted, key=lambda item: item[1] or []):
        try:
            digest = hashlib.sha256(source.read({"address": key.decode(), "at": place})).digest()
        except Exception as error:  # noqa: BLE001 (stores raise errors of their own)
            digest = str(error)
        digests[key, tuple(place or [])] = digest
    for key, place in doubles:
        if digests[key, tuple(place or [])] != digests[key, tuple(entries[key] or [])]:
            first, second = source.place(entries[key]), source.place(place)
            raise RunError(
                f"two inputs are called {key.decode()} and differ, {first} and {second}: give them names of their own"
            )


class Run:
    """A folder with a manifest."""

    def __init__(self, folder: str):
        """Opens a run."""
        self.folder = os.path.abspath(folder)
        try:
            self.manifest = files.read_json(self.path("manifest.json"))
        except FileNotFoundError:
            raise RunError(f"{folder} has no manifest.json: no run has been planned there") from None
        if self.manifest.get("version") != VERSION:
            raise RunError(f"{folder} is a run of version {self.manifest.get('version')}, not {VERSION}")
        self.source = sources.from_specification(self.manifest["source"])
        self._index: list[int] | None = None

    def path(self, *parts: str) -> str:
        return os.path.join(self.folder, *parts)

    @classmethod
    def is_planned(cls, folder: str) -> bool:
        return os.path.exists(os.path.join(folder, "manifest.json"))

    @classmethod
    def plan(
        cls, folder: str, source: sources.Source, hello: dict, request: dict, maps: str, pictures: bool, shard_size: int
    ) -> "Run":
        """Lists the inputs and writes the manifest.

        `hello` is what a worker says of itself, `request` what is asked of every input in its one form.
        """
        # Everything is sorted in memory, so that little is kept of an input: its address, and its place where it has one.
        entries: dict[bytes, list | None] = {}
        doubles: list[tuple[bytes, list | None]] = []
        for entry in source.entries(hello["model"]["kind"]):
            try:
                key, place = entry["address"].encode(), entry.get("at")
            except UnicodeEncodeError:
                raise RunError(f"the name {entry['address']!r} is no UTF-8: rename the file") from None
            if entries.setdefault(key, place) != place:
                doubles.append((key, place))
        _check_doubles(source, entries, doubles)
        if not entries:
            raise RunError("there are no inputs: --input has nothing that the model takes")
        count = len(entries)
        shards = -(-count // shard_size)
        # As many shards as the division by the size of the first ones gives.
        size = -(-count // shards)
        shards = -(-count // size)
        for part in ("shards", "done", *(["pictures"] if pictures else [])):
            os.makedirs(os.path.join(folder, part), exist_ok=True)
        index = [0]
        with files.WholeFile(os.path.join(folder, "inputs.jsonl")) as file:
            for number, key in enumerate(sorted(entries)):
                if number and number % size == 0:
                    index.append(file.size)
                entry = {"address": key.decode(), "shard": number // size}
                if entries[key] is not None:
                    entry["at"] = entries[key]
                file.write((files.canonical(entry) + "\n").encode())
            index.append(file.size)
        digest = file.sha256
        files.write_json(os.path.join(folder, "inputs.index.json"), index)
        manifest = {
            "version": VERSION,
            "prism": hello["prism"],
            "instructions": hello.get("instructions"),
            "model": {key: hello["model"].get(key) for key in ("name", "digest")},
            "request": request,
            "maps": maps,
            "pictures": pictures,
            "shards": shards,
            "inputs": count,
            "order": ORDER,
            "list": digest,
            "source": source.specification,
        }
        files.write_json(os.path.join(folder, "manifest.json"), manifest)
        return cls(folder)

    def check(self, hello: dict) -> None:
        """Refuses a worker whose results would be others."""
        asked = self.manifest
        told = (hello["prism"], hello["model"]["digest"])
        wanted = (asked["prism"], asked["model"]["digest"])
        if told != wanted:
            raise RunError(
                f"this run is of Prism {wanted[0]} and the model {wanted[1][:12]}, and the worker is Prism {told[0]} with the model "
                f"{told[1][:12]}: take the same ones, or another folder for the results"
            )
        if hello.get("instructions") != asked.get("instructions"):
            raise RunError(
                f"this run is of the instruction set {asked.get('instructions')}, and a worker on {socket.gethostname()} computes "
                f"with {hello.get('instructions')}, whose last bits differ: take nodes that have the same, or another folder for "
                "the results"
            )

    def pinned(self, options: WorkerOptions) -> WorkerOptions:
        """The options of a worker that computes as the run was planned: the last bits differ between instruction sets."""
        _, _, name = (self.manifest.get("instructions") or "").partition(" ")
        return dataclasses.replace(options, instructions=name or None)

    def check_request(self, request: dict, maps: str, pictures: bool) -> None:
        """Refuses to go on with another request."""
        kept = {**self.manifest["request"], "maps": self.manifest["maps"], "figures": self.manifest["pictures"]}
        given = {**request, "maps": maps, "figures": pictures}
        differing = sorted(name for name in {*kept, *given} if kept.get(name) != given.get(name))
        if differing:
            raise RunError(
                f"{self.folder} holds a run with other choices ({', '.join(differing)}): ask for the same, or take another folder"
            )

    def check_source(self, source: sources.Source) -> None:
        """Refuses to go on with other inputs; they are not listed again."""
        given, kept = source.specification, self.manifest["source"]
        # Columns that nobody names were found when the inputs were listed.
        if any(kept.get(key) != value for key, value in given.items() if value is not None):
            raise RunError(f"{self.folder} holds a run of other inputs: name the same ones, or take another folder")

    @property
    def shards(self) -> int:
        return self.manifest["shards"]

    def shard_name(self, shard: int) -> str:
        return f"{shard:05}"

    def data_path(self, shard: int) -> str:
        return self.path("shards", f"{self.shard_name(shard)}.parquet")

    def done_path(self, shard: int) -> str:
        return self.path("done", f"{self.shard_name(shard)}.json")

    def is_done(self, shard: int) -> bool:
        return os.path.exists(self.done_path(shard))

    def done_shards(self) -> set[int]:
        """The shards that are done, by the names of files alone."""
        with os.scandir(self.path("done")) as entries:
            return {int(entry.name[:-5]) for entry in entries if entry.name.endswith(".json")}

    def remaining(self) -> list[int]:
        done = self.done_shards()
        return [shard for shard in range(self.shards) if shard not in done]

    def entries(self, shard: int) -> list[dict]:
        """The inputs of a shard, read from its part of the list alone."""
        if self._index is None:
            self._index = files.read_json(self.path("inputs.index.json"))
        start, end = self._index[shard : shard + 2]
        with open(self.path("inputs.jsonl"), "rb") as file:
            file.seek(start)
            try:
                return [json.loads(line) for line in file.read(end - start).splitlines()]
            except ValueError as error:
                raise RunError(f"{file.name} is damaged ({error}): plan the run anew, in another folder") from error

    def done(self) -> Iterable[dict]:
        """What the files of finished shards say, in order."""
        for shard in sorted(self.done_shards()):
            yield self.record(shard)

    def record(self, shard: int) -> dict:
        """What the file of a finished shard says."""
        path = self.done_path(shard)
        advice = "remove it, and the same command does the shard again"
        record = files.read_json(path, advice)
        if not isinstance(record, dict) or not RECORDED <= record.keys():
            raise RunError(f"{path} is damaged: {advice}")
        if "maps" in record:
            raise RunError(
                f"shard {shard} of {self.folder} was done by prism shard, which writes other files: prism_distributed collect "
                "makes them Parquet"
            )
        return record

    def verify(self) -> list[str]:
        """What is wrong with the files of a run, each in a line: missing shards, other contents than were noted."""
        wrong = [f"shard {shard} is not done" for shard in self.remaining()]
        for record in self.done():
            shard = record["shard"]
            for path, noted in self._parts(record):
                try:
                    with open(path, "rb") as file:
                        told = hashlib.file_digest(file, "sha256").hexdigest()
                except FileNotFoundError:
                    told = "none"
                if told != noted:
                    wrong.append(f"shard {shard}: {os.path.basename(path)} is not what was written")
        return wrong

    def _parts(self, record: dict):
        yield self.data_path(record["shard"]), record["sha256"]
        if "pictures" in record:
            yield self.pictures_path(record["shard"]), record["pictures"]

    def pictures_path(self, shard: int) -> str:
        return self.path("pictures", f"{self.shard_name(shard)}.parquet")

    def clear(self) -> None:
        """Removes what killed attempts have left beside the files; nobody else may be at work."""
        for part in (".", "shards", "done", "pictures"):
            for path in pathlib.Path(self.path(part)).glob("*.part"):
                path.unlink(missing_ok=True)
