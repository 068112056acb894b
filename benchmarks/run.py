"""Measures what docs/performance.md promises, each figure beside its yardstick of the same run.

    python benchmarks/run.py --quick                      # under a minute: 20,000 events
    python benchmarks/run.py                              # one million events
    python benchmarks/run.py --sizes 100000,1000000       # growth
    python benchmarks/run.py --json FILE --markdown

Every step runs in a process of its own, whose memory (with that of its children) is watched from outside. Generated
logs are kept in `--work` and used again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

Measured = dict[str, Any]

# -- steps: each in a process of its own; imports are inside, so that a step pays for nothing it does not use ----------


def step_yardstick(logs: str) -> Measured:
    """A bare loop of orjson.loads over the lines of the same files, cold files read once before."""
    import orjson

    files = [path for path in Path(logs).rglob("*.json") if path.is_file()]
    for path in files:
        path.read_bytes()
    started = time.perf_counter()
    lines = 0
    for path in files:
        for line in path.read_bytes().splitlines():
            orjson.loads(line)
            lines += 1
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "lines": lines,
        "bytes": sum(path.stat().st_size for path in files),
        "files": len(files),
    }


def step_archive(logs: str, home: str) -> Measured:
    """Files into the archive, raw records kept."""
    import graphcorr

    started = time.perf_counter()
    result = graphcorr.load([logs], home=home, archive_only=True)
    seconds = time.perf_counter() - started
    if result.read.problem_count:
        raise SystemExit(f"generated logs have problems: {result.read.problems[:3]}")
    return {"seconds": seconds, "records": result.read.records, "new": sum(result.archived.new.values())}


def step_projection(home: str) -> Measured:
    """Archive → the graph's tables."""
    import duckdb

    from graphcorr.archive.archive import Archive
    from graphcorr.home import Home
    from graphcorr.projection.project import project

    place = Home(home)
    settings = place.settings
    started = time.perf_counter()
    made = project(Archive(place.archive_dir), settings.config, place.projection_dir, users=settings.users)
    seconds = time.perf_counter() - started
    files = [str(path) for name in ("SignIn", "Activity") for path in (made.tables / "nodes").glob(f"{name}.parquet/*")]
    events, nodes = duckdb.read_parquet(files, union_by_name=True).aggregate("sum(count), count(*)").fetchall()[0]
    return {"seconds": seconds, "fold": float(events or 0) / max(nodes, 1), "folded_nodes": nodes}


def step_store(home: str) -> Measured:
    """Tables → embedded store, from nothing."""
    from pyarrow import parquet

    from graphcorr.home import Home
    from graphcorr.stores import open_store

    place, made = Home(home), _projected(home)
    nodes, edges = (
        sum(parquet.read_metadata(path).num_rows for path in folder.rglob("*.parquet") if path.is_file())
        for folder in (made.tables / "nodes", made.tables / "edges")
    )
    # Nodes are laid out, then edges; nodes are written, then edges.
    nodes_done: dict[str, float] = {}
    all_done: dict[str, float] = {}

    def progress(what: str, done: int, total: int | None) -> None:
        all_done[what] = time.perf_counter()
        if done >= nodes:
            nodes_done.setdefault(what, all_done[what])

    with closing(open_store(place.root, read_only=False)) as store:
        started = time.perf_counter()
        store.write(made.tables, made.id, None, progress)
        ended = time.perf_counter()
    (place.projection_dir / "written.json").write_text(json.dumps({"embedded": made.id}))
    laid_out, written = nodes_done.values()
    edges_laid_out = all_done["laying out the graph"]
    return {
        "seconds": ended - started,
        "nodes": nodes,
        "edges": edges,
        "nodes_per_second": nodes / (laid_out - started + written - edges_laid_out),
        "edges_per_second": edges / (edges_laid_out - laid_out + ended - written),
    }


