"""Shapes of the sample: one event → the record of a diagnostic export, a workspace's table, or Microsoft Graph."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from graphcorr.sample.events import (
    ArmCall,
    Audit,
    Event,
    GraphCall,
    Indicator,
    Property,
    SignIn,
    Target,
    VaultCall,
    WorkflowStep,
    token_id,
)
from graphcorr.sample.tenant import MICROSOFT_TENANT, Tenant

Json = dict[str, Any]


@dataclass(frozen=True)
class Log:
    """One log: its category in exports, its table in workspaces, its collection in Microsoft Graph ("" = none)."""

    category: str
    table: str
    collection: str = ""


LOGS = {
    "user": Log("SignInLogs", "SigninLogs"),
    "nonInteractive": Log("NonInteractiveUserSignInLogs", "AADNonInteractiveUserSignInLogs"),
    "servicePrincipal": Log("ServicePrincipalSignInLogs", "AADServicePrincipalSignInLogs", "auditLogs/signIns"),
    "managedIdentity": Log("ManagedIdentitySignInLogs", "AADManagedIdentitySignInLogs", "auditLogs/signIns"),
    "audit": Log("AuditLogs", "AuditLogs", "auditLogs/directoryAudits"),
    "graph": Log("MicrosoftGraphActivityLogs", "MicrosoftGraphActivityLogs"),
    "arm": Log("Administrative", "AzureActivity"),
    "vault": Log("AuditEvent", "AZKVAuditLogs"),
    "workflow": Log("WorkflowRuntime", "LogicAppWorkflowRuntime"),
    # Lists of a workspace; no diagnostic setting exports them.
    "indicator": Log("", "ThreatIntelIndicators"),
}

# Columns of workspace tables that hold a time: a portal's CSV names their zone.
TIME_COLUMNS = frozenset(
    {
        "TimeGenerated",
        "CreatedDateTime",
        "ActivityDateTime",
        "EventSubmissionTimestamp",
        "TokenIssuedAt",
        "StartTime",
        "EndTime",
    }
)

_REASONS = {
    7000215: "Invalid client secret provided.",
    7000222: "The provided client secret keys are expired.",
    7000112: "Application is disabled.",
}
_EVENT_TYPES = {"user": "interactiveUser", "nonInteractive": "nonInteractiveUser"}
_OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"


def log_of(event: Event) -> Log:
    """The log that an event is written to."""
    match event:
        case SignIn():
            return LOGS[event.kind]
        case Audit():
            return LOGS["audit"]
        case GraphCall():
            return LOGS["graph"]
        case ArmCall():
            return LOGS["arm"]
        case VaultCall():
            return LOGS["vault"]
        case WorkflowStep():
            return LOGS["workflow"]
        case Indicator():
            return LOGS["indicator"]


def export(tenant: Tenant, event: Event, delay: float) -> Json:
    """The record of a diagnostic setting; `delay` seconds passed until it was written."""
    match event:
        case SignIn():
            return _sign_in_export(tenant, event, delay)
        case Audit():
            return _audit_export(tenant, event)
        case GraphCall():
            return _graph_export(tenant, event)
        case ArmCall():
            return _arm_export(tenant, event)
        case VaultCall():
            return _vault_export(tenant, event)
        case WorkflowStep():
            return _workflow_export(tenant, event)
        case Indicator():
            raise ValueError("indicators are rows of a workspace only")


def row(tenant: Tenant, event: Event, delay: float) -> Json:
    """The row of a workspace's table. Rows of one table have the same columns in the same order."""
    match event:
        case SignIn():
            return _sign_in_row(tenant, event, delay)
        case Audit():
            return _audit_row(tenant, event)
        case GraphCall():
            return _graph_row(tenant, event)
        case ArmCall():
            return _arm_row(tenant, event, delay)
        case VaultCall():
            return _vault_row(tenant, event)
        case WorkflowStep():
            return _workflow_row(tenant, event)
        case Indicator():
            return _indicator_row(tenant, event)


def graph_object(tenant: Tenant, event: Event) -> Json:
    """The object of Microsoft Graph; only for logs that have a collection. Sign-ins state whole seconds there."""
    if isinstance(event, Audit):
        shown = _audit_properties(event)
        del shown["userAgent"]
        initiator = shown["initiatedBy"]
        shown["initiatedBy"] = {"user": initiator.get("user"), "app": initiator.get("app")}
        return {**shown, "activityDateTime": stamp(event.at)}
    assert isinstance(event, SignIn)
    shown = _sign_in_properties(tenant, event)
    for name in ("appOwnerTenantId", "resourceOwnerTenantId", "agent"):
        shown.pop(name, None)
    shown["createdDateTime"] = event.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    if event.kind == "managedIdentity":
        shown["managedServiceIdentity"] = {"msiType": "systemAssigned", "associatedResourceId": ""}
    return shown


