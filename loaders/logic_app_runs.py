"""LogicAppWorkflowRuntime: runs of Logic Apps, also from AzureDiagnostics and exports → WorkflowEvent."""

from __future__ import annotations

import re
from datetime import timedelta

from msgspec import Struct

from graphcorr import ids, times
from graphcorr.errors import RecordError
from graphcorr.ingest.fields import as_object, as_text, as_value, first
from graphcorr.ingest.inventory import date_or_none
from graphcorr.ingest.loader import Carrier, Context, JsonObject, Loader
from graphcorr.records import WorkflowEvent

SOURCE = "LogicAppWorkflowRuntime"

_MILLISECOND = timedelta(milliseconds=1)
_SECOND = timedelta(seconds=1)

# Parts of a run inside the resource id of an export: `…/workflows/<name>/runs/<run>/actions/<action>`.
_RUN = re.compile(
    r"^(?P<workflow>.+?)/runs/(?P<run>[^/]+)(?:/(?P<kind>actions|triggers)/(?P<name>[^/]+))?", re.IGNORECASE
)
_TRIGGER = re.compile(r"^(?P<workflow>.+?)/triggers/(?P<name>[^/]+)", re.IGNORECASE)


class _Event(Struct, kw_only=True):
    """The parts of one record under one name, still as written: what the three shapes have in common."""

    time: object
    operation: object
    resource: object
    run_id: object
    action: object
    trigger: object
    status: object
    code: object
    start: object
    end: object
    action_tracking: object
    client_tracking: object
    tenant: object = None
    workspace: object = None


def _parse_export(obj: JsonObject, context: Context) -> WorkflowEvent:
    properties = as_object(obj.get("properties")) or {}
    resource = as_object(properties.get("resource")) or {}
    correlation = as_object(properties.get("correlation")) or {}
    return _workflow_event(
        _Event(
            time=obj.get("time"),
            operation=obj.get("operationName"),
            resource=first(obj, "resourceId", "workflowId") or context.path_resource_id,
            run_id=resource.get("runId"),
            action=resource.get("actionName"),
            trigger=resource.get("triggerName"),
            status=properties.get("status"),
            code=properties.get("code"),
            start=properties.get("startTime"),
            end=properties.get("endTime"),
            action_tracking=correlation.get("actionTrackingId"),
            client_tracking=correlation.get("clientTrackingId"),
            tenant=obj.get("tenantId"),
        )
    )


def _parse_row(obj: JsonObject, context: Context) -> WorkflowEvent:
    """A row of LogicAppWorkflowRuntime or of AzureDiagnostics, whose column suffixes are chosen per value."""
    # AzureDiagnostics keeps what does not fit into 500 columns here, under the names that the columns would have.
    overflow = as_object(obj.get("AdditionalFields"))
    row = {**overflow, **obj} if overflow else obj
    return _workflow_event(
        _Event(
            time=row.get("TimeGenerated"),
            operation=row.get("OperationName"),
            resource=first(row, "_ResourceId", "ResourceId", "workflowId_s") or ids.arm_id(row.get("WorkflowId")),
            run_id=first(row, "RunId", "resource_runId_s", "resource_runId_g"),
            action=first(row, "ActionName", "resource_actionName_s"),
            trigger=first(row, "TriggerName", "resource_triggerName_s"),
            status=first(row, "Status", "status_s"),
            code=first(row, "Code", "code_s"),
            start=first(row, "StartTime", "startTime_t"),
            end=first(row, "EndTime", "endTime_t"),
            action_tracking=first(
                row, "ActionTrackingId", "correlation_actionTrackingId_g", "correlation_actionTrackingId_s"
            ),
            client_tracking=first(
                row, "ClientTrackingId", "correlation_clientTrackingId_s", "correlation_clientTrackingId_g"
            ),
            workspace=row.get("TenantId"),
        )
    )


def _workflow_event(event: _Event) -> WorkflowEvent:
    written = event.resource if isinstance(event.resource, str) else ""
    place = _RUN.match(written) or _TRIGGER.match(written)
    parts = place.groupdict() if place else {}
    workflow = ids.arm_id(parts.get("workflow") or written)
    # Written `…CU01`, and in lower case where a column has its path.
    run_id = _lower(as_value(event.run_id) or parts.get("run"))
    if workflow is None and run_id is None:
        raise RecordError(
            "workflow record without workflow and run", hint="expected resourceId or _ResourceId, and runId"
        )
    operation = (as_text(event.operation) or "unknown").rpartition("/")[2]
    # Exports write the name in upper case into the path; the field beside it is as in the designer.
    action = as_value(event.action) or (parts.get("name") if (parts.get("kind") or "").lower() == "actions" else None)
    trigger = as_value(event.trigger) or (parts.get("name") if action is None else None)
    status = as_value(event.status)
    tracking = ids.object_id(event.action_tracking)
    at = times.parse_time(event.time)
    since_epoch = at - times.EPOCH if at else None
    key = [run_id or workflow, _lower(action or trigger), operation.lower(), _lower(status)]
    if action is not None and tracking is not None:  # the steps of a loop have one name; all shapes state this id
        key.append(tracking)
    return WorkflowEvent(
        source=SOURCE,
        event_key="la:" + ids.digest(*key, None if since_epoch is None else since_epoch // _MILLISECOND),
        second_key=None if since_epoch is None else "la:" + ids.digest(*key, since_epoch // _SECOND),
        whole_seconds=at is not None and not times.has_fraction(event.time),
        at=at,
        tenant_id=ids.guid(event.tenant),
        workspace_id=ids.guid(event.workspace),
        subscription_id=ids.subscription_of(workflow),
        scope=workflow,
        resource_id=workflow,
        run_id=run_id,
        action_name=action,
        trigger_name=trigger,
        operation=operation,
        status=status,
        code=as_value(event.code),
        started_at=date_or_none(event.start),
        ended_at=date_or_none(event.end),
        action_tracking_id=tracking,
        client_tracking_id=as_text(event.client_tracking),
    )


def _lower(text: str | None) -> str | None:
    return text.lower() if text is not None else None


def _claims_row(keys: frozenset[str], obj: JsonObject, context: Context) -> bool:
    """Rows without table and category: projected columns that only these tables have."""
    if not keys.isdisjoint(("Type", "$table", "Category")):
        return False
    return {"RunId", "WorkflowName"} <= keys or "resource_runId_s" in keys


LOADER = Loader(
    source=SOURCE,
    record=WorkflowEvent,
    title="Runs of Logic Apps with their triggers and actions; the log names no identity.",
    parse={Carrier.EXPORT: _parse_export, Carrier.ROW: _parse_row, Carrier.CSV: _parse_row},
    categories=("WorkflowRuntime",),
    tables=(SOURCE, "AzureDiagnostics"),
    claims={Carrier.ROW: _claims_row, Carrier.CSV: _claims_row},
)
