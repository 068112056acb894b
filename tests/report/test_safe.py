"""Hostile text in outputs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from graphcorr.report.safe import csv_cell, printable


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        ("contoso-billing-sync", "contoso-billing-sync"),
        ("Büro 東京 🔑", "Büro 東京 🔑"),
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("one\r\ntwo\t", r"one\r\ntwo\t"),
        ("exe\u202egpj.\u200b", r"exe\u202egpj.\u200b"),
        ("\x9b31m", r"\x9b31m"),
        ("\ud800", r"\ud800"),
        ("a\u2028b", r"a\u2028b"),
        ("[red]not markup[/red]", "[red]not markup[/red]"),
    ],
)
def test_printable_shows_what_a_terminal_would_act_on(value: str | None, shown: str) -> None:
    assert printable(value) == shown


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (True, "true"),
        (-5, "-5"),
        ("=1+1", "'=1+1"),
        ("+cmd", "'+cmd"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("\t=1", "'\\t=1"),
        ("＝1", "'＝1"),
        ("plain, with comma", "plain, with comma"),
        (datetime(2026, 5, 11, 8, tzinfo=UTC), "2026-05-11T08:00:00.000Z"),
        (("a", "b"), "a b"),
        ({"b": 1, "a": "x"}, '{"a": "x", "b": 1}'),
    ],
)
def test_csv_cells_are_never_formulas(value: object, cell: str) -> None:
    assert csv_cell(value) == cell
