"""What loaders/README.md shows works as shown: the loader is found, and its cases hold."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import yaml

from graphcorr.config import Complete, Config
from graphcorr.ingest import registry
from graphcorr.projection import steps
from graphcorr.times import parse_time
from tests.builders import TENANT, at, jsonl, moment, sign_in
from tests.endtoend.harness import graph_of

README = Path(__file__).resolve().parents[2] / "loaders" / "README.md"


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"no {language} example in loaders/README.md"
    return found[1]


def test_the_example_loader_reads_its_example_cases(read, tmp_path):
    folder = tmp_path / "loaders"
    folder.mkdir()
    (folder / "apirequests.py").write_text(block("python"), encoding="utf-8")
    loader = registry.discover((folder,))[-1]
    good, refused = yaml.safe_load(block("yaml"))["cases"]

    delivered, report = read(json.dumps(good["record"]).encode(), loaders=[loader])
    stated = {name: value for name, value in msgspec.structs.asdict(delivered[0].record).items() if value}
    derived = {"source": loader.source, "at": parse_time(good["expect"]["at"]), "at_is_event_time": True}
    expected = good["expect"] | derived
    assert (stated, report.problems) == (expected, ())
    for carrier, record in good["also"].items():
        (same,), _ = read(json.dumps(record).encode(), loaders=[loader])
        assert (same.carrier, same.record) == (carrier, delivered[0].record)

    cells = refused["record"]
    _, report = read(f"{','.join(cells)}\n{','.join(map(str, cells.values()))}\n".encode(), loaders=[loader])
    assert [refused["error"] in problem.message for problem in report.problems] == [True]


def test_the_example_loader_reads_both_of_its_other_shapes(read, tmp_path):
    folder = tmp_path / "again"
    folder.mkdir()
    (folder / "apirequests.py").write_text(block("python"), encoding="utf-8")
    loader = registry.discover((folder,))[-1]
    key = "0b9dd3f8-7d0b-4e1c-a6a4-0c2f1a1b5c11"
    properties = {"requestId": key, "method": "GET"}
    export = {"time": "2026-05-11T08:00:00Z", "category": "apirequest", "properties": properties}
    row = f'TimeGenerated [UTC],RequestId,Method,Type\n"5/11/2026, 8:00:00 AM",{key},GET,ApiRequests\n'
    delivered, _ = read(json.dumps(export).encode(), row.encode(), loaders=[loader])
    assert delivered[0].record == delivered[1].record
    assert [d.carrier for d in delivered] == ["diagnosticExport", "csv"]


def test_requests_are_tied_to_the_sign_ins_for_the_service_of_the_loader(tmp_path, monkeypatch):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "apirequests.py").write_text(block("python"), encoding="utf-8")
    loaders = registry.discover((tmp_path / "more",))
    (service,) = loaders[-1].services
    monkeypatch.setattr(registry, "all", lambda: loaders)
    monkeypatch.setattr(steps, "code_digest", steps.code_digest.__wrapped__)
    used, unused, later = (
        sign_in(n, at(time), resource=service.app_id, principal=n, app=n)
        for n, time in ((1, "08:00"), (2, "08:10"), (3, "23:00"))
    )
    request = {
        "Type": "ApiRequests", "TimeGenerated": at("08:01"), "RequestId": "0b9dd3f8-7d0b-4e1c-a6a4-0c2f1a1b5c11",
        "Method": "GET", "CallerObjectId": used["ServicePrincipalId"], "CallerIpAddress": used["IPAddress"],
        "AADTenantId": TENANT,
    }  # fmt: skip
    declared = Config(complete=(Complete("ApiRequests", start=moment("00:00")),))
    graph = graph_of(tmp_path / "place", {"rows.jsonl": jsonl(used, unused, later, request)}, config=declared)
    shown = {
        row["servicePrincipalId"]: (row["evidence"], row["linkedCount"], row["unexplainedCount"])
        for row in graph.nodes("SignIn")
    }
    assert shown == {
        used["ServicePrincipalId"]: ("complete", 1, 0),
        unused["ServicePrincipalId"]: ("complete", 0, 1),
        later["ServicePrincipalId"]: ("tooRecent", 0, 1),
    }
    (source,) = graph.nodes("LogSource", source="ApiRequests")
    assert (source["tenantId"], source["eventCount"]) == (TENANT, 1)
