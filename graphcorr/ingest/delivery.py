"""Deliveries: records and how they came, many at a time. What ingest hands to a sink."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise, repeat
from typing import TYPE_CHECKING, Any

import msgspec

from graphcorr.ingest.columns import completed, records_of, table_of
from graphcorr.ingest.loader import Carrier, ShortCut
from graphcorr.records import Record

if TYPE_CHECKING:
    import pyarrow as pa


class Delivered(msgspec.Struct, frozen=True, gc=False):
    """A record and how it came."""

    record: Record
    carrier: Carrier
    # The original record, secrets redacted: bytes of the file, or for CSV and query rows a JSON object.
    raw: bytes
    # `readers.hash_of(raw)`.
    raw_hash: str
    # As given, with the part of an archive: `logs.zip!inner/PT1H.json`.
    file: str
    # Line where the record starts, from 1.
    line: int
    path_tenant_id: str | None
    given_tenant_id: str | None

    @property
    def raw_size(self) -> int:
        return len(self.raw)


class Run(msgspec.Struct, gc=False):
    """Deliveries of one class and carrier that follow each other in a file; its fields are those of `Delivered`."""

    record: type[Record]
    # None: `contents` are records; else they are what it decoded, and become columns together.
    short_cut: ShortCut | None
    carrier: Carrier
    file: str
    path_tenant_id: str | None
    given_tenant_id: str | None
    contents: list[Any]
    # A column from the start: copied while the bytes are in the processor's caches, and their memory used again.
    raws: pa.BinaryArray
    hashes: list[str]
    lines: list[int]

    def __len__(self) -> int:
        return len(self.lines)

    def pieces(self, first: int, others: int) -> Iterator[Run]:
        """The same deliveries, at most `first` of them in the first piece and `others` in each other."""
        if len(self) <= first:
            yield self
            return
        for start, end in pairwise([0, *range(first, len(self), others), len(self)]):
            yield msgspec.structs.replace(
                self,
                contents=self.contents[start:end],
                raws=self.raws[start:end],
                hashes=self.hashes[start:end],
                lines=self.lines[start:end],
            )

    def __iter__(self) -> Iterator[Delivered]:
        records = self.contents if self.short_cut is None else records_of(self.record, columns_of((self,)))
        raws = self.raws.to_pylist()
        same = map(repeat, (self.path_tenant_id, self.given_tenant_id))
        yield from map(
            Delivered, records, repeat(self.carrier), raws, self.hashes, repeat(self.file), self.lines, *same
        )


def columns_of(runs: Sequence[Run]) -> pa.Table:
    """The records of runs that became alike, as columns: of one class, and of one short cut if of any."""
    record, short_cut = runs[0].record, runs[0].short_cut
    contents = list(chain.from_iterable(run.contents for run in runs))
    if short_cut is None:
        return table_of(record, contents)
    return completed(record, short_cut.columns(contents), len(contents))


class Batch:
    """Some thousand deliveries, all kinds mixed. Iterating gives each with its record, run by run."""

    def __init__(self, runs: Iterable[Run]) -> None:
        self.runs = list(runs)

    def __len__(self) -> int:
        return sum(map(len, self.runs))

    def __iter__(self) -> Iterator[Delivered]:
        return chain.from_iterable(self.runs)

    def alike(self) -> list[list[Run]]:
        """The runs that become columns together: that costs little for many records and much for few."""
        found: dict[type[Record] | ShortCut, list[Run]] = defaultdict(list)
        for run in self.runs:
            found[run.short_cut or run.record].append(run)
        return list(found.values())
