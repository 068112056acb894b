"""Every loader against its cases (data in `<loader>/cases.yaml`), and rules that hold for all loaders."""

from __future__ import annotations

import loader_cases
import pytest

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
    """As the program reads it: the loader must be found, not only be able to."""
    loader = loader_cases.loader_named(sample.loader)
    path = loader_cases.sample_path(sample.file, sample.loader)
    delivered, report = loader_cases.read_and_told(path)
    found = [one.record for one in delivered if one.record.source == loader.source and one.carrier == sample.carrier]
    events = len({record.event_key for record in found})
    assert (len(found), events, report.skipped) == (sample.records, sample.events, sample.skipped), report
    assert [problem for record in found for problem in loader_cases.unsound(loader, record)] == []


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
    # AzureDiagnostics holds rows of several.
    tables = [table.lower() for loader in loaders for table in loader.tables if table != "AzureDiagnostics"]
    assert len(tables) == len(set(tables))
