"""What people are told of coverage: usage by source, fields that nobody knows, and what cannot be judged."""

from __future__ import annotations

from pathlib import Path

import graphcorr
from graphcorr.coverage import totals, undecided
from tests.builders import ARM, STORAGE, TENANT, arm_act, at, guid, jsonl, sign_in
from tests.endtoend.harness import graph_of


def test_usage_of_each_source_and_what_cannot_be_judged(tmp_path: Path) -> None:
    home = tmp_path / "home"
    rows = [
        sign_in(1, at("07:00"), TimeGenerated=at("07:05"), NewColumn="x", Another=1),
        sign_in(2, at("07:20"), TimeGenerated=at("07:25"), resource=guid("9", 1)),
        sign_in(3, at("07:30"), TimeGenerated=at("07:35"), resource=STORAGE),
        sign_in(4, at("07:31"), TimeGenerated=at("07:36"), resource=ARM),
        sign_in(5, at("07:32"), TimeGenerated=at("07:37"), result="50126"),
    ]
    (tmp_path / "s.jsonl").write_bytes(jsonl(*rows))
    (tmp_path / "a.jsonl").write_bytes(
        jsonl(arm_act(1, at("12:00"), principal=9, app=9), sign_in(6, at("07:40"), Third=1))
    )
    for name in ("s.jsonl", "a.jsonl", "s.jsonl"):
        graphcorr.load([tmp_path / name], home=home)
    table = graphcorr.coverage(home=home)
    told = {row[1]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    sign_ins, acts = told["AADServicePrincipalSignInLogs"], told["AzureActivity"]
    assert (sign_ins["tenant"], sign_ins["entries"], sign_ins["duplicates"], sign_ins["gaps"]) == (TENANT, 6, 0, 0)
    assert sign_ins["bytesPerEntry"] == sign_ins["bytes"] // 6 > 100
    assert sign_ins["unknownFields"] == ["Another", "NewColumn", "Third"]
    assert (acts["entries"], acts["unknownFields"]) == (1, [])

    counted = totals(undecided(home=home))
    assert [(reason, count) for reason, count, _ in counted] == [
        ("notCollected", 2), ("gap", 1), ("noLoader", 1), ("noSource", 1),
    ]  # fmt: skip
    assert all(meaning for _, _, meaning in counted)


def test_a_home_without_any_log_has_no_usage_and_nothing_undecided(tmp_path: Path) -> None:
    listed = {"id": guid("d", 1), "appId": guid("a", 1), "servicePrincipalType": "Application"}
    (tmp_path / "servicePrincipals.json").write_bytes(jsonl(listed))
    graphcorr.load([tmp_path / "servicePrincipals.json"], home=tmp_path / "home", tenant=TENANT)
    table, open_questions = graphcorr.coverage(home=tmp_path / "home"), undecided(home=tmp_path / "home")
    assert (table.rows, open_questions.rows, totals(open_questions)) == ([], [], [])
    assert (table.columns[:3], table.columns[-1], open_questions.columns[-1]) == (
        ("tenant", "source", "scope"), "unknownFields", "meaning",
    )  # fmt: skip


def test_a_sign_in_that_states_no_result_is_not_called_failed(tmp_path: Path) -> None:
    rows = [
        sign_in(n, at("07:00"), principal=n, app=n, resource=ARM, ResultType=r)
        for n, r in enumerate(["0", "7000222", None])
    ]
    told = {row["caption"] for row in graph_of(tmp_path, {"rows.jsonl": jsonl(*rows)}).nodes("SignIn")}
    assert told == {
        "Sign-in to Azure Resource Manager", "Failed sign-in to Azure Resource Manager (7000222)",
        "Sign-in without a stated result to Azure Resource Manager",
    }  # fmt: skip
