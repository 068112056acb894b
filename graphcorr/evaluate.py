"""Evaluation: the pattern pack over data whose truth is known → precision, recall, time, and what was missed or false.

The truth is a file as `graphcorr sample` writes it, or one of your own in the same form (docs/evaluation.md).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphcorr.archive.archive import Archive
from graphcorr.baselines import BASELINES, run_baselines
from graphcorr.config import load_config
from graphcorr.content import content_dir
from graphcorr.errors import InputError
from graphcorr.home import Home
from graphcorr.load import load
from graphcorr.patterns.parse import load_patterns
from graphcorr.refresh import is_current, refresh
from graphcorr.scan import scan_store
from graphcorr.stores import EMBEDDED, StoreChoice, open_store
from graphcorr.stories import tell

if TYPE_CHECKING:
    from graphcorr.findings import Finding
    from graphcorr.store.base import Progress
    from graphcorr.stories import Story

LOGS, CONFIG, TRUTH = "logs", "graphcorr.toml", "truth.json"


@dataclass(frozen=True)
class Told:
    """An expected finding: the pattern, the ids by which a subject may be named, and its story, an attack or not."""

    pattern: str
    verdict: str
    ids: frozenset[str]
    story: str
    attack: bool = True


@dataclass(frozen=True)
class Truth:
    """What there is to find, and who is innocent of what: (pattern, app id) → why."""

    expected: tuple[Told, ...]
    innocent: dict[tuple[str, str], str]
    # Ids of principals whose name changes within a story: where a join by name is lost.
    renamed: frozenset[str]


@dataclass(frozen=True)
class Miss:
    """A finding that was not made: subject and story."""

    subject: str
    story: str


@dataclass(frozen=True)
class FalseFinding:
    """A finding that the truth does not know: its sentence, and why the subject is innocent, if the truth says."""

    subject: str
    sentence: str
    why: str | None


@dataclass(frozen=True)
class Score:
    """How one pattern or baseline did. Ratios are None where there was nothing to find, or nothing was found."""

    id: str
    seconds: float
    expected: int
    met: int
    findings: int
    right: int
    # Among the expected ones: those whose principal is renamed in its story.
    renamed_expected: int
    renamed_met: int
    missed: tuple[Miss, ...] = ()
    false: tuple[FalseFinding, ...] = ()
    leads: int = 0
    undecided: int = 0

    @property
    def recall(self) -> float | None:
        """Share of what there was to find."""
        return self.met / self.expected if self.expected else None

    @property
    def precision(self) -> float | None:
        """Share of the findings that the truth knows."""
        return self.right / self.findings if self.findings else None

    @property
    def renamed_recall(self) -> float | None:
        """Recall where the principal is renamed."""
        return self.renamed_met / self.renamed_expected if self.renamed_expected else None


@dataclass(frozen=True)
class Telling:
    """How the attacks are told: the findings of one belong into one story, and those of two into two."""

    # Attacks that at least two findings are about.
    attacks: int
    # Those whose findings are not all in one story.
    split: tuple[str, ...]
    # Stories that tell of several attacks: which.
    mixed: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Evaluation:
    """Scores of the patterns, of the baselines, how attacks are told, and patterns that the pack does not have."""

    patterns: tuple[Score, ...]
    baselines: tuple[Score, ...]
    telling: Telling
    not_in_pack: tuple[str, ...]


def evaluate(
    folder: Path,
    home: Path,
    *,
    patterns: Iterable[str] | None = None,
    pattern_dirs: Sequence[Path] = (),
    store: StoreChoice = EMBEDDED,
    progress: Progress | None = None,
) -> Evaluation:
    """Load a sample (`logs/`, `graphcorr.toml`, `truth.json` in `folder`) into `home` and judge the patterns.

    A folder without `logs/` judges what the home already holds. `patterns` names ids, None = all. Raises InputError for
    a truth that cannot be read, and whatever `load` and `scan` raise.
    """
    truth = read_truth(folder / TRUTH)
    if (folder / LOGS).is_dir():
        config = load_config(folder / CONFIG) if (folder / CONFIG).is_file() else None
        load([folder / LOGS], home=home, config=config, store=store, progress=progress)
    place = Home(home)
    place.require()
    pack = load_patterns([content_dir("cypher") / "patterns", *pattern_dirs])
    if not is_current(place, store):
        with place.lock(True, "evaluate", 30.0):
            refresh(place, place.remember(), store, progress)
    wanted = None if patterns is None else set(patterns)
    chosen = [pattern for pattern in pack if wanted is None or pattern.id in wanted]
    scores: list[Score] = []
    findings: list[Finding] = []
    with place.lock(False, "evaluate", 30.0), closing(open_store(place.root, store)) as opened:
        for pattern in sorted(chosen, key=lambda pattern: pattern.id):
            started = time.perf_counter()
            document = scan_store(opened, pack, [pattern.id])
            seconds = time.perf_counter() - started
            status = document.patterns[0]
            findings += (*document.findings, *document.leads)
            scores.append(_score(pattern.id, seconds, document.findings, truth, status.leads, status.undecided))
        telling = _telling(truth, findings, tell(opened, findings))
    known = {pattern.id for pattern in pack}
    return Evaluation(
        tuple(scores),
        tuple(_baseline_scores(Archive(place.archive_dir), truth)),
        telling,
        tuple(sorted({told.pattern for told in truth.expected} - known)),
    )


def read_truth(path: Path) -> Truth:
    """Read a truth file. Raises InputError naming the file if it is none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return _truth(document)
    except OSError as error:
        raise InputError(
            f"cannot read the truth: {error}", where=str(path), hint="`graphcorr sample` writes one"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"no truth file: {error!r}", where=str(path), hint="see docs/evaluation.md") from error


