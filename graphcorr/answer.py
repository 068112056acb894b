"""From files to a scan in one step, in a home that is thrown away: how the cases of patterns are run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from graphcorr.config import Config, parse_config
from graphcorr.load import load
from graphcorr.scan import ScanDocument, scan
from graphcorr.stores import StoreChoice


def answering(
    *, only: Sequence[str] | None = None, pattern_dirs: Sequence[Path] = (), store: StoreChoice = "embedded"
) -> Callable[[Mapping[str, bytes], str | None], ScanDocument]:
    """What `patterns.cases.run_cases` calls: files (name → content) and the text of a graphcorr.toml → scan document.

    `only` and `pattern_dirs` as in `scan`.
    """

    def answer(files: Mapping[str, bytes], config: str | None) -> ScanDocument:
        declared = Config() if config is None else parse_config(config)
        with TemporaryDirectory(prefix="graphcorr-") as folder:
            logs, home = Path(folder) / "logs", Path(folder) / "home"
            for name, content in files.items():
                (logs / name).parent.mkdir(parents=True, exist_ok=True)
                (logs / name).write_bytes(content)
            load([logs], home=home, config=declared, store=store)
            return scan(home=home, config=declared, store=store, patterns=only, pattern_dirs=pattern_dirs)

    return answer
