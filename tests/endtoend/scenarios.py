"""The records of the reference scenarios, written once as workspace rows; tests/shapes.py gives them their shapes.

Constructed, not observed. Clock times are those of the article's screenshots (UTC+2 there, taken as UTC here). Number
n stands for one principal: application a…n, registration b…n, service principal d…n; its events are 100 n and above.
"""

from __future__ import annotations

from typing import Any

from tests.builders import (
    ARM,
    GRAPH,
    SUBSCRIPTION,
    Row,
    arm_act,
    at,
    audit,
    guid,
    key,
    key_change,
    managed_sign_in,
    rename,
    sign_in,
    target,
    vault_act,
)

LOG_ANALYTICS = "ca7f3f0b-7d91-482c-8e09-c5d840d0eac5"
_RESOURCES = {
    ARM: "Windows Azure Service Management API",
    GRAPH: "Microsoft Graph",
    LOG_ANALYTICS: "Log Analytics API",
}

READER, DEPLOYER, SIEM, EDITOR, FAILING, REPORTER = 11, 12, 13, 14, 15, 16
PLAIN, RENAMED_OLD, RENAMED_NEW, RENAMED_BACK, SUCCEEDED, HEIR, BY_PRINCIPAL, IMPOSTOR, DECOY = range(21, 30)

FIRST, SECOND = "52.236.147.236", "13.79.17.252"
THUMBPRINT = "AB" * 20
AZURE_BACKUP = "Azure Backup"


def _as(principal: int) -> dict[str, Any]:
    return {"principal": principal, "app": principal}


