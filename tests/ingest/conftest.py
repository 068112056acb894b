"""The fixture that the tests of ingest share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from ingest_samples import LOADERS, Kept

from graphcorr.ingest.delivery import Delivered
from graphcorr.ingest.loader import Loader
from graphcorr.ingest.report import ReadReport
from graphcorr.ingest.run import ReadOptions, read_logs

Read = Callable[..., tuple[list[Delivered], ReadReport]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads bytes (written to a file without a telling name) or paths with the loaders of these tests."""

    def run(
        *inputs: bytes | Path | str,
        options: ReadOptions | None = None,
        loaders: Sequence[Loader] | None = LOADERS,
        name: str = "input",
    ) -> tuple[list[Delivered], ReadReport]:
        paths: list[str | Path] = []
        for place, given in enumerate(inputs):
            if isinstance(given, bytes):
                path = tmp_path / f"{place}" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(given)
                paths.append(path)
            else:
                paths.append(given)
        sink = Kept()
        report = read_logs(paths, sink, options, registry=loaders)
        return sink.all, report

    return run