def step_bare_edges(home: str) -> Measured:
    """The engine's bulk loader alone: rows at hand, edges of the same tables, between nodes that are a key only."""
    import orjson

    from graphcorr.store import embedded_java as bridge
    from graphcorr.store.embedded_schema import new_database
    from graphcorr.store.embedded_write import BulkLoader

    edges = _some_edges(_projected(home).tables, 300_000)
    bridge.start("500m")
    with tempfile.TemporaryDirectory() as place:
        database = new_database(Path(place) / "graph")
        loader = BulkLoader(database, wal=False)
        ends = ((row[f"{end}Label"], row[f"{end}Key"]) for rows in edges.values() for row in rows for end in _ENDS)
        nodes = dict.fromkeys(ends, "")
        for label in {label for label, _ in nodes}:
            keys = [key for of, key in nodes if of == label]
            texts = orjson.dumps([{"key": key} for key in keys]).decode()
            made = bridge.java("com.arcadedb.python.VertexBatcher").createVerticesJson(
                loader.nodes(len(keys)), label, texts
            )
            nodes.update(((label, key), position) for key, position in zip(keys, str(made).split(";"), strict=True))
        loader.close()
        calls = []
        for kind, rows in edges.items():
            for row in rows:
                for end, name in zip(_ENDS, ("_src", "_dst"), strict=True):
                    row[name] = nodes[row.pop(f"{end}Label"), row.pop(f"{end}Key")]
            calls += [(kind, orjson.dumps(rows[at : at + 5_000]).decode()) for at in range(0, len(rows), 5_000)]
        started = time.perf_counter()
        for kind, text in calls:
            bridge.java("com.arcadedb.python.EdgeBatcher").newEdgesJson(loader.edges(kind), kind, text)
        loader.close()
        database.close()
        seconds = time.perf_counter() - started
    return {"seconds": seconds, "edges": sum(len(rows) for rows in edges.values())}


_ENDS = ("from", "to")


def _some_edges(tables: Path, at_most: int) -> dict[str, list[dict[str, Any]]]:
    """The first rows of each edge table, in the proportions of the tables."""
    import duckdb

    from graphcorr.graph.schema import EDGES
    from graphcorr.store.difference import table_files

    files = {edge.type: [str(path) for path in table_files(tables, edge)] for edge in EDGES}
    read = {kind: duckdb.read_parquet(paths) for kind, paths in files.items() if paths}
    share = min(1.0, at_most / sum(len(rows) for rows in read.values()))
    return {
        kind: [
            {name: value for name, value in row.items() if value is not None}
            for row in rows.limit(int(len(rows) * share)).to_arrow_table().to_pylist()
        ]
        for kind, rows in read.items()
    }


def _projected(home: str) -> Any:
    """The projection of a home, which must be there."""
    from graphcorr.archive.archive import Archive
    from graphcorr.home import Home
    from graphcorr.projection.project import current

    place = Home(home)
    settings = place.settings
    made = current(Archive(place.archive_dir), settings.config, place.projection_dir, users=settings.users)
    if made is None:
        raise SystemExit("no projection to write")
    return made


def step_patterns(home: str) -> Measured:
    """All patterns, once, on a store that was just opened."""
    from graphcorr.content import content_dir
    from graphcorr.home import Home
    from graphcorr.patterns.parse import load_patterns
    from graphcorr.scan import scan_store
    from graphcorr.stores import open_store

    each: dict[str, float] = {}
    rows: dict[str, int] = {}
    first: float | None = None
    started = time.perf_counter()
    with closing(open_store(Home(home).root)) as store:
        opened = time.perf_counter() - started
        for pattern in load_patterns([content_dir("cypher") / "patterns"]):
            before = time.perf_counter()
            document = scan_store(store, [pattern])
            each[pattern.id] = time.perf_counter() - before
            (status,) = document.patterns
            rows[pattern.id] = status.found + status.leads + status.undecided
            if document.findings and first is None:
                first = time.perf_counter() - started
    return {"open": opened, "seconds": sum(each.values()), "each": each, "rows": rows, "first_finding": first}