def _in(n: int, when: str, name: str, resource: str, **more: Any) -> Row:
    """A sign-in number `n` of principal n // 100."""
    shown = {"ServicePrincipalName": name, "ResourceDisplayName": _RESOURCES[resource]}
    return sign_in(n, when, resource=resource, **_as(n // 100), **{**shown, **more})


def s1() -> list[Row]:
    """The system-assigned identity of a virtual machine reads a vault through a private endpoint."""
    signed_in = {"IPAddress": "40.113.32.32", "ServicePrincipalName": "vm-reader"}
    return [
        {**managed_sign_in(1101, at("12:25:20.772"), resource=ARM, **_as(READER)), **signed_in},
        {**managed_sign_in(1102, at("12:25:33.832"), **_as(READER)), **signed_in},
        vault_act(1101, at("12:25:33.891"), ip="10.1.0.4", vault="kv-article", secret="demo", **_as(READER)),
    ]


def s2() -> list[Row]:
    """A pipeline's service principal signs in from two addresses and deploys from one: 32 records of changes."""
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-sql"
    server = f"{group}/providers/Microsoft.Sql/servers/sql1"
    parts = ("firewallRules", "databases", "databases/transparentDataEncryption")
    steps = [
        ("17:18:16.614", "Microsoft.Resources/subscriptions/resourceGroups/write", group),
        ("17:18:17.383", "Microsoft.Resources/deployments/validate/action", f"{group}/deployments/d1"),
        ("17:19:06.814", "Microsoft.Sql/servers/write", server),
        *((f"17:19:{20 + n}", f"Microsoft.Sql/servers/{parts[n % 3]}/write", f"{server}/part{n}") for n in range(22)),
        ("17:20:01", "Microsoft.Sql/servers/databases/write", f"{server}/last"),
        ("17:20:01.801", "Microsoft.Resources/deployments/write", f"{group}/deployments/d1"),
        *(("17:28:22", f"Microsoft.Authorization/policies/{what}/action", f"{server}/part{n}")
          for n, what in enumerate(("audit", "auditIfNotExists", "audit", "auditIfNotExists", "audit"))),
    ]  # fmt: skip
    assert len(steps) == 32
    return [
        *(_in(1201 + n, at(when), "deploy-pipeline", ARM, ip=FIRST)
          for n, when in enumerate(("17:17:20.622", "17:17:20.733", "17:17:21.047"))),
        _in(1204, at("17:18:16.087"), "deploy-pipeline", ARM, ip=SECOND),
        *(arm_act(1201 + n, at(when), ip=SECOND, operation=operation.upper(), resource=resource, **_as(DEPLOYER))
          for n, (when, operation, resource) in enumerate(steps)),
    ]  # fmt: skip


def _run(workflow: str, run: str, action: str, start: str, end: str) -> Row:
    return {
        "Type": "LogicAppWorkflowRuntime",
        "TimeGenerated": at(end),
        "OperationName": f"Microsoft.Logic/workflows/workflow{'Action' if action else 'Run'}Completed",
        "RunId": run,
        "ActionName": action,
        "Status": "Succeeded",
        "StartTime": at(start),
        "EndTime": at(end),
        "_ResourceId": workflow_id(workflow),
    }


def workflow_id(name: str) -> str:
    return f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg-flows/providers/microsoft.logic/workflows/{name}"


def s3() -> list[Row]:
    """A playbook queries a workspace; beside it a workflow whose managed identity another log names."""
    own = {"idtyp": "app", "oid": guid("d", REPORTER), "appid": guid("a", REPORTER), "xms_mirid": workflow_id("report")}
    return [
        _in(1301, at("16:57:18.466"), "Azure Sentinel Alerts Evidence SIEM", LOG_ANALYTICS, ip="52.166.78.89"),
        _run("playbook", "run-1301", "Run_query", "17:09:52.755", "17:09:54.120"),
        _run("playbook", "run-1301", "", "17:09:52.034", "17:09:54.500"),
        managed_sign_in(1601, at("15:00"), ServicePrincipalName="report", **_as(REPORTER)),
        {**vault_act(1601, at("15:00:01"), ip="10.1.0.9", **_as(REPORTER)), "Identity": {"claim": own}},
        _run("report", "run-1601", "", "14:59:58", "15:00:03"),
    ]


def s4() -> list[Row]:
    """A service principal with a certificate changes policies of conditional access through Microsoft Graph."""
    certificate = {"ServicePrincipalCredentialThumbprint": THUMBPRINT, "ClientCredentialType": "clientAssertion"}

    def changed(n: int, when: str, what: str, policy: int) -> Row:
        named = target("Policy", guid("8", policy))
        return audit(n, at(when), f"{what} conditional access policy", named, by_principal=EDITOR)

    return [
        _in(1401, at("16:24:39.819"), "ca-editor", GRAPH, ip="20.50.2.80", **certificate),
        changed(1401, "16:24:40.181", "Delete", 1),
        changed(1402, "16:24:40.299", "Update", 2),
    ]


# Result code → the kind of failure that it is, in the order of their hours.
FAILURES = {
    "7000222": "expiredSecret",
    "7000215": "badSecret",
    "700027": "badCertificate",
    "70021": "badFederatedCredential",
    "700016": "unknownApplication",
    "7000112": "disabled",
    "53003": "blocked",
}


def r1() -> list[Row]:
    """Three failures of every kind, each kind in an hour of its own, under changing names."""
    return [
        _in(1501 + 10 * c + n, at(f"{7 + c:02}:0{n}"), f"name {n}", (ARM, GRAPH)[n % 2], result=code)
        for c, code in enumerate(FAILURES)
        for n in range(3)
    ]


def _key_added(n: int, when: str, name: str) -> Row:
    """A second key for the application that carries this name now, beside the one that it signs in with."""
    number = n // 100
    row = key_change(
        n, at(when), [key(number)], [key(number), key(n)], number_of=number, details={"AppId": guid("a", number)}
    )
    return {**row, "TargetResources": [{**row["TargetResources"][0], "displayName": name}]}


def _renamed(n: int, when: str, old: str, new: str, kind: str = "Application") -> Row:
    return rename(n, at(when), old, new, number_of=n // 100, kind=kind, details={"AppId": guid("a", n // 100)})


def _before(n: int, name: str) -> Row:
    own = {"ServicePrincipalCredentialKeyId": guid("f", n // 100)}
    return _in(n, at("07:00"), name, ARM, **own)


def _after(n: int, name: str) -> Row:
    """A sign-in from elsewhere with the key that was added."""
    new = {"ServicePrincipalCredentialKeyId": guid("f", n)}
    return _in(n, at("10:00"), name, ARM, ip="198.51.100.77", **new)


def r2() -> list[Row]:
    """A new key although sign-ins succeed: once plainly, then with every way round the join by display name."""

    def story(number: int, old: str, new: str, after: str, *more: Row, kind: str = "Application") -> list[Row]:
        n = 100 * number
        rows = [_before(n + 1, old), _key_added(n + 2, "08:30", new), _after(n + 2, after), *more]
        return rows if old == new else [*rows, _renamed(n + 3, "08:00", old, new, kind)]

    return [
        *story(PLAIN, "plain", "plain", "plain"),
        # Sign-ins show a new name late: the new key is used under either name.
        *story(RENAMED_OLD, "payroll", AZURE_BACKUP, "payroll"),
        *story(RENAMED_NEW, "salaries", AZURE_BACKUP, AZURE_BACKUP),
        *story(RENAMED_BACK, "billing", AZURE_BACKUP, "billing",
               _renamed(100 * RENAMED_BACK + 4, "09:00", AZURE_BACKUP, "billing")),
        # Another application takes the name that the first one gave up, and signs in with it.
        *story(SUCCEEDED, "ledger", "ledger-old", "ledger-old"),
        _renamed(100 * HEIR + 1, "08:10", "spare", "ledger"),
        _before(100 * HEIR + 2, "ledger"),
        *story(BY_PRINCIPAL, "export", AZURE_BACKUP, AZURE_BACKUP, kind="ServicePrincipal"),
        # The name that is taken belongs to somebody else: the join by name accuses him.
        *story(IMPOSTOR, "scanner", "printer", "printer"),
        _before(100 * DECOY + 1, "printer"),
    ]  # fmt: skip


def others() -> list[Row]:
    """Somebody else works every hour of the next day, and once a week later: every log goes on, every token dies."""
    rows = [vault_act(900, at("12:00", day=7), **_as(9)), _in(901, at("12:01", day=7), "other", ARM)]
    for hour in range(18, 38):
        clock = {"day": hour // 24, "text": f"{hour % 24:02}:30"}
        rows.append(_in(910 + hour, at(**clock), "other", ARM))
        rows.append(arm_act(910 + hour, at(**clock), token=guid("5", 910 + hour), **_as(9)))
    return [*rows, arm_act(999, at("12:02", day=7), token=guid("5", 901), **_as(9))]


def records() -> list[Row]:
    """All of it, in one tenant."""
    return [row for part in (s1, s2, s3, s4, r1, r2, others) for row in part()]
