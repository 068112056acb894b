"""The graph is a function of the set of records and the configuration: not of order, pieces, repetition or caches."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from graphcorr.config import Config
from graphcorr.projection import daily_layer, dated_layer, day_files, survey, whole_layer
from tests.builders import (
    ARM,
    GRAPH,
    OTHER_TENANT,
    SUBSCRIPTION,
    TENANT,
    VAULT,
    arm_act,
    at,
    audit,
    created,
    deleted,
    guid,
    jsonl,
    key,
    key_change,
    moment,
    owner_added,
    rename,
    sign_in,
    target,
    user_sign_in,
    vault_act,
)
from tests.endtoend.harness import Graph, Place

Row = dict[str, Any]

# An example takes seconds: failures are shown as found, not shrunk. GRAPHCORR_EXAMPLES=300 tries others, and more.
_EXAMPLES = int(os.environ.get("GRAPHCORR_EXAMPLES", "0"))
pytestmark = pytest.mark.timeout(300 + 20 * _EXAMPLES)
_SETTINGS = settings(
    max_examples=_EXAMPLES or 3,
    phases=[Phase.generate],
    deadline=None,
    database=None,
    derandomize=not _EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow],
)
_CONFIG = Config(subscriptions={SUBSCRIPTION: TENANT})

# A few clock times of a few days, near midnight and near the ends of a token's life.
_times = st.builds(
    at,
    st.sampled_from(["00:03", "07:00", "07:01:30.25", "08:29", "11:00", "23:58", "23:58:00.001"]),
    st.sampled_from([0, 0, 0, 1, 1, 2, 4]),
)
_small = st.integers(1, 2)
_numbers = st.integers(1, 6)
_addresses = st.sampled_from(["203.0.113.10", "203.0.113.11", "10.1.0.4", ""])
_events = st.one_of(
    st.builds(sign_in, _numbers, _times, principal=st.sampled_from([1, 2, None]), app=_small, ip=_addresses,
              resource=st.sampled_from([ARM, VAULT, GRAPH]), AppOwnerTenantId=st.sampled_from(["", guid("9", 1)])),
    st.builds(user_sign_in, st.integers(7, 9), _times, user=_small, ip=_addresses),
    st.builds(vault_act, _numbers, _times, principal=st.sampled_from([1, 2, None]), app=_small, ip=_addresses),
    st.builds(arm_act, _numbers, _times, principal=_small, app=_small, ip=_addresses,
              token=st.one_of(st.none(), _numbers.map(lambda n: guid("5", n))),
              issued=st.sampled_from([None, moment("07:00"), moment("23:53"), moment("07:00", day=-3)])),
    st.builds(rename, st.integers(1, 3), _times, st.sampled_from("ab"), st.sampled_from("bc"), number_of=_small,
              kind=st.sampled_from(["Application", "ServicePrincipal"]), correlation=_small),
    st.builds(key_change, st.integers(4, 5), _times, st.just([key(1)]), st.sampled_from([[key(1), key(2)], []])),
    st.builds(owner_added, st.just(6), _times, owner=_small),
    st.builds(audit, st.just(10), _times, st.just("Delete policy"), st.just(target("Policy", guid("8", 1))),
              by_principal=st.just(1)),
    st.builds(created, st.just(11), _times, number_of=_small),
    st.builds(deleted, st.just(12), _times, number_of=_small),
)  # fmt: skip
_histories = st.lists(_events, min_size=4, max_size=24)


def _place(*loads: Sequence[Row], project_between: bool = False) -> tuple[Graph, Path]:
    root = Path(tempfile.mkdtemp(prefix="set-semantics-"))
    place = Place(root)
    for rows in loads:
        place.load({"rows.jsonl": jsonl(*rows)})
        if project_between:
            place.graph(_CONFIG)
    return place.graph(_CONFIG), root


@_SETTINGS
@given(rows=_histories, data=st.data())
def test_order_pieces_and_repetition_change_nothing(rows: list[Row], data: st.DataObject) -> None:
    roots = []
    try:
        whole, root = _place(rows)
        roots.append(root)
        shuffled = data.draw(st.permutations(rows))
        cut = data.draw(st.integers(0, len(rows)))
        # In other order, in pieces, with a piece delivered again, and with caches of every state in between.
        pieces, root = _place(shuffled[:cut], shuffled[cut:], shuffled[: cut // 2], project_between=True)
        roots.append(root)
        assert pieces.id is not None
        expected = whole.tables()
        assert pieces.tables() == expected
        shutil.rmtree(root / "projection")
        assert Place(root).graph(_CONFIG).tables() == expected
    finally:
        for root in roots:
            shutil.rmtree(root)


@_SETTINGS
@given(rows=_histories, late=st.lists(_events, min_size=1, max_size=3))
def test_late_records_touch_what_a_full_build_would_show(rows: list[Row], late: list[Row]) -> None:
    """Versions of one event (equal ids, other times) among them: older after newer, newer after older."""
    graph, root = _place(rows, late, project_between=True)
    try:
        incremental = graph.tables()
        shutil.rmtree(root / "projection")
        assert Place(root).graph(_CONFIG).tables() == incremental
    finally:
        shutil.rmtree(root)


def _of_tenant(row: Row, tenant: str) -> Row:
    named = {name: tenant for name in ("AADTenantId", "AppOwnerTenantId") if row.get(name) == TENANT}
    claims = (
        {"Claims_d": {k: tenant if v == TENANT else v for k, v in row["Claims_d"].items()}} if "Claims_d" in row else {}
    )
    return {**row, **named, **claims, **({"Id": row["Id"] + "_x"} if row["Type"] == "AuditLogs" else {})}


def test_each_of_two_tenants_has_the_rows_of_its_own_records_alone(tmp_path: Path) -> None:
    own = [
        sign_in(1, at("07:00"), resource=ARM),
        arm_act(1, at("07:01")),
        rename(1, at("08:00"), "a", "b"),
        key_change(2, at("09:00"), [key(1)], [key(1), key(2)]),
        owner_added(3, at("09:30")),
    ]
    other = [_of_tenant(row, OTHER_TENANT) for row in [*own, sign_in(2, at("07:30"), resource=ARM, ip="203.0.113.99")]]
    other = [
        {**row, **{name: guid("5", 50 + n) for name in ("Id",) if row["Type"].endswith("SignInLogs")},
         **({"EventDataId": guid("7", 50), "CorrelationId": guid("7", 50)} if row["Type"] == "AzureActivity" else {})}
        for n, row in enumerate(other)
    ]  # fmt: skip

    def tables(name: str, *rows: Row) -> dict[str, list[Row]]:
        place = Place(tmp_path / name)
        place.load({"rows.jsonl": jsonl(*rows)})
        return place.graph().tables()

    together, one, two = tables("both", *own, *other), tables("one", *own), tables("two", *other)
    for name in together:
        alone = {row["key"]: row for row in [*one[name], *two[name]]}
        assert {row["key"]: row for row in together[name]} == alone, name


@pytest.mark.parametrize(
    "broken",
    [
        (survey, "_find_repeated"),
        (day_files, "keep"),
        (day_files, "publish"),
        (daily_layer, "_types"),
        (whole_layer, "_put_identities"),
        (whole_layer, "write"),
        (dated_layer, "_make"),
        (dated_layer, "_take_over"),
    ],
)
def test_a_run_that_was_killed_is_completed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: tuple[Any, str]
) -> None:
    first = [sign_in(1, at("07:00")), vault_act(1, at("07:01")), rename(1, at("08:00"), "a", "b")]
    second = [sign_in(2, at("07:02")), vault_act(2, at("23:58")), rename(2, at("08:30", day=1), "b", "c")]
    undisturbed = Place(tmp_path / "undisturbed")
    undisturbed.load({"rows.jsonl": jsonl(*first, *second)})

    place = Place(tmp_path / "killed")
    place.load({"rows.jsonl": jsonl(*first)})
    place.graph()
    place.load({"rows.jsonl": jsonl(*second)})

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(*broken, killed)
        with pytest.raises(KeyboardInterrupt):
            place.graph()
    assert place.graph().tables() == undisturbed.graph().tables()