def step_trace(home: str) -> Measured:
    """The busiest and a middling identity: from cold in a process of its own, and warm on an open store."""
    from graphcorr.home import Home
    from graphcorr.stores import open_store
    from graphcorr.trace import trace_store

    ranked = (
        "MATCH (i:Identity)<-[:PART_OF]-(p)-[:SIGNED_IN]->(s:SignIn) RETURN i.identityId AS id, sum(s.count) AS events "
        "ORDER BY events DESC, id"
    )
    # One process at a time, as users trace: each has the memory of a Java heap.
    command = [sys.executable, "-m", "graphcorr", "--home", home]

    def answer(*words: str) -> bytes:
        return subprocess.run(
            [*command, *words, "--format", "json"], check=True, capture_output=True, cwd=HERE.parent
        ).stdout

    names = [row["id"].removeprefix("app:") for row in json.loads(answer("query", ranked))]
    busiest, middling = names[0], names[len(names) // 2]
    started = time.perf_counter()
    answer("trace", middling)
    cold = time.perf_counter() - started
    with closing(open_store(Home(home).root)) as store:
        trace_store(store, middling)
        started = time.perf_counter()
        steps = len(trace_store(store, names[len(names) // 2 + 1]).steps)
        warm = time.perf_counter() - started
        started = time.perf_counter()
        busiest_steps = len(trace_store(store, busiest).steps)
        warm_busiest = time.perf_counter() - started
    return {
        "cold": cold, "warm": warm, "steps": steps, "warm_busiest": warm_busiest, "busiest_steps": busiest_steps,
    }  # fmt: skip


def step_load(logs: str, home: str) -> Measured:
    """A whole load on top of what is there: archive, projection, store by difference."""
    import graphcorr

    started = time.perf_counter()
    result = graphcorr.load([logs], home=home)
    seconds = time.perf_counter() - started
    written = result.written
    counts = () if written is None else (
        written.nodes_written, written.nodes_deleted, written.edges_written, written.edges_deleted,
    )  # fmt: skip
    return {
        "seconds": seconds,
        "new": sum(result.archived.new.values()),
        "rows_written": sum(sum(count.values()) for count in counts),
        "full": written.full if written else None,
    }


STEPS: dict[str, Callable[..., Measured]] = {
    name.removeprefix("step_"): step for name, step in list(globals().items()) if name.startswith("step_")
}

# -- running steps -----------------------------------------------------------------------------------------------------


def run_step(name: str, *given: str) -> Measured:
    """A step in a process of its own.

    Adds `peak`, the most memory it and its children held at a time, in bytes, and `processor`, the seconds of all
    cores that they used: on a busy machine the better measure.
    """
    before = os.times()
    command = [sys.executable, str(Path(__file__).resolve()), "--step", name, *given]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        peaks: list[int] = [0]
        watching = threading.Thread(target=_watch, args=(process, peaks), daemon=True)
        watching.start()
        output, _ = process.communicate()
        watching.join()
    if process.returncode:
        raise SystemExit(f"step {name} failed")
    measured: Measured = json.loads(output.splitlines()[-1])
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return {**measured, "peak": peaks[0], "processor": used}


def _watch(process: subprocess.Popen[bytes], peaks: list[int]) -> None:
    while process.poll() is None:
        peaks[0] = max(peaks[0], _resident_bytes(_family(process.pid)))
        time.sleep(0.2)


def _family(pid: int) -> Iterator[int]:
    """A process and its descendants; on systems without /proc itself alone."""
    yield pid
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = tasks.read_text().split()
        except OSError:
            continue
        for child in children:
            yield from _family(int(child))


def _resident_bytes(pids: Iterable[int]) -> int:
    """Memory of processes, 0 if the system does not say. Pages of files count once: most are code that all share.

    From counters that the kernel keeps: to ask it who shares which page stops a process for milliseconds each time.
    """
    own = files = 0
    for pid in pids:
        try:
            resident, shared = map(int, Path(f"/proc/{pid}/statm").read_text().split()[1:3])
        except (OSError, ValueError):  # it has ended
            continue
        own += resident - shared
        files = max(files, shared)
    return (own + files) * os.sysconf("SC_PAGESIZE")


def generate(work: Path, events: int, days: int, *more: str) -> Path:
    """Generated logs; those of an earlier run if the generator is the same."""
    stamp = int((HERE / "generate.py").stat().st_mtime)
    out = work / "-".join(["logs", str(events), str(days), *(part.strip("-") for part in more), str(stamp)])
    if not (out / "done").is_file():
        options = ["--events", str(events), "--days", str(days), *more]
        subprocess.run([sys.executable, str(HERE / "generate.py"), str(out), *options], check=True, stdout=sys.stderr)
        (out / "done").touch()
    return out


def measure(work: Path, events: int, days: int) -> Measured:
    """All steps at one size, on a new home."""
    logs = generate(work, events, days)
    home = Path(tempfile.mkdtemp(prefix="home-", dir=work))
    found: Measured = {"events": events, "days": days}
    try:
        found["yardstick"] = run_step("yardstick", str(logs / "logs"))
        found["archive"] = run_step("archive", str(logs / "logs"), str(home))
        found["projection"] = run_step("projection", str(home))
        found["store"] = run_step("store", str(home))
        found["bare_edges"] = run_step("bare_edges", str(home))
        found["disk"] = {part.name: _size(part) for part in sorted(home.iterdir()) if part.is_dir()}
        found["patterns"] = run_step("patterns", str(home))
        found["trace"] = run_step("trace", str(home))
        found["hour"] = run_step("load", str(logs / "hour"), str(home))
        found["late"] = run_step("load", str(logs / "late"), str(home))
    finally:
        shutil.rmtree(home)
    return found


def measure_busy(work: Path) -> Measured:
    """The same day without and with a principal that has 20,000 events in one hour."""
    found: Measured = {}
    for name, more in (("without", ()), ("with", ("--busy",))):
        logs = generate(work, 20_000, 2, *more)
        home = Path(tempfile.mkdtemp(prefix="home-", dir=work))
        try:
            run_step("archive", str(logs / "logs"), str(home))
            found[name] = run_step("projection", str(home))
        finally:
            shutil.rmtree(home)
    return found


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


# -- figures -----------------------------------------------------------------------------------------------------------

Figure = tuple[str, str, str]
"""What, measured, yardstick or promise."""


def figures(found: Measured) -> list[Figure]:
    """The table of one size."""
    yardstick, archive, projection = found["yardstick"], found["archive"], found["projection"]
    store, patterns, trace = found["store"], found["patterns"], found["trace"]
    bare_edges = found["bare_edges"]["edges"] / found["bare_edges"]["seconds"]
    bare, rate = yardstick["lines"] / yardstick["seconds"], archive["records"] / archive["seconds"]
    full = archive["seconds"] + projection["seconds"] + store["seconds"]
    slowest = max(patterns["each"], key=patterns["each"].__getitem__)
    hour, late, disk = found["hour"], found["late"], found["disk"]
    first = patterns["first_finding"]
    per_event = {name: size / archive["new"] for name, size in disk.items()}
    steps = ("archive", "projection", "store", "patterns", "trace", "hour")
    peaks = {step: found[step]["peak"] / 2**20 for step in steps}
    processor = {step: found[step]["processor"] for step in ("yardstick", *steps)}
    input_size = f"{yardstick['files']:,} files, {yardstick['bytes'] / 1e6:,.0f} MB"
    bare_size = f"orjson.loads alone {bare:,.0f}/s; {rate / bare:.2f} of it, promised 0.33"
    edges_size = f"promised 60,000/s; the engine's loader alone {bare_edges:,.0f}/s"
    late_size = f"{late['new']} late events of many days, {late['seconds']:.1f} s"
    first_at = "-" if first is None else f"{full + first:.1f} s"
    return [
        ("events loaded", f"{archive['records']:,}", input_size),
        ("files into the archive", f"{rate:,.0f} records/s", bare_size),
        ("projection", f"{projection['seconds']:.1f} s", "promised 10 s at 1,000,000 events"),
        ("events per SignIn / Activity node", f"{projection['fold']:.2f}", f"{projection['folded_nodes']:,} nodes"),
        ("store: nodes", f"{store['nodes_per_second']:,.0f}/s", f"{store['nodes']:,} nodes; promised 15,000/s"),
        ("store: edges", f"{store['edges_per_second']:,.0f}/s", f"{store['edges']:,} edges; {edges_size}"),
        ("full build", f"{full:.1f} s", "archive + projection + store"),
        ("all patterns", f"{patterns['seconds']:.2f} s", f"{len(patterns['each'])} patterns; promised 30 s"),
        ("slowest pattern", f"{patterns['each'][slowest]:.2f} s", f"{slowest}; promised 2 s"),
        ("trace, cold", f"{trace['cold']:.2f} s", "a process of its own; promised 3 s"),
        ("trace, warm", f"{trace['warm']:.2f} s", f"{trace['steps']:,} steps; promised 1 s"),
        ("trace of the busiest, warm", f"{trace['warm_busiest']:.2f} s", f"{trace['busiest_steps']:,} steps"),
        ("time to the first finding", first_at, "from files, nothing there before"),
        ("one more hour", f"{hour['seconds']:.1f} s", f"{hour['seconds'] / full:.1%} of the full build; promised 5 %"),
        ("rows written per late event", f"{late['rows_written'] / max(late['new'], 1):.1f}", late_size),
        ("bytes on disk per event", f"{sum(per_event.values()):,.0f}", _listed(per_event)),
        ("processor time", f"{sum(processor.values()):,.0f} s", _listed(processor)),
        ("peak memory", f"{max(peaks.values()):,.0f} MiB", f"promised 1,024; {_listed(peaks)}"),
    ]


def _listed(numbers: dict[str, float]) -> str:
    return ", ".join(f"{name} {number:,.0f}" for name, number in numbers.items())


def busy_figures(found: Measured) -> list[Figure]:
    """What the busiest principal costs."""
    without, busy = found["without"]["seconds"], found["with"]["seconds"]
    return [
        (
            "20,000 events of one principal in an hour",
            f"+{busy - without:.1f} s of projection",
            f"{without:.1f} s without",
        )
    ]


def growth(sizes: list[Measured]) -> list[Figure]:
    """Time of each size against the one before."""
    rows: list[Figure] = []
    for smaller, larger in zip(sizes, sizes[1:], strict=False):
        factor = larger["events"] / smaller["events"]
        for step in ("archive", "projection", "store", "patterns"):
            ratio = larger[step]["seconds"] / smaller[step]["seconds"]
            what = f"{step}: {smaller['events']:,} → {larger['events']:,}"
            rows.append((what, f"× {ratio:.1f}", f"events × {factor:.0f}; promised × {factor * 1.1:.0f} at most"))
    return rows


def shown(title: str, rows: list[Figure], markdown: bool) -> str:
    """The rows as text for a terminal or as a Markdown table."""
    if markdown:
        lines = [f"### {title}", "", "| what | measured | beside it |", "|---|---|---|"]
        return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows), ""])
    width = max(len(row[0]) for row in rows)
    measured = max(len(row[1]) for row in rows)
    return "\n".join([title, *(f"  {row[0]:<{width}}  {row[1]:>{measured}}   {row[2]}" for row in rows), ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", default="1000000", help="events, comma-separated")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--quick", action="store_true", help="20,000 events of three days")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "graphcorr-benchmarks")
    parser.add_argument("--json", type=Path, help="also write everything measured to this file")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--step", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        name, *given = options.step
        print(json.dumps(STEPS[name](*given)))
        return
    options.work.mkdir(parents=True, exist_ok=True)
    sizes = [20_000] if options.quick else [int(size) for size in options.sizes.split(",")]
    days = 3 if options.quick else options.days
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    found = []
    for events in sizes:
        found.append(measure(options.work, events, days))
        print(shown(f"{events:,} events in {days} days", figures(found[-1]), options.markdown), flush=True)
    if len(found) > 1:
        print(shown("Growth", growth(found), options.markdown))
    everything: Measured = {"sizes": found}
    if not options.quick:
        everything["busy"] = measure_busy(options.work)
        print(shown("The busiest principal", busy_figures(everything["busy"]), options.markdown))
    if options.json:
        options.json.write_text(json.dumps(everything, indent=2) + "\n")


if __name__ == "__main__":
    main()
