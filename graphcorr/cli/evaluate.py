"""`graphcorr evaluate`: how well the patterns do where it is known what there is to find."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphcorr.cli.shared import Command, Options, format_option, note, pass_options

if TYPE_CHECKING:
    from graphcorr.evaluate import Evaluation, Score, Telling

_COLUMNS = (
    "kind", "id", "seconds", "expected", "met", "recall", "findings", "right", "precision", "recall if renamed",
    "leads", "undecided",
)  # fmt: skip


@click.command(cls=Command)
@click.argument("folder", metavar="FOLDER", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--pattern", "patterns", multiple=True, metavar="ID", help="Only this pattern; may be repeated.")
@click.option(
    "--patterns",
    "pattern_dirs",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="A folder of your own patterns, in addition; may be repeated.",
)
@click.option("--recall", type=click.FloatRange(0, 1), help="Exit with 1 if a pattern finds a smaller share.")
@click.option(
    "--precision", type=click.FloatRange(0, 1), help="Exit with 1 if a smaller share of its findings is right."
)
@format_option
@pass_options
def evaluate(
    options: Options,
    folder: Path,
    patterns: tuple[str, ...],
    pattern_dirs: tuple[Path, ...],
    recall: float | None,
    precision: float | None,
    form: str,
) -> int:
    """Run the patterns over data whose truth is known, and show what they missed and whom they accused falsely.

    FOLDER is what `graphcorr sample` wrote, or logs of your own: logs/, graphcorr.toml and truth.json. Beside the
    patterns stand public rules, among them the join by display name. Uses a home of its own unless --home names one.

    \b
    Example:  graphcorr evaluate ./sample
              graphcorr evaluate ./sample --recall 1 --precision 0.98
    """
    from graphcorr.cli.progress import shown_progress
    from graphcorr.evaluate import evaluate as judge

    with tempfile.TemporaryDirectory(prefix="graphcorr-") as scratch, shown_progress(options) as progress:
        home = options.home if "home" in options.given else Path(scratch) / "home"
        result = judge(
            folder,
            home,
            patterns=patterns or None,
            pattern_dirs=pattern_dirs,
            store=options.store,
            progress=progress,
        )
    _show(result, form)
    for pattern in result.not_in_pack:
        note(options, f"not in the pack, not judged: {pattern}")
    return 1 if any(_below(score, recall, precision) for score in result.patterns) else 0


def _below(score: Score, recall: float | None, precision: float | None) -> bool:
    found, right = score.recall, score.precision
    return (recall is not None and found is not None and found < recall) or (
        precision is not None and right is not None and right < precision
    )


def _show(result: Evaluation, form: str) -> None:
    from graphcorr.cli.tables import show_json, show_table

    if form == "json":
        show_json(
            {
                "version": 1,
                "patterns": [_document(score) for score in result.patterns],
                "baselines": [_document(score) for score in result.baselines],
                "stories": asdict(result.telling),
                "notInPack": list(result.not_in_pack),
            }
        )
        return
    rows = [*_rows("pattern", result.patterns), *_rows("public rule", result.baselines)]
    show_table(_COLUMNS, rows, form)
    if form == "csv":
        return
    missed = [(score.id, miss.subject, miss.story) for score in result.patterns for miss in score.missed]
    false = [
        (score.id, wrong.subject, wrong.why or "", wrong.sentence) for score in result.patterns for wrong in score.false
    ]
    click.echo()
    _show_telling(result.telling)
    if missed:
        click.echo()
        show_table(("missed by", "subject", "story"), missed)
    if false:
        click.echo()
        show_table(("false finding of", "subject", "innocent because", "sentence"), false)


def _show_telling(telling: Telling) -> None:
    from graphcorr.cli.tables import cell

    whole = telling.attacks - len(telling.split)
    click.echo(f"{whole} of {telling.attacks} attacks with several findings are told as one story.")
    for attack in telling.split:
        click.echo(f"  in several pieces: {cell(attack)}")
    for attacks in telling.mixed:
        click.echo(f"  one story of several attacks: {cell('; '.join(attacks))}")


def _rows(kind: str, scores: Iterable[Score]) -> list[tuple[Any, ...]]:
    return [
        (
            kind, score.id, f"{score.seconds:.2f}", score.expected, score.met, _ratio(score.recall), score.findings,
            score.right, _ratio(score.precision), _ratio(score.renamed_recall), score.leads, score.undecided,
        )
        for score in scores
    ]  # fmt: skip


def _ratio(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f}"


def _document(score: Score) -> dict[str, Any]:
    shown = asdict(score)
    return {
        **shown,
        "seconds": round(score.seconds, 3),
        "recall": score.recall,
        "precision": score.precision,
        "renamed_recall": score.renamed_recall,
    }
