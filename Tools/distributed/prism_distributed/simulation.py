"""What a cluster would take: durations that were measured, on workers that fail, as an engine hands out shards."""

import dataclasses
import heapq
import random
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Cluster:
    """Workers and their faults."""

    workers: int = 1000
    #: Seconds until a worker has its process and its model.
    start: float = 5.0
    #: Seconds of a shard besides its inputs: handed out, written, synced, told.
    shard: float = 0.1
    #: Mean seconds between failures of a worker; None for never.
    between_failures: float | None = 24 * 3600.0
    #: Seconds until a failed worker is noticed, besides the start of another one: about what Ray's health checks take for a node.
    recovery: float = 25.0
    #: Standard deviation of the workers' speeds around one.
    spread: float = 0.05


@dataclasses.dataclass(frozen=True)
class Prediction:
    """How it went."""

    #: Seconds of all inputs.
    work: float
    #: Seconds until the last shard is done.
    makespan: float
    #: Work over makespan and workers: 1 is linear.
    efficiency: float
    #: Workers that failed at a shard.
    failures: int
    #: Seconds of work that were done again.
    lost: float
    shards: int


def shards_of(inputs: int, workers: int, measured: Sequence[float], seconds: float = 60) -> int:
    """Inputs of a shard: at most about `seconds` of work, and at least 50 shards a worker where there are as many inputs."""
    mean = sum(measured) / len(measured)
    return max(1, min(round(seconds / mean), inputs // (50 * workers)))


def simulate(durations: Sequence[float], size: int, cluster: Cluster, seed: int = 0) -> Prediction:
    """Hands out shards of `size` inputs in order, each to the worker that is free first; a shard that fails is done again."""
    draw = random.Random(seed)
    work = [sum(durations[start : start + size]) for start in range(0, len(durations), size)]
    speeds = [max(0.5, draw.gauss(1, cluster.spread)) for _ in range(cluster.workers)]

    def life() -> float:
        return draw.expovariate(1 / cluster.between_failures) if cluster.between_failures else float("inf")

    free = [(cluster.start, worker) for worker in range(cluster.workers)]
    heapq.heapify(free)
    deaths = [life() for _ in range(cluster.workers)]
    waiting = list(range(len(work) - 1, -1, -1))
    # A shard whose worker failed can be given to another one only when that is noticed.
    noticed: list[tuple[float, int]] = []
    failures, lost, end = 0, 0.0, 0.0
    while waiting or noticed:
        now, worker = heapq.heappop(free)
        if noticed and (noticed[0][0] <= now or not waiting):
            ready, shard = heapq.heappop(noticed)
            now = max(now, ready)
        else:
            shard = waiting.pop()
        finish = now + work[shard] / speeds[worker] + cluster.shard
        if deaths[worker] < finish:
            failed = max(deaths[worker], now)
            failures += 1
            lost += failed - now
            heapq.heappush(noticed, (failed + cluster.recovery, shard))
            back = failed + cluster.recovery + cluster.start
            deaths[worker] = back + life()
            heapq.heappush(free, (back, worker))
            continue
        end = max(end, finish)
        heapq.heappush(free, (finish, worker))
    total = sum(work)
    return Prediction(total, end, total / (end * cluster.workers), failures, lost, len(work))


@dataclasses.dataclass(frozen=True)
class Costs:
    """What one input takes, measured."""

    #: Processor seconds of an input.
    seconds: float
    #: Bytes of its rows in a file.
    stored: float
    #: Bytes that are read.
    read: float
    #: Bytes of its line in the list.
    listed: float
    #: Driver's seconds to list and sort an input.
    listing: float
    #: Driver's seconds a shard: handed out, told, noted.
    driver: float

    def table(self, inputs: int, workers: int, size: int, bandwidth: float) -> dict:
        """What `inputs` take on `workers` one-processor workers that share `bandwidth` bytes a second of storage."""
        shards = -(-inputs // size)
        compute = inputs * self.seconds / workers
        storage = inputs * (self.stored + self.read) / bandwidth
        listing, driver = inputs * self.listing, shards * self.driver
        parts = {"workers": compute, "storage": storage, "driver": driver, "listing": listing}
        return {
            "inputs": inputs, "workers": workers, "shards": shards, "processor hours": inputs * self.seconds / 3600,
            "seconds": listing + max(compute, storage, driver), "stored": inputs * self.stored, "list": inputs * self.listed,
            "shuffled": 0, "first bottleneck": max(parts, key=parts.get), "parts": parts,
        }  # fmt: skip
