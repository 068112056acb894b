"""Where content lives: `loaders/` and `cypher/` beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def content_dir(kind: str) -> Path:
    """The folder `loaders` or `cypher`, in a wheel, an sdist install, an editable install and a bare checkout.

    Asks whether the package carries its own content instead of looking for a checkout around it: installed
    with `--target` into someone's project, the package would otherwise run *their* `loaders/`.
    """
    packaged = (_PACKAGE / "cypher").is_dir()
    return (_PACKAGE if packaged else _PACKAGE.parent) / kind
