"""Every loader against its cases (data in `<loader>/cases.yaml`), and rules that hold for all loaders."""

from __future__ import annotations

import loader_cases
import pytest

from graphcorr.ingest.loader import Loader

NAMES = sorted(loader_cases.LOADERS)


@pytest.mark.parametrize("case", loader_cases.cases(), ids=lambda case: f"{case.loader}-{case.name}")
def test_a_case_gives_exactly_the_expected_record(case):
    found = loader_cases.outcome(case)
    if case.error is not None:
        assert isinstance(found, str) and found.startswith("error: ") and case.error in found
    else:
        assert found == case.expect


@pytest.mark.parametrize("sample", loader_cases.samples(), ids=lambda sample: f"{sample.loader}-{sample.file}")
def test_a_sample_gives_the_stated_number_of_records_and_events(sample):
    loader = loader_cases.loader_named(sample.loader)
    objects = loader_cases.read_objects(loader_cases.sample_path(sample.file, sample.loader))
    found = [
        record
        for obj in objects
        for record in loader_cases.parse(loader, sample.carrier, obj)
        if sample.carrier != "graphApi" or _claimed(loader, obj)
    ]
    assert (len(found), len({record.event_key for record in found})) == (sample.records, sample.events)
    assert all(type(record) is loader.record and record.source == loader.source for record in found)


def _claimed(loader: Loader, obj: dict) -> bool:
    """Pages of Graph sign-ins hold several kinds; each loader takes its own."""
    from graphcorr.ingest.loader import Carrier, Context

    claims = loader.claims.get(Carrier.GRAPH)
    return claims is None or claims(frozenset(obj), obj, Context())


@pytest.mark.parametrize("name", NAMES)
def test_every_loader_has_samples_and_cases(name):
    folder = loader_cases.HERE / name
    assert any(sample.loader == name for sample in loader_cases.samples()), (
        f"add a sample to {folder}/cases.yaml: records of the source as exported, observed or constructed"
    )
    assert any(case.loader == name for case in loader_cases.cases()), f"add a case to {folder}/cases.yaml"


@pytest.mark.parametrize("name", NAMES)
def test_every_carrier_of_a_loader_is_shown_by_a_sample_or_a_case(name):
    shown = {item.carrier for item in (*loader_cases.samples(), *loader_cases.cases()) if item.loader == name}
    assert set(loader_cases.loader_named(name).parse) - shown == set()


def test_every_folder_of_cases_belongs_to_a_loader():
    folders = {path.parent.name for path in loader_cases.HERE.glob("*/cases.yaml")}
    assert folders - set(NAMES) == set()


def test_sources_titles_and_tables_are_stated_once():
    loaders = [loader_cases.loader_named(name) for name in NAMES]
    for values in ([loader.source for loader in loaders], [loader.title for loader in loaders]):
        assert len(values) == len(set(values))
    tables = [table.lower() for loader in loaders for table in loader.tables]
    assert len(tables) == len(set(tables))
