"""Many small loads of one day leave few files, and the same archive."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path

from graphcorr.archive.archive import Archive
from graphcorr.home import Home
from graphcorr.load import load

_LOG = "diagnostic-export/insights-logs-serviceprincipalsigninlogs.jsonl"


def test_files_of_hourly_loads_are_merged(constructed: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(importlib.import_module("graphcorr.load"), "FILES_A_DAY", 3)
    lines = (constructed / _LOG).read_bytes().splitlines(keepends=True)
    for number, line in enumerate(lines):
        (tmp_path / f"{number}.jsonl").write_bytes(line)
        load([tmp_path / f"{number}.jsonl"], home=tmp_path / "pieces", archive_only=True)
    load([constructed / _LOG], home=tmp_path / "whole", archive_only=True)
    pieces, whole = (Archive(Home(tmp_path / name).archive_dir) for name in ("pieces", "whole"))
    assert max(Counter(Path(file).parent for file in pieces.files("sign_ins")).values()) <= 3
    assert len(list(Path(pieces.files("sign_ins")[0]).parent.glob("*.parquet"))) <= 3
    for event in {line.split(b'"id":"')[1][:36].decode() for line in lines}:
        found, expected = ({e.raw_hash for e in archive.evidence(event)} for archive in (pieces, whole))
        assert found == expected != set()
