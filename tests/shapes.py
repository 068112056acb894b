"""Constructed rows (tests/builders.py) in four shapes: diagnostic export, workspace, portal CSV, Graph API."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from tests.builders import TENANT, Row, jsonl

_CATEGORIES = {
    "AADServicePrincipalSignInLogs": "ServicePrincipalSignInLogs",
    "AADManagedIdentitySignInLogs": "ManagedIdentitySignInLogs",
    "SigninLogs": "SignInLogs",
    "AuditLogs": "AuditLogs",
    "AzureActivity": "Administrative",
    "AZKVAuditLogs": "AuditEvent",
    "LogicAppWorkflowRuntime": "WorkflowRuntime",
}
_TIMES = {"TimeGenerated", "CreatedDateTime", "ActivityDateTime", "StartTime", "EndTime"}


def exported(*rows: Row) -> dict[str, bytes]:
    """A diagnostic setting's files: one per category, JSON lines with CRLF."""
    files: dict[str, list[str]] = {}
    for row in rows:
        category = _CATEGORIES[row["Type"]]
        record = {"time": row["TimeGenerated"], "category": category, **_EXPORTS[row["Type"]](row)}
        files.setdefault(f"insights-logs-{category.lower()}.json", []).append(json.dumps(record) + "\r\n")
    return {name: "".join(lines).encode() for name, lines in files.items()}


def workspace_rows(*rows: Row) -> dict[str, bytes]:
    """The answer of a workspace as JSON lines, one file per table."""
    tables = sorted({row["Type"] for row in rows})
    return {f"{table}.jsonl": jsonl(*(row for row in rows if row["Type"] == table)) for table in tables}


def portal_csv(*rows: Row) -> dict[str, bytes]:
    """A portal's CSV, one file per table: US times to the millisecond, other key order, no nulls."""
    return {f"{table}.csv": _csv([r for r in rows if r["Type"] == table]) for table in {row["Type"] for row in rows}}


def graph_api(*rows: Row) -> dict[str, bytes]:
    """Pages of the Graph and management APIs, one file per table; what has no API comes from a diagnostic setting.

    Sign-ins state fractions of a second here, so that times can be compared; the API mostly leaves them out.
    """
    pages: dict[str, list[Row]] = {}
    for row in rows:
        if row["Type"] in _PAGES:
            pages.setdefault(row["Type"], []).append(_PAGES[row["Type"]](row))
    files = {f"{table}.json": json.dumps({"value": page}).encode() for table, page in pages.items()}
    return {**files, **exported(*(row for row in rows if row["Type"] not in _PAGES))}


SHAPES: dict[str, Callable[..., dict[str, bytes]]] = {
    "export": exported,
    "workspace": workspace_rows,
    "csv": portal_csv,
    "graph": graph_api,
}


def _sign_in(row: Row) -> Row:
    named = {
        name[0].lower() + name[1:]: value
        for name, value in row.items()
        if name not in _OF_ENVELOPE and not name.startswith("Resource")
    }
    return {
        **_entra(row),
        "operationName": "Sign-in activity",
        "resultType": row["ResultType"],
        "callerIpAddress": row["IPAddress"],
        "properties": {
            **named,
            "ipAddress": row["IPAddress"],
            "status": {"errorCode": int(row["ResultType"])},
            "resourceId": row["ResourceIdentity"],
            "resourceDisplayName": row.get("ResourceDisplayName"),
        },
    }


_OF_ENVELOPE = {"Type", "AADTenantId", "TimeGenerated", "ResultType", "IPAddress"}


def _audit(row: Row) -> Row:
    return {
        **_entra(row),
        "operationName": row["OperationName"],
        "correlationId": row["CorrelationId"],
        "properties": {
            "id": row["Id"],
            "category": row["Category"],
            "correlationId": row["CorrelationId"],
            "result": row["Result"],
            "activityDisplayName": row["OperationName"],
            "activityDateTime": row["ActivityDateTime"],
            "initiatedBy": row["InitiatedBy"],
            "targetResources": row["TargetResources"],
            "additionalDetails": row["AdditionalDetails"],
        },
    }


def _entra(row: Row) -> Row:
    tenant = row["AADTenantId"]
    return {"resourceId": f"/tenants/{tenant}/providers/Microsoft.aadiam", "tenantId": tenant}


