"""Deliveries: records and how they came, one by one or many at a time. What ingest hands to a sink."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from graphcorr.ingest.columns import completed, records_of
from graphcorr.ingest.loader import Carrier, ShortCut
from graphcorr.records import Record

if TYPE_CHECKING:
    import pyarrow as pa


class Delivered(msgspec.Struct, frozen=True, gc=False):
    """A record and how it came."""

    # A Record; in a series, what its short cut decoded.
    record: Any
    carrier: Carrier
    # The original record, secrets redacted: bytes of the file, or for CSV and query rows a JSON object.
    raw: bytes
    # blake2b with 16 bytes over `raw`, hexadecimal.
    raw_hash: str
    raw_size: int
    # As given, with the part of an archive: `logs.zip!inner/PT1H.json`.
    file: str
    # Line where the record starts, from 1.
    line: int
    path_tenant_id: str | None
    given_tenant_id: str | None


class Series(msgspec.Struct, frozen=True):
    """Deliveries of one log in file order whose records are not made one by one: they become columns together."""

    short_cut: ShortCut
    record: type[Record]
    items: list[Delivered]

    def columns(self) -> pa.Table:
        """The records as columns."""
        made = self.short_cut.columns([item.record for item in self.items])
        return completed(self.record, made, len(self.items))

    def __iter__(self) -> Iterator[Delivered]:
        records = records_of(self.record, self.columns())
        for item, record in zip(self.items, records, strict=True):
            yield msgspec.structs.replace(item, record=record)


class Batch:
    """Some thousand deliveries, all kinds mixed. Iterating gives each with its record, in file order."""

    def __init__(self, pieces: Iterable[Delivered | Series] = ()) -> None:
        # In file order.
        self.pieces = list(pieces)

    def __len__(self) -> int:
        return sum(len(piece.items) if isinstance(piece, Series) else 1 for piece in self.pieces)

    def __iter__(self) -> Iterator[Delivered]:
        for piece in self.pieces:
            if isinstance(piece, Series):
                yield from piece
            else:
                yield piece

    @property
    def single(self) -> list[Delivered]:
        """The deliveries that stand in no series."""
        return [piece for piece in self.pieces if isinstance(piece, Delivered)]

    @property
    def series(self) -> list[Series]:
        """All series of one short cut as one: columns cost little for many records and much for few."""
        joined: dict[ShortCut, Series] = {}
        for piece in self.pieces:
            if isinstance(piece, Series):
                series = joined.setdefault(piece.short_cut, Series(piece.short_cut, piece.record, []))
                series.items.extend(piece.items)
        return list(joined.values())
