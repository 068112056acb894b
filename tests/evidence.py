"""Sign-ins and activities, what else is in the logs, and how far "nothing seen" can be believed then (design 8)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from graphcorr.config import Complete, Config
from tests.builders import (
    ARM,
    STORAGE,
    SUBSCRIPTION,
    TENANT,
    arm_act,
    at,
    guid,
    moment,
    own_ids,
    sign_in,
    vault_act,
    vault_id,
)

Row = dict[str, Any]
Case = tuple[Row, list[Row], tuple[Complete, ...], str]
_VAULTS = (Complete("AZKVAuditLogs"),)
_ONE_VAULT = (Complete("AZKVAuditLogs", vault_id("kv-hr")),)
# The newest event of the tenant, of a source that says nothing about vaults.
_NEWEST = sign_in(90, at("12:00", day=3), principal=9, app=9, resource=STORAGE)
OTHERS = {"principal": 9, "app": 9}

_MENTION = arm_act(93, at("06:00"), resource=vault_id("kv-two"), **OTHERS)

_DEFINITION = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{guid('9', 1)}"
_ASSIGNED = {"PrincipalId": guid("d", 9), "RoleDefinitionId": _DEFINITION, "Scope": vault_id("kv-two")}
_ROLE = arm_act(
    94, at("06:00"), operation="MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/WRITE", **OTHERS,
    Properties_d={"requestbody": json.dumps({"Properties": _ASSIGNED})},
)  # fmt: skip


def _vault_from(first: str, last: str, last_day: int, **more: Any) -> list[Row]:
    return [vault_act(91, at(first), **OTHERS, **more), vault_act(92, at(last, last_day), **OTHERS, **more)]


# (sign-in, other records, declarations, its evidence)
SIGN_INS: list[Case] = [
        (sign_in(1, at("07:00"), result="50126"), [_NEWEST], (), "notApplicable"),
        (sign_in(1, at("07:00"), resource=guid("9", 7)), [_NEWEST], (), "noSource"),
        (sign_in(1, at("07:00"), resource=STORAGE), [_NEWEST], (), "noLoader"),
        (sign_in(1, at("07:00")), [_NEWEST], (), "notCollected"),
        # Newest event 10:39, token until 08:30, log until 08:40, two hours of doubt: 10:40.
        (sign_in(1, at("07:00")), _vault_from("06:00", "10:39", 0), _VAULTS, "tooRecent"),
        (sign_in(1, at("07:00")), _vault_from("06:00", "10:41", 0), _VAULTS, "complete"),
        # The vaults stopped earlier than the tenant.
        (sign_in(1, at("07:00")), [*_vault_from("06:00", "08:00", 0), _NEWEST], (), "gap"),
        (sign_in(1, at("07:00")), [*_vault_from("07:30", "12:00", 3), _NEWEST], (), "gap"),
        # Silent between two events that nobody vouches for.
        (sign_in(1, at("07:00")), _vault_from("06:00", "12:00", 3), (), "gap"),
        (sign_in(1, at("07:00")), _vault_from("06:00", "12:00", 3), _VAULTS, "complete"),
        (sign_in(1, at("07:00")), _vault_from("06:00", "12:00", 3),
         (Complete("AZKVAuditLogs", None, moment("08:00"), None),), "gap"),
        (sign_in(1, at("07:00")), _vault_from("06:00", "12:00", 3), _ONE_VAULT, "complete"),
        (sign_in(1, at("07:00"), resource=ARM),
         [arm_act(91, at("06:00"), **OTHERS), arm_act(92, at("12:00", 3), **OTHERS)],
         (Complete("AzureActivity"),), "changesOnly"),
        # Another vault is known from the activity log and delivers nothing.
        (sign_in(1, at("07:00")), [*_vault_from("06:00", "12:00", 3), _MENTION],
         _ONE_VAULT, "partialScopes"),
        (sign_in(1, at("07:00")), [*_vault_from("06:00", "12:00", 3), _MENTION],
         _VAULTS, "complete"),
        # Or from the scope of a role.
        (sign_in(1, at("07:00")), [*_vault_from("06:00", "12:00", 3), _ROLE], _ONE_VAULT, "partialScopes"),
        # Nothing delivered, but the operator says that all there was is here.
        (sign_in(1, at("07:00")), [sign_in(89, at("05:00"), resource=STORAGE, **OTHERS), _NEWEST],
         _VAULTS, "complete"),
        # A source whose records have no time covers nothing.
        (sign_in(1, at("07:00")), [vault_act(91, None, **OTHERS), _NEWEST], (), "gap"),
]  # fmt: skip


def apart(row: Row, number: int) -> Row:
    """The same record in a tenant and subscription of its own."""
    text = json.dumps(own_ids(row, number)).replace(TENANT, tenant_of(number))
    moved: Row = json.loads(text.replace(SUBSCRIPTION, guid("3", 100 + number)))
    return moved


_COVERED = [sign_in(80, at("00:00", -3), **OTHERS), sign_in(81, at("12:00", 3), **OTHERS)]
_SIGN_INS = (Complete("AADServicePrincipalSignInLogs"), Complete("AADManagedIdentitySignInLogs"))
_KNOWN = sign_in(82, at("00:00", -3))


# (activity, other records, declarations, its evidence)
ACTIVITIES: list[Case] = [
        (vault_act(1, at("07:00")), [arm_act(91, at("12:00", 3), **OTHERS)], (), "notCollected"),
        (vault_act(1, at("07:00")), [_KNOWN, *_COVERED], _SIGN_INS, "complete"),
        (vault_act(1, at("07:00")), [_KNOWN, *_COVERED], (), "gap"),
        (vault_act(1, at("11:00", 3)), [_KNOWN, *_COVERED], _SIGN_INS, "tooRecent"),
        (vault_act(1, at("07:00")), [sign_in(82, at("06:59"), resource=STORAGE), _COVERED[1]], (),
         "tokenOlderThanCoverage"),
        # The token says that it was issued inside the coverage.
        (arm_act(1, at("07:40"), issued=moment("07:00")), [sign_in(82, at("06:59:59")), *_COVERED],
         _SIGN_INS, "complete"),
        # A principal never seen to sign in may be a managed identity: both logs are needed.
        (vault_act(1, at("07:00")), _COVERED, (_SIGN_INS[0],), "notCollected"),
        (vault_act(1, at("07:00")), _COVERED, _SIGN_INS, "complete"),
        # Azure Logic Apps: sign-ins of Microsoft's own applications have a category of their own.
        ({**vault_act(1, at("07:00")), "Identity": {"claim": {
            "oid": guid("d", 1), "appid": "7cd684f4-8a78-49b0-91ec-6a35d38739ba", "idtyp": "app"}}},
         _COVERED, _SIGN_INS, "microsoftOwned"),
]  # fmt: skip


def configured(cases: list[Case]) -> Iterator[tuple[list[int], list[Row], Config]]:
    """For equal declarations: numbers of the cases, their records in tenants of their own, and the configuration."""
    for complete in dict.fromkeys(case[2] for case in cases):
        members = [number for number, case in enumerate(cases) if case[2] == complete]
        scoped = {
            replace(c, scope=c.scope and c.scope.replace(SUBSCRIPTION, guid("3", 100 + number)))
            for c in complete for number in members
        }  # fmt: skip
        rows = [apart(row, number) for number in members for row in (cases[number][0], *cases[number][1])]
        subscriptions = {guid("3", 100 + number): tenant_of(number) for number in members}
        yield members, rows, Config(subscriptions=subscriptions, complete=tuple(sorted(scoped, key=str)))


def tenant_of(number: int) -> str:
    return guid("1", 100 + number)
