"""Which loaders exist: every module of the `loaders/` folder and of the user's own folders, found by looking."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from functools import lru_cache
from pathlib import Path
from types import ModuleType

import graphcorr.loaders
from graphcorr.errors import ConfigError
from graphcorr.ingest.detect import indexes
from graphcorr.ingest.loader import Carrier, Loader
from graphcorr.records import Record

_USER_PACKAGE = "graphcorr_user_loaders"
LOADER_PACKAGES = (f"{graphcorr.loaders.__name__}.", f"{_USER_PACKAGE}.")

# What a file with a mistake in it raises on import.
_BROKEN = (ImportError, SyntaxError, NameError, AttributeError, TypeError, ValueError, LookupError, OSError)


def all() -> tuple[Loader, ...]:  # noqa: A001 - reads as registry.all()
    """The loaders that come with graphcorr, by file name. ConfigError names a broken file and the reason."""
    return discover()


@lru_cache(maxsize=8)
def discover(folders: tuple[Path, ...] = ()) -> tuple[Loader, ...]:
    """The loaders that come with graphcorr, then those in the user's folders, by file name.

    ConfigError if a file cannot be imported or has no sound `LOADER`, or two loaders read the same source, category or
    table or the log of one service.
    """
    found = [_bundled(name) for place in graphcorr.loaders.__path__ for name in _modules(Path(place))]
    found += [_from_file(folder / f"{name}.py") for folder in folders for name in _modules(folder)]
    by_source: dict[str, str] = {}
    for where, loader in found:
        if loader.source in by_source:
            raise ConfigError(
                f"two loaders for {loader.source}: {by_source[loader.source]} and {where}",
                hint="each source has one loader; give the new one another `source` or remove it",
            )
        by_source[loader.source] = where
    loaders = tuple(loader for _, loader in found)
    indexes(loaders)
    by_app_id: dict[str, str] = {}
    for where, loader in found:
        for service in loader.services:
            if by_app_id.setdefault(service.app_id, where) != where:
                raise ConfigError(
                    f"two loaders for the service {service.app_id}: {by_app_id[service.app_id]} and {where}"
                )
    return loaders


def _modules(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise ConfigError("not a folder of loaders", where=str(folder))
    return sorted(module.name for module in pkgutil.iter_modules([str(folder)]) if not module.ispkg)


def _bundled(name: str) -> tuple[str, Loader]:
    full_name = f"graphcorr.loaders.{name}"
    try:
        module = importlib.import_module(full_name)
    except _BROKEN as error:
        raise _broken(f"loaders/{name}.py", error) from error
    return _loader_of(module, f"loaders/{name}.py")


def _from_file(path: Path) -> tuple[str, Loader]:
    full_name = f"{_USER_PACKAGE}.{path.parent.name}.{path.stem}"
    spec = importlib.util.spec_from_file_location(full_name, path)
    if spec is None or spec.loader is None:
        raise ConfigError("not a Python file", where=str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[full_name] = module  # frozen dataclasses and typed Structs look their module up
    try:
        spec.loader.exec_module(module)
    except _BROKEN as error:
        del sys.modules[full_name]
        raise _broken(str(path), error) from error
    return _loader_of(module, str(path))


def _loader_of(module: ModuleType, where: str) -> tuple[str, Loader]:
    loader = getattr(module, "LOADER", None)
    if not isinstance(loader, Loader):
        raise ConfigError(
            "no LOADER in this file",
            where=where,
            hint="a loader file ends with LOADER = Loader(...), see loaders/README.md",
        )
    if not (isinstance(loader.record, type) and issubclass(loader.record, Record)):
        raise ConfigError("LOADER.record is no record class", where=where, hint="use a class of graphcorr.records")
    if not loader.parse or not (set(loader.parse) | set(loader.claims) | set(loader.known)) <= set(Carrier):
        raise ConfigError("LOADER.parse, claims and known take members of Carrier as keys", where=where)
    for name in ("claims", "known", "short_cuts"):
        without = sorted(set(getattr(loader, name)) - set(loader.parse))
        if without:
            raise ConfigError(f"LOADER.{name} has {', '.join(without)}, which LOADER.parse does not read", where=where)
    for name in ("categories", "tables"):
        if isinstance(getattr(loader, name), str):
            raise ConfigError(f"LOADER.{name} is a text, not a tuple of texts", where=where, hint="add a comma")
    return where, loader


def _broken(where: str, error: BaseException) -> ConfigError:
    line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
    return ConfigError(f"broken loader: {type(error).__name__}: {error}{line}", where=where)