def stamp(at: datetime) -> str:
    """A time as exports write it: seven digits, Z."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond:06}0Z"


def portal_time(text: str) -> str:
    """The time of a row as the portal's CSV writes it: US order, milliseconds."""
    at = datetime.fromisoformat(text)
    clock = f"{at.hour % 12 or 12}:{at.minute:02}:{at.second:02}.{at.microsecond // 1000:03}"
    return f"{at.month}/{at.day}/{at.year}, {clock} {'AM' if at.hour < 12 else 'PM'}"


def _dense(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _envelope(tenant: Tenant, log: Log, time: datetime, operation: str, correlation: str) -> Json:
    return {
        "time": stamp(time),
        "resourceId": f"/tenants/{tenant.id}/providers/Microsoft.aadiam",
        "operationName": operation,
        "operationVersion": "1.0",
        "category": log.category,
        "tenantId": tenant.id,
        "durationMs": 0,
        "correlationId": correlation,
    }


# -- sign-ins --------------------------------------------------------------------------------------------------------


def _reason(event: SignIn) -> str:
    return _REASONS.get(event.code, "Other.") if event.code else ""


def _sign_in_properties(tenant: Tenant, event: SignIn) -> Json:
    person = event.kind in ("user", "nonInteractive")
    shown: Json = {
        "id": event.id,
        "createdDateTime": stamp(event.at),
        "userDisplayName": event.user_name.partition("@")[0],
        "userPrincipalName": event.user_name,
        "userId": event.user_id,
        "agent": {"agentType": "notAgentic"},
        "appId": event.app_id,
        "appDisplayName": event.name if event.kind != "servicePrincipal" else "",
        "ipAddress": event.ip,
        "status": {"errorCode": event.code, **({"failureReason": _reason(event)} if event.code else {})},
        "clientAppUsed": "Browser" if person else "",
        "correlationId": event.correlation,
        "conditionalAccessStatus": "notApplied",
        "isInteractive": event.kind == "user",
        "resourceDisplayName": event.service.name,
        "resourceId": event.service.app_id,
        "signInEventTypes": [_EVENT_TYPES.get(event.kind, event.kind)],
        "resourceServicePrincipalId": event.service_principal,
        "uniqueTokenIdentifier": token_id(event.id),
        "resourceOwnerTenantId": MICROSOFT_TENANT,
        "riskState": "none",
    }
    if event.country:
        shown["location"] = {"city": "", "state": "", "countryOrRegion": event.country, "geoCoordinates": {}}
    if not person:
        shown |= {"servicePrincipalName": event.name, "servicePrincipalId": event.object_id}
    if event.kind == "servicePrincipal":
        shown |= {
            "servicePrincipalCredentialKeyId": event.key_id,
            "servicePrincipalCredentialThumbprint": event.thumbprint,
            "federatedCredentialId": event.federated_id,
            "clientCredentialType": event.credential_type,
            "appOwnerTenantId": event.owner_tenant,
        }
    return shown


def _sign_in_export(tenant: Tenant, event: SignIn, delay: float) -> Json:
    log = log_of(event)
    shown = _envelope(tenant, log, event.at + timedelta(seconds=delay), "Sign-in activity", event.correlation)
    shown |= {"resultType": str(event.code), "resultSignature": "FAILURE" if event.code else "SUCCESS", "level": "4"}
    if event.code:
        shown["resultDescription"] = _reason(event)
    if event.ip:
        shown["callerIpAddress"] = event.ip
    shown["properties"] = _sign_in_properties(tenant, event)
    return shown


def _sign_in_row(tenant: Tenant, event: SignIn, delay: float) -> Json:
    log = log_of(event)
    shown: Json = {
        "TenantId": tenant.workspace,
        "SourceSystem": "Azure AD",
        "TimeGenerated": stamp(event.at + timedelta(seconds=delay)),
        "CreatedDateTime": stamp(event.at),
        "OperationName": "Sign-in activity",
        "OperationVersion": "1.0",
        "Category": log.category,
        "ResultType": str(event.code),
        "ResultSignature": "FAILURE" if event.code else "SUCCESS",
        "ResultDescription": _reason(event),
        "DurationMs": 0,
        "CorrelationId": event.correlation,
        "ResourceGroup": "Microsoft.aadiam",
        "Location": event.country,
        "AppId": event.app_id,
        "ConditionalAccessStatus": "notApplied",
        "IPAddress": event.ip,
        "ResourceDisplayName": event.service.name,
        "ResourceIdentity": event.service.app_id,
        "ResourceServicePrincipalId": event.service_principal,
        "ResourceOwnerTenantId": MICROSOFT_TENANT,
        "UniqueTokenIdentifier": token_id(event.id),
    }
    if event.kind in ("user", "nonInteractive"):
        shown |= {
            "AppDisplayName": event.name,
            "UserId": event.user_id,
            "UserPrincipalName": event.user_name,
            "UserDisplayName": event.user_name.partition("@")[0],
            "IsInteractive": event.kind == "user",
            "ServicePrincipalId": "",
            "ClientAppUsed": "Browser",
            "Status": {"errorCode": event.code} if event.kind == "user" else _dense({"errorCode": event.code}),
        }
    else:
        shown |= {
            "ServicePrincipalId": event.object_id,
            "ServicePrincipalName": event.name,
            "ServicePrincipalCredentialKeyId": event.key_id,
            "ServicePrincipalCredentialThumbprint": event.thumbprint,
            "FederatedCredentialId": event.federated_id,
            "ClientCredentialType": event.credential_type,
            "AppOwnerTenantId": event.owner_tenant,
            "LocationDetails": _dense({"countryOrRegion": event.country}) if event.country else "",
        }
    return {**shown, "Type": log.table, "Id": event.id, "AADTenantId": tenant.id}


# -- audit -----------------------------------------------------------------------------------------------------------


def _target(target: Target) -> Json:
    shown: Json = {"id": target.id, "displayName": target.name, "type": target.type}
    if target.user_name is not None:
        shown["userPrincipalName"] = target.user_name
    shown["modifiedProperties"] = [_property(changed) for changed in target.properties]
    shown["administrativeUnits"] = []
    return shown


def _property(changed: Property) -> Json:
    return {"displayName": changed.name, "oldValue": changed.old, "newValue": changed.new}


def _initiator(event: Audit) -> Json:
    actor = event.actor
    if actor.user_name:
        return {
            "user": {
                "id": actor.id,
                "displayName": None,
                "userPrincipalName": actor.user_name,
                "ipAddress": actor.ip,
                "roles": [],
            }
        }
    # The app id is never stated here (log-facts 1.4).
    return {
        "app": {"appId": None, "displayName": actor.name, "servicePrincipalId": actor.id, "servicePrincipalName": None}
    }


def _audit_properties(event: Audit) -> Json:
    return {
        "id": event.id,
        "category": event.category,
        "correlationId": event.correlation,
        "result": "success",
        "resultReason": "",
        "activityDisplayName": event.operation,
        "activityDateTime": stamp(event.at).removesuffix("Z") + "+00:00",
        "loggedByService": "Core Directory",
        "operationType": event.operation_type,
        "userAgent": None,
        "initiatedBy": _initiator(event),
        "targetResources": [_target(target) for target in event.targets],
        "additionalDetails": [{"key": key, "value": value} for key, value in event.details],
    }


def _audit_export(tenant: Tenant, event: Audit) -> Json:
    shown = _envelope(tenant, log_of(event), event.at, event.operation, event.correlation)
    shown |= {"resultSignature": "None", "Level": 4}
    if event.actor.ip:
        shown["callerIpAddress"] = event.actor.ip
    if not event.actor.user_name:
        shown["identity"] = event.actor.name
    return {**shown, "properties": _audit_properties(event)}


def _audit_row(tenant: Tenant, event: Audit) -> Json:
    return {
        "TenantId": tenant.workspace,
        "SourceSystem": "Azure AD",
        "TimeGenerated": stamp(event.at),
        "ResourceId": f"/tenants/{tenant.id}/providers/Microsoft.aadiam",
        "OperationName": event.operation,
        "OperationVersion": "1.0",
        "Category": event.category,
        "ResultType": "",
        "ResultSignature": "None",
        "DurationMs": 0,
        "CorrelationId": event.correlation,
        "Resource": "Microsoft.aadiam",
        "ResourceGroup": "Microsoft.aadiam",
        "Identity": "" if event.actor.user_name else event.actor.name,
        "Level": "4",
        # Workspaces lose nulls and the order of keys.
        "AdditionalDetails": _dense([{"value": value, "key": key} for key, value in event.details]),
        "Id": event.id,
        "InitiatedBy": _dense(_stated(_initiator(event))),
        "LoggedByService": "Core Directory",
        "Result": "success",
        "ResultReason": "",
        "TargetResources": _dense([_stated(_target(target)) for target in event.targets]),
        "AADTenantId": tenant.id,
        "ActivityDisplayName": event.operation,
        "ActivityDateTime": stamp(event.at),
        "AADOperationType": event.operation_type,
        "Type": "AuditLogs",
    }


def _stated(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _stated(part) for key, part in reversed(list(value.items())) if part is not None}
    return [_stated(part) for part in value] if isinstance(value, list) else value


# -- Microsoft Graph -------------------------------------------------------------------------------------------------


def _graph_export(tenant: Tenant, event: GraphCall) -> Json:
    return {
        "time": stamp(event.at),
        "resourceId": f"/TENANTS/{tenant.id.upper()}/PROVIDERS/MICROSOFT.AADIAM",
        "operationName": "Microsoft Graph Activity",
        "operationVersion": "v1.0",
        "category": "MicrosoftGraphActivityLogs",
        "resultSignature": str(event.status),
        "durationMs": "48137",
        "callerIpAddress": event.ip,
        "correlationId": event.id,
        "level": "Informational",
        "location": "West Europe",
        "properties": {
            "timeGenerated": stamp(event.at),
            "location": "West Europe",
            "requestId": event.id,
            "operationId": event.id,
            "clientRequestId": event.id,
            "apiVersion": "v1.0",
            "requestMethod": event.method,
            "responseStatusCode": event.status,
            "tenantId": tenant.id,
            "durationMs": 48137,
            "responseSizeBytes": 1600,
            "signInActivityId": token_id(event.token),
            "roles": event.roles,
            "appId": event.app_id,
            "UserPrincipalObjectID": event.object_id,
            "scopes": "",
            "identityProvider": f"https://sts.windows.net/{tenant.id}/",
            "clientAuthMethod": "1",
            "wids": "",
            "C_Idtyp": "app",
            "ipAddress": event.ip,
            "userAgent": "azsdk-net-Graph/5.91.0",
            "requestUri": f"https://graph.microsoft.com/v1.0{event.path}",
            "servicePrincipalId": event.object_id,
            "tokenIssuedAt": stamp(event.issued.replace(microsecond=0)),
        },
        "tenantId": tenant.id,
    }


def _graph_row(tenant: Tenant, event: GraphCall) -> Json:
    return {
        "TenantId": tenant.workspace,
        "TimeGenerated": stamp(event.at),
        "Location": "West Europe",
        "RequestId": event.id,
        "OperationId": event.id,
        "ClientRequestId": event.id,
        "ApiVersion": "v1.0",
        "RequestMethod": event.method,
        "ResponseStatusCode": event.status,
        "AadTenantId": tenant.id,
        "IPAddress": event.ip,
        "UserAgent": "azsdk-net-Graph/5.91.0",
        "RequestUri": f"https://graph.microsoft.com/v1.0{event.path}",
        "DurationMs": 48137,
        "ResponseSizeBytes": 1600,
        "SignInActivityId": token_id(event.token),
        "Roles": event.roles,
        "TokenIssuedAt": stamp(event.issued.replace(microsecond=0)),
        "AppId": event.app_id,
        "UserId": "",
        "ServicePrincipalId": event.object_id,
        "Scopes": "",
        "IdentityProvider": f"https://sts.windows.net/{tenant.id}/",
        "ClientAuthMethod": 1,
        "Wids": "",
        "SourceSystem": "Azure",
        "Type": "MicrosoftGraphActivityLogs",
    }


# -- Azure Resource Manager ------------------------------------------------------------------------------------------


def _claims(tenant: Tenant, event: ArmCall) -> Json:
    issued = int(event.issued.timestamp()) - 300
    shown = {
        "aud": "https://management.azure.com/",
        "iss": f"https://sts.windows.net/{tenant.id}/",
        "iat": str(issued),
        "nbf": str(issued),
        # Tokens of managed identities live a day.
        "exp": str(issued + (86_700 if event.managed_identity else 3_900)),
        "appid": event.app_id,
        "appidacr": "2" if event.managed_identity else "1",
        "idtyp": "app",
        _OBJECT_ID: event.object_id,
        "http://schemas.microsoft.com/identity/claims/tenantid": tenant.id,
        "uti": token_id(event.token),
        "ver": "1.0",
    }
    return {**shown, "xms_mirid": event.managed_identity} if event.managed_identity else shown


def _authorization(event: ArmCall) -> Json:
    return {
        "scope": event.resource,
        "action": event.operation,
        "evidence": {
            "role": "Contributor",
            "principalId": event.object_id.replace("-", ""),
            "principalType": "ServicePrincipal",
        },
    }


def _arm_properties(tenant: Tenant, event: ArmCall) -> Json:
    shown: Json = {"statusCode": "OK"} if event.succeeded else {}
    shown |= {
        "eventCategory": "Administrative",
        "entity": event.resource,
        "message": event.operation,
        "hierarchy": f"{tenant.id}/{tenant.subscription}",
    }
    return {**shown, "requestbody": event.body} if event.body else shown


def _arm_export(tenant: Tenant, event: ArmCall) -> Json:
    return {
        "RoleLocation": "West Europe",
        "time": stamp(event.at),
        "resourceId": event.resource.upper(),
        "operationName": event.operation.upper(),
        "category": "Administrative",
        "resultType": "Success" if event.succeeded else "Start",
        "resultSignature": "Succeeded.OK" if event.succeeded else "Started.",
        "durationMs": "0",
        "callerIpAddress": event.ip,
        "correlationId": event.correlation,
        "identity": {"authorization": _authorization(event), "claims": _claims(tenant, event)},
        "level": "Information",
        "properties": _arm_properties(tenant, event),
        "tenantId": tenant.id,
    }


def _arm_row(tenant: Tenant, event: ArmCall, delay: float) -> Json:
    claims, authorization, properties = _claims(tenant, event), _authorization(event), _arm_properties(tenant, event)
    return {
        "OperationName": "",
        "OperationNameValue": event.operation.upper(),
        "Level": "Informational",
        "ActivityStatusValue": "Success" if event.succeeded else "Start",
        "ActivitySubstatusValue": "OK" if event.succeeded else "",
        "ResourceGroup": event.resource.split("/")[4] if "/resourceGroups/" in event.resource else "",
        "SubscriptionId": tenant.subscription,
        "CorrelationId": event.correlation,
        "Caller": event.object_id,
        "CallerIpAddress": event.ip,
        "CategoryValue": "Administrative",
        "Properties": json.dumps(properties, indent=2).replace("\n", "\r\n"),
        "EventSubmissionTimestamp": stamp(event.at + timedelta(seconds=delay)),
        "Authorization": json.dumps(authorization, indent=2).replace("\n", "\r\n"),
        "OperationId": event.correlation,
        "ResourceProviderValue": event.operation.partition("/")[0].upper(),
        "EventDataId": event.event_data_id,
        "TenantId": tenant.workspace,
        "TimeGenerated": stamp(event.at),
        "SourceSystem": "Azure",
        "Claims": json.dumps(claims, indent=2).replace("\n", "\r\n"),
        "Claims_d": dict(reversed(claims.items())),
        "Authorization_d": authorization,
        "Properties_d": properties,
        "Hierarchy": f"{tenant.id}/{tenant.subscription}",
        "Type": "AzureActivity",
        "_ResourceId": event.resource.lower(),
    }


# -- key vaults ------------------------------------------------------------------------------------------------------


def _caller(event: VaultCall) -> Json:
    method = "2" if event.managed_identity else "1"
    claim = {"appid": event.app_id, "oid": event.object_id, "appidacr": method, "idtyp": "app"}
    if event.managed_identity:
        claim["xms_mirid"] = event.managed_identity
    return {"claim": claim}


def _vault_properties(event: VaultCall) -> Json:
    host = f"https://{event.vault}.vault.azure.net/secrets/{event.secret}"
    return {
        "id": f"{host}/0772c32e6d2942b7a9cca7664fb23096",
        "clientInfo": "azsdk-net-Security.KeyVault.Secrets/4.8.0 (.NET 10.0.1; Linux 6.8.0)",
        "requestUri": f"{host}/?api-version=7.4",
        "httpStatusCode": event.status,
        "isRbacAuthorized": True,
        "tlsVersion": "TLS1_3",
    }


def _vault_export(tenant: Tenant, event: VaultCall) -> Json:
    return {
        "time": stamp(event.at),
        "category": "AuditEvent",
        "operationName": event.operation,
        "resultType": "Success",
        "correlationId": event.correlation,
        "callerIpAddress": event.ip,
        "identity": _caller(event),
        "properties": _vault_properties(event),
        "resourceId": tenant.vault_id(event.vault).upper(),
        "operationVersion": "7.4",
        "resultSignature": "OK",
        "durationMs": "18",
    }


def _vault_row(tenant: Tenant, event: VaultCall) -> Json:
    properties = _vault_properties(event)
    return {
        "TenantId": tenant.workspace,
        "TimeGenerated": stamp(event.at),
        "Id": properties["id"],
        "OperationName": event.operation,
        "OperationVersion": "7.4",
        "ResultType": "Success",
        "ResultSignature": "OK",
        "DurationMs": 18,
        "CallerIpAddress": event.ip,
        "CorrelationId": event.correlation,
        "Identity": _caller(event),
        "ClientInfo": properties["clientInfo"],
        "RequestUri": properties["requestUri"],
        "HttpStatusCode": event.status,
        "IsRbacAuthorized": True,
        "Tlsversion": "TLS1_3",
        "Properties": properties,
        "SourceSystem": "Azure",
        "Type": "AZKVAuditLogs",
        "_ResourceId": tenant.vault_id(event.vault),
    }


# -- Logic Apps and indicators ---------------------------------------------------------------------------------------


def _workflow_id(tenant: Tenant, event: WorkflowStep) -> str:
    return tenant.resource_id("rg-flows", "Microsoft.Logic/workflows", event.workflow)


def _workflow_operation(event: WorkflowStep) -> str:
    return f"Microsoft.Logic/workflows/{'workflowActionCompleted' if event.action else 'workflowRunCompleted'}"


def _workflow_export(tenant: Tenant, event: WorkflowStep) -> Json:
    workflow = _workflow_id(tenant, event).upper()
    resource = {
        "subscriptionId": tenant.subscription,
        "resourceGroupName": "rg-flows",
        "workflowId": event.run[-8:] * 4,
        "workflowName": event.workflow,
        "runId": event.run,
        "location": "westeurope",
    }
    if event.action:
        resource["actionName"] = event.action
    return {
        "time": stamp(event.at),
        "workflowId": workflow,
        "resourceId": f"{workflow}/RUNS/{event.run}" + (f"/ACTIONS/{event.action.upper()}" if event.action else ""),
        "category": "WorkflowRuntime",
        "level": "Information",
        "operationName": _workflow_operation(event),
        "properties": {
            "$schema": "2016-06-01",
            "startTime": stamp(event.start),
            "endTime": stamp(event.at),
            "status": "Succeeded",
            "code": "OK",
            "resource": resource,
            "correlation": {"clientTrackingId": event.run},
        },
        "location": "westeurope",
    }


def _workflow_row(tenant: Tenant, event: WorkflowStep) -> Json:
    return {
        "TenantId": tenant.workspace,
        "TimeGenerated": stamp(event.at),
        "OperationName": _workflow_operation(event),
        "WorkflowId": event.run[-8:] * 4,
        "WorkflowName": event.workflow,
        "RunId": event.run,
        "OriginRunId": event.run,
        "ActionName": event.action,
        "TriggerName": "",
        "ClientTrackingId": event.run,
        "Status": "Succeeded",
        "Code": "OK",
        "Error": "",
        "StartTime": stamp(event.start),
        "EndTime": stamp(event.at),
        "Location": "westeurope",
        "SourceSystem": "Azure",
        "Type": "LogicAppWorkflowRuntime",
        "_ResourceId": _workflow_id(tenant, event).lower(),
    }


def _indicator_row(tenant: Tenant, event: Indicator) -> Json:
    return {
        "TenantId": tenant.workspace,
        "WorkspaceId": tenant.workspace,
        "TimeGenerated": stamp(event.at),
        "AzureTenantId": tenant.id,
        "Id": event.id,
        "Source": "contoso-ti",
        "Created": stamp(event.at),
        "Modified": stamp(event.at),
        "LastUpdateMethod": "TI upload API",
        "Pattern": f"[ipv4-addr:value = '{event.address}']",
        "ObservableKey": "ipv4-addr:value",
        "ObservableValue": event.address,
        "Confidence": 70,
        "ValidFrom": stamp(event.at),
        "ValidUntil": stamp(event.until),
        "IsActive": True,
        "IsDeleted": False,
        "Revoked": False,
        "Tags": "",
        "Type": "ThreatIntelIndicators",
    }
