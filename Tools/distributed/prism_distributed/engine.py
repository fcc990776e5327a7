"""What engines are told, and how shards are put together for them."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class EngineOptions:
    """Choices of an engine; no result depends on them."""

    #: How many workers; None for as many as the processors allow.
    workers: int | None = None
    #: Ray's address or Spark's master; None for an engine on this machine.
    address: str | None = None
    #: Whether the program and the model are sent to the nodes with the package.
    ship: bool = False
    #: Whether the engine shows its own progress bars.
    bars: bool = False
    #: Further settings of the engine, by name.
    settings: tuple[tuple[str, str], ...] = ()


def grouped(shards: list[int], workers: int) -> list[list[int]]:
    """Shards in groups that an engine hands out at once.

    Within a group no worker waits at the end of a shard. There are at least 16 groups a worker, so that at the end few
    wait for the last one, and a group has at most 8 shards, so that little is looked at again when one is lost.
    """
    size = max(1, min(8, len(shards) // (16 * workers)))
    return [shards[start : start + size] for start in range(0, len(shards), size)]
