"""`graphcorr calibrate`: how often links by time are right, where token ids can tell."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from graphcorr.cli.shared import Command, Options, format_option, pass_options

if TYPE_CHECKING:
    from graphcorr.calibrate import Calibration, Measure, Uncalibrated


@click.command(cls=Command)
@format_option
@pass_options
def calibrate(options: Options, form: str) -> None:
    """Hide the token ids of events whose sign-in is known by them, link by time instead, and compare.

    Shows by resource, caller, basis and number of candidates how many links by time are right, and whether the words
    high, medium and low deserve their names in these logs. Resources whose records carry no token ids cannot be
    measured and are named. Changes nothing.

    \b
    Example:  graphcorr calibrate
              graphcorr calibrate --format csv > calibration.csv
    """
    from graphcorr.calibrate import calibrate as measure
    from graphcorr.cli.progress import shown_progress

    with shown_progress(options) as progress:
        result = measure(
            home=options.home,
            config=options.configuration(),
            progress=progress,
            lock_timeout=options.lock_timeout,
            waiting=options.waiting,
        )
    _show(result, form)


def _show(result: Calibration, form: str) -> None:
    from graphcorr.calibrate import ALL, ENOUGH_TOKENS, HIGH, MEDIUM
    from graphcorr.cli.tables import show_json, show_table

    if form == "json":
        show_json(
            {
                "thresholds": {"high": HIGH, "medium": MEDIUM, "tokens": ENOUGH_TOKENS},
                "measures": [_document(measure) for measure in result.measures],
                "uncalibrated": [asdict(each) for each in result.uncalibrated],
            }
        )
        return
    table = result.to_table()
    shown = [tuple(f"{cell:.3f}" if isinstance(cell, float) else cell for cell in row) for row in table.rows]
    show_table(table.columns, shown, form)
    if form == "text":
        click.echo()
        for measure in result.measures:
            if measure.resource == ALL and measure.confidence is not None:
                click.echo(_sentence(measure))
        for each in result.uncalibrated:
            click.echo(_unmeasured(each))
        click.echo(
            f"A word is deserved where at least {HIGH:.0%} (high) or {MEDIUM:.0%} (medium) of the links are right, "
            f"judged from {ENOUGH_TOKENS} tokens on; low promises nothing."
        )


def _sentence(measure: Measure) -> str:
    word = f"`{measure.confidence}` by {measure.basis}, {measure.caller}s, candidates {measure.candidates}"
    share = f"{measure.right:,} of {measure.links:,} links ({measure.tokens:,} tokens) are right"
    return f"{word}: {share}: {measure.verdict}"


def _unmeasured(each: Uncalibrated) -> str:
    linked = f"{each.links:,} of {each.events:,} events are linked by time"
    return f"{each.resource}, {each.caller}s: uncalibrated, its records carry no token ids ({linked})"


def _document(measure: Measure) -> dict[str, object]:
    derived = {
        "precision": measure.precision,
        "recall": measure.recall,
        "earned": measure.earned,
        "verdict": measure.verdict,
    }
    return {**asdict(measure), **derived}