def _arm(row: Row) -> Row:
    return {
        "resourceId": row["ResourceId"].upper(),
        "operationName": row["OperationNameValue"],
        "resultType": row["ActivityStatusValue"],
        "resultSignature": "Succeeded.OK",
        "callerIpAddress": row["CallerIpAddress"],
        "correlationId": row["CorrelationId"],
        "identity": {"claims": row["Claims_d"]},
        "tenantId": TENANT,
    }


def _vault(row: Row) -> Row:
    return {
        "operationName": row["OperationName"],
        "resultType": row["ResultType"],
        "correlationId": row["CorrelationId"],
        "callerIpAddress": row["CallerIpAddress"],
        "identity": row["Identity"],
        "properties": {"id": row["Id"], "httpStatusCode": row["HttpStatusCode"]},
        "resourceId": row["_ResourceId"].upper(),
    }


def _workflow(row: Row) -> Row:
    workflow = row["_ResourceId"].upper()
    action = f"/ACTIONS/{row['ActionName'].upper()}" if row["ActionName"] else ""
    return {
        "resourceId": f"{workflow}/RUNS/{row['RunId']}{action}",
        "workflowId": workflow,
        "operationName": row["OperationName"],
        "properties": {
            "startTime": row["StartTime"],
            "endTime": row["EndTime"],
            "status": row["Status"],
            "resource": {"runId": row["RunId"], **({"actionName": row["ActionName"]} if action else {})},
        },
    }


def _sign_in_of_page(row: Row) -> Row:
    # The API knows no owner tenants.
    names = {"IPAddress", "ResultType", "ResourceIdentity", "AADTenantId", "TimeGenerated", "Type"}
    named = {
        name[0].lower() + name[1:]: value
        for name, value in row.items()
        if name not in names and not name.endswith("OwnerTenantId")
    }
    kind = "managedIdentity" if row["Type"] == "AADManagedIdentitySignInLogs" else "servicePrincipal"
    return {
        **named,
        "signInEventTypes": [kind],
        "ipAddress": row["IPAddress"],
        "resourceId": row["ResourceIdentity"],
        "status": {"errorCode": int(row["ResultType"])},
    }


def _audit_of_page(row: Row) -> Row:
    record: Row = _audit(row)["properties"]
    return record


def _arm_of_page(row: Row) -> Row:
    return {
        "eventTimestamp": row["TimeGenerated"],
        "eventDataId": row["EventDataId"],
        "operationName": {"value": row["OperationNameValue"], "localizedValue": "as shown"},
        "status": {"value": "Succeeded", "localizedValue": "Succeeded"},
        "category": {"value": "Administrative"},
        "resourceId": row["ResourceId"],
        "correlationId": row["CorrelationId"],
        "caller": row["Caller"],
        "httpRequest": {"clientIpAddress": row["CallerIpAddress"]},
        "claims": row["Claims_d"],
        "subscriptionId": row["SubscriptionId"],
    }


_PAGES = {
    "AADServicePrincipalSignInLogs": _sign_in_of_page,
    "AADManagedIdentitySignInLogs": _sign_in_of_page,
    "AuditLogs": _audit_of_page,
    "AzureActivity": _arm_of_page,
}

_EXPORTS = {
    "AADServicePrincipalSignInLogs": _sign_in,
    "AADManagedIdentitySignInLogs": _sign_in,
    "AuditLogs": _audit,
    "AzureActivity": _arm,
    "AZKVAuditLogs": _vault,
    "LogicAppWorkflowRuntime": _workflow,
}


def _csv(rows: Sequence[Row]) -> bytes:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([f"{name} [UTC]" if name in _TIMES else name for name in columns])
    writer.writerows([_cell(name, row.get(name)) for name in columns] for row in rows)
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name in _TIMES:
        at = datetime.fromisoformat(value)
        assert at.microsecond % 1000 == 0, "a portal's CSV has milliseconds"
        clock = f"{at.hour % 12 or 12}:{at.minute:02}:{at.second:02}.{at.microsecond // 1000:03}"
        return f"{at.month}/{at.day}/{at.year}, {clock} {'AM' if at.hour < 12 else 'PM'}"
    if isinstance(value, bool):
        return str(value).upper()
    return json.dumps(_stated(value), separators=(",", ":")) if isinstance(value, dict | list) else str(value)


def _stated(value: Any) -> Any:
    """Without nulls and in another order of keys, as a workspace gives dynamic columns back."""
    if isinstance(value, dict):
        return {name: _stated(part) for name, part in reversed(value.items()) if part is not None}
    return [_stated(part) for part in value] if isinstance(value, list) else value
