"""Which service a token is for, which log shows its use, and how long the token lives (log-facts 3.3, 6, 7)."""

from __future__ import annotations

from graphcorr.ingest import registry
from graphcorr.ingest.loader import Service

# Services whose logs no loader reads: source → service. Of a source without acts of ours nothing is tied to its tokens.
_NOT_READ: tuple[tuple[str, Service], ...] = (
    ("AADGraphActivityLogs", Service("aadGraph", "00000002-0000-0000-c000-000000000000", ("directory",))),
    ("LAQueryLogs", Service("logAnalytics", "ca7f3f0b-7d91-482c-8e09-c5d840d0eac5", (), scoped=True)),
    ("StorageBlobLogs", Service("storage", "e406a681-f3d4-42a8-90b6-c2b029497af1", (), scoped=True)),
    ("SQLSecurityAuditEvents", Service("sql", "022907d3-0f1b-48f7-badc-1ba6abab6d66", (), scoped=True)),
    ("AzureDevOpsAuditing", Service("devOps", "499b84ac-1321-427f-aa17-267ca6975798", ())),
    ("OfficeActivity", Service("exchange", "00000002-0000-0ff1-ce00-000000000000", ())),
    ("OfficeActivity", Service("sharePoint", "00000003-0000-0ff1-ce00-000000000000", ())),
    ("OfficeActivity", Service("officeManagement", "c5393580-f805-4401-95e8-94b7a6ef2fc2", ())),
)


def services() -> tuple[tuple[str, Service], ...]:
    """Every service that is known, with the source that is the log of it."""
    read = tuple((loader.source, service) for loader in registry.all() for service in loader.services)
    ours = {service.app_id for _, service in read}
    return (*read, *((source, service) for source, service in _NOT_READ if service.app_id not in ours))


# Names of Microsoft's own applications that occur in nearly every tenant (log-facts 6): captions only.
FIRST_PARTY: dict[str, str] = {
    "797f4846-ba00-4fd7-ba43-dac1f8f63013": "Azure Resource Manager",
    "00000003-0000-0000-c000-000000000000": "Microsoft Graph",
    "00000002-0000-0000-c000-000000000000": "Windows Azure Active Directory",
    "cfa8b339-82a2-471a-a3c9-0fc0be7a4093": "Azure Key Vault",
    "ca7f3f0b-7d91-482c-8e09-c5d840d0eac5": "Log Analytics API",
    "f5c26e74-f226-4ae8-85f0-b4af0080ac9e": "Application Insights API",
    "e406a681-f3d4-42a8-90b6-c2b029497af1": "Azure Storage",
    "022907d3-0f1b-48f7-badc-1ba6abab6d66": "Azure SQL Database",
    "509e4652-da8d-478d-a730-e9d4a1996ca4": "Azure Resource Graph",
    "499b84ac-1321-427f-aa17-267ca6975798": "Azure DevOps",
    "80369ed6-5f11-4dd9-bef3-692475845e77": "Microsoft.EventHubs",
    "80a10ef9-8168-493d-abf9-3297c4ef6e3c": "Microsoft.ServiceBus",
    "2746ea77-4702-4b45-80ca-3c97e680e8b7": "Azure Data Explorer",
    "a232010e-820c-4083-83bb-3ace5fc29d0b": "Azure Cosmos DB",
    "6dae42f8-4368-4678-94ff-3960e28e3630": "Azure Kubernetes Service AAD Server",
    "00000002-0000-0ff1-ce00-000000000000": "Office 365 Exchange Online",
    "00000003-0000-0ff1-ce00-000000000000": "Office 365 SharePoint Online",
    "c5393580-f805-4401-95e8-94b7a6ef2fc2": "Office 365 Management APIs",
    "fc780465-2017-40d4-a0c5-307022471b92": "WindowsDefenderATP",
    "8ee8fdad-f234-4243-8f3b-15c294843740": "Microsoft Threat Protection",
    "05a65629-4c1b-48c1-a78b-804c4abdd4af": "Microsoft Cloud App Security",
    "00000009-0000-0000-c000-000000000000": "Power BI Service",
    "00000007-0000-0000-c000-000000000000": "Dataverse",
    "ef5d5c69-a5df-46bb-acaf-426f161a21a2": "Managed Service Identity",
    "01fc33a7-78ba-4d2f-a4b7-768e336e890e": "MS-PIM",
    "7cd684f4-8a78-49b0-91ec-6a35d38739ba": "Azure Logic Apps",
    "c44b4083-3bb0-49c1-b47d-974e53cbdf3c": "Azure Portal",
    "04b07795-8ddb-461a-bbee-02f9e1bf7b46": "Microsoft Azure CLI",
    "1950a258-227b-4e31-a9cf-717495945fc2": "Microsoft Azure PowerShell",
    "14d82eec-204b-4c2f-b7e8-296a70dab67e": "Microsoft Graph Command Line Tools",
    "1b730954-1685-4b74-9bfd-dac224a7b894": "Azure Active Directory PowerShell",
    "74658136-14ec-4630-ad9b-26e160ff0fc6": "ADIbizaUX",
}

# Sources that share the tenant's one diagnostic setting: if one delivered, a silent hour of another is silence of the
# tenant, not of the export (design 8).
ENTRA_SOURCES: tuple[str, ...] = (
    "AuditLogs",
    "SigninLogs",
    "AADNonInteractiveUserSignInLogs",
    "AADServicePrincipalSignInLogs",
    "AADManagedIdentitySignInLogs",
    "AADFirstPartyToFirstPartySignInLogs",
    "MicrosoftGraphActivityLogs",
    "AADServicePrincipalRiskEvents",
    "AADRiskyServicePrincipals",
)

# Life of an access token, minutes (log-facts 3.3); claims times override.
LIFE_APPLICATION = 90
LIFE_LONG = 24 * 60  # managed identities; single-tenant applications to Graph (continuous access evaluation)
LIFE_USER = 28 * 60
