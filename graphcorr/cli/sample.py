"""`graphcorr sample`: write the logs of a made-up tenant, with attacks in it and a list of what must be found."""

from __future__ import annotations

from pathlib import Path

import click

from graphcorr.cli.shared import Command, Options, note, pass_options


@click.command(cls=Command)
@click.argument("folder", metavar="OUT", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--seed", type=int, default=1, show_default=True, help="Another number, another tenant.")
@click.option("--principals", type=int, default=80, show_default=True, help="Applications and managed identities.")
@click.option("--days", type=int, default=21, show_default=True, help="Length of the logs.")
@click.option("--events-per-day", type=int, default=2000, show_default=True, help="About that many, all logs together.")
@click.option("--story", "stories", multiple=True, metavar="ID", help="Only this attack; may be repeated.")
@click.option("--no-stories", is_flag=True, help="No attack at all: ordinary life and innocent look-alikes.")
@click.option("--list", "listed", is_flag=True, help="Show the attacks and their variants, write nothing.")
@pass_options
def sample(
    options: Options,
    folder: Path | None,
    seed: int,
    principals: int,
    days: int,
    events_per_day: int,
    stories: tuple[str, ...],
    no_stories: bool,
    listed: bool,
) -> None:
    """Write the logs of a made-up tenant to a folder, with attacks in it and a list of what must be found.

    OUT/logs holds the files in the shapes in which people have them, OUT/graphcorr.toml what their operator declares,
    OUT/truth.json the attacks, their events and findings, and innocent look-alikes. The same arguments give the same
    bytes.

    \b
    Example:  graphcorr sample ./sample --seed 7 --days 30
              graphcorr sample ./sample --story key_spray --story stolen_key
    """
    from graphcorr.errors import UsageError
    from graphcorr.sample.generate import generate
    from graphcorr.sample.stage import SampleError
    from graphcorr.sample.stories import scripts

    if listed:
        from graphcorr.cli.tables import show_table

        rows = [(script.id, script.title, "; ".join(script.variants)) for script in scripts().values()]
        show_table(("story", "what happens", "variants"), rows)
        return
    if folder is None:
        raise click.UsageError("name the folder to write to")
    if stories and no_stories:
        raise click.UsageError("--story and --no-stories exclude each other")
    chosen = () if no_stories else stories or None
    try:
        made = generate(folder, seed, principals, days, events_per_day, chosen)
    except SampleError as error:
        raise UsageError(error.args[0], hint=error.args[1]) from error
    note(options, "Everything in these logs is made up: no record was observed.")
    total = sum(made.events.values())
    click.echo(f"{total:,} events in {made.records:,} records of {len(made.events)} logs, {len(made.stories)} stories:")
    for story, variant in made.stories:
        click.echo(f"  {story}: {variant}")
