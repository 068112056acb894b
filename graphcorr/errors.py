"""Errors that say what was found, where, and what to do. Leftmost module: everything may import it."""

from __future__ import annotations


class GraphcorrError(Exception):
    """Base of every expected failure: one line for a person, and the exit code of the command line.

    `where` is a file with an optional line (`auth.csv:12`), `hint` says what to do next.
    """

    exit_code = 70

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        located = f"{self.where}: {self.message}" if self.where else self.message
        return f"{located} ({self.hint})" if self.hint else located


class UsageError(GraphcorrError):
    """The command or call itself is wrong: an unknown option, key or value."""

    exit_code = 2


class ConfigError(UsageError):
    """`graphcorr.toml` holds something that is not understood."""


class InputError(GraphcorrError):
    """Nothing could be read from what was given."""

    exit_code = 3


class RecordError(GraphcorrError):
    """One record cannot be understood. It is counted and skipped; the load goes on."""

    exit_code = 3


class PatternError(GraphcorrError):
    """A pattern file is not valid."""

    exit_code = 4


class StoreError(GraphcorrError):
    """The graph store cannot be opened, reached, read or written."""

    exit_code = 5


class OverLimit(StoreError):
    """One statement needs more memory or time than the store gives it. The store is well, and smaller ones may pass."""


class LockedError(GraphcorrError):
    """Another run holds the home."""

    exit_code = 6