def _truth(document: dict[str, Any]) -> Truth:
    expected, renamed = [], set()
    for story in document["stories"]:
        twins = [frozenset(_ids_of(principal)) for principal in story["principals"]]
        for principal in story["principals"]:
            if len(principal.get("names", ())) > 1:
                renamed.update(_ids_of(principal))
        label = f"{story['id']}: {story['variant']}"
        for finding in story["findings"]:
            named = {
                finding[key]
                for key in ("subjectAppId", "subjectObjectId", "subjectAddress", "subjectSource")
                if finding.get(key) is not None
            }
            ids = frozenset(named).union(*(twin for twin in twins if twin & named))
            attack = story.get("kind", "attack") == "attack"
            expected.append(Told(finding["pattern"], finding.get("verdict", "found"), ids, label, attack))
    innocent = {(entry["pattern"], entry["appId"]): entry["why"] for entry in document["innocent"]}
    return Truth(tuple(expected), innocent, frozenset(renamed))


def _ids_of(principal: dict[str, Any]) -> list[str]:
    return [principal[key] for key in ("appId", "objectId", "registrationId") if principal.get(key)]


def _score(
    pattern: str, seconds: float, findings: Sequence[Finding], truth: Truth, leads: int, undecided: int
) -> Score:
    # The same subject may play in several stories; one finding per subject is asked for.
    expected = [told for told in truth.expected if told.pattern == pattern and told.verdict == "found"]
    subjects = [frozenset(_subject_ids(finding)) for finding in findings]
    false = tuple(
        FalseFinding(_shown(finding), finding.sentence, _why(truth, pattern, ids))
        for finding, ids in zip(findings, subjects, strict=True)
        if not any(told.ids & ids for told in expected)
    )
    met = [told for told in expected if any(told.ids & ids for ids in subjects)]
    missed = tuple(Miss(min(told.ids), told.story) for told in expected if told not in met)
    renamed = [told for told in expected if told.ids & truth.renamed]
    return Score(
        pattern, seconds, len(expected), len(met), len(findings), len(findings) - len(false), len(renamed),
        sum(told in met for told in renamed), missed, false, leads, undecided,
    )  # fmt: skip


def _telling(truth: Truth, findings: Sequence[Finding], stories: Sequence[Story]) -> Telling:
    of_attack: dict[str, set[str]] = {}
    for finding in findings:
        ids = _subject_ids(finding)
        about = {t.story for t in truth.expected if t.attack and t.pattern == finding.pattern and t.ids & set(ids)}
        # What is about two attacks belongs to neither.
        if finding.verdict == "found" and len(about) == 1:
            of_attack.setdefault(about.pop(), set()).add(finding.fingerprint)
    told = {attack: prints for attack, prints in of_attack.items() if len(prints) > 1}
    steps = [{step.fingerprint for step in story.steps} for story in stories]
    return Telling(
        len(told),
        tuple(sorted(attack for attack, prints in told.items() if not any(prints <= story for story in steps))),
        tuple(
            attacks
            for attacks in (tuple(sorted(a for a, prints in of_attack.items() if prints & story)) for story in steps)
            if len(attacks) > 1
        ),
    )


def _baseline_scores(archive: Archive, truth: Truth) -> Iterable[Score]:
    started = time.perf_counter()
    flagged = run_baselines(archive)
    seconds = (time.perf_counter() - started) / len(BASELINES)
    for baseline in BASELINES:
        expected = [told for told in truth.expected if told.pattern == baseline.pattern and told.verdict == "found"]
        named = flagged[baseline.id]
        met = [told for told in expected if told.ids & named]
        right = {subject for subject in named if any(subject in told.ids for told in expected)}
        renamed = [told for told in expected if told.ids & truth.renamed]
        yield Score(
            baseline.id, seconds, len(expected), len(met), len(named), len(right), len(renamed),
            sum(told in met for told in renamed),
        )  # fmt: skip


def _subject_ids(finding: Finding) -> list[str]:
    subject = finding.subject
    source = finding.details.get("source") if subject.label == "LogSource" else None
    return [value for value in (subject.app_id, subject.object_id, subject.address, source) if value is not None]


def _shown(finding: Finding) -> str:
    return next(iter(_subject_ids(finding)), finding.subject.key)


def _why(truth: Truth, pattern: str, ids: frozenset[str]) -> str | None:
    return next((why for (name, app_id), why in truth.innocent.items() if name == pattern and app_id in ids), None)
