"""What permissions and roles give away: the built-in list, which graphcorr.toml may extend and overrule.

`high` lets its holder take over the tenant, other identities, or everybody's mail and files; `medium` lets it read all
of something sensitive or change much of something. Sources: Microsoft's permissions reference, built-in directory
roles, built-in Azure roles (ids are the same in every tenant).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphcorr.config import Config

# Application permissions of Microsoft's APIs: app role id → value. Delegated ones are judged by value only.
_HIGH_ROLES = {
    "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8": "RoleManagement.ReadWrite.Directory",
    "06b708a9-e830-4db3-a914-8e69da51d44f": "AppRoleAssignment.ReadWrite.All",
    "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9": "Application.ReadWrite.All",
    "19dbc75e-c2e2-444c-a770-ec69d8559fc7": "Directory.ReadWrite.All",
    "e2a3a72e-5f79-4c64-b1b1-878b674786c9": "Mail.ReadWrite",
    "810c84a8-4a9e-49e6-bf7d-12d183f40d01": "Mail.Read",
    "b633e1c5-b582-4048-a93e-9f11b44c7e96": "Mail.Send",
    "75359482-378d-4052-8f01-80520e7db3cd": "Files.ReadWrite.All",
    "01d4889c-1287-42c6-ac1f-5d1e02578ef6": "Files.Read.All",
    "a82116e5-55eb-4c41-a434-62fe8a61c773": "Sites.FullControl.All",
    "741f803b-c850-494e-b5df-cde7c675a1ca": "User.ReadWrite.All",
    "62a82d76-70ea-41e2-9197-370581804d09": "Group.ReadWrite.All",
    "dbaae8cf-10b5-4b86-a4a1-f871c94c6695": "GroupMember.ReadWrite.All",
    "dc890d15-9560-4a4c-9b7f-a736ec74ec40": "full_access_as_app",
}
_MEDIUM_ROLES = {
    "7ab1d382-f21e-4acd-a863-ba3e13f7da61": "Directory.Read.All",
    "18a4783c-866b-4cc7-a460-3d5e5662c884": "Application.ReadWrite.OwnedBy",
    "332a536c-c7ef-4017-ab91-336970924f0d": "Sites.Read.All",
    "9492366f-7969-46a4-8d15-ed1a20078fff": "Sites.ReadWrite.All",
    "798ee544-9d2d-430c-a058-570e29e34338": "Calendars.Read",
    "6931bccd-447a-43d1-b442-00a195474933": "MailboxSettings.ReadWrite",
    "01c0a623-fc9b-48e9-b794-0756f8e8f067": "Policy.ReadWrite.ConditionalAccess",
}
_HIGH_DELEGATED = (
    "RoleManagement.ReadWrite.Directory", "AppRoleAssignment.ReadWrite.All", "Application.ReadWrite.All",
    "Directory.ReadWrite.All", "Directory.AccessAsUser.All", "Mail.ReadWrite", "Mail.Read", "Mail.Send",
    "Files.ReadWrite.All", "Files.Read.All", "Sites.FullControl.All", "User.ReadWrite.All", "Group.ReadWrite.All",
    "EWS.AccessAsUser.All",
)  # fmt: skip
_MEDIUM_DELEGATED = (
    "Directory.Read.All", "Sites.Read.All", "Sites.ReadWrite.All", "Calendars.Read", "MailboxSettings.ReadWrite",
    "Policy.ReadWrite.ConditionalAccess", "Files.ReadWrite", "Files.Read", "Contacts.Read",
    "user_impersonation",
)  # fmt: skip

# Role template ids.
_HIGH_DIRECTORY_ROLES = {
    "62e90394-69f5-4237-9190-012177145e10": "Global Administrator",
    "e8611ab8-c189-46e8-94e1-60213ab1f814": "Privileged Role Administrator",
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13": "Privileged Authentication Administrator",
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3": "Application Administrator",
    "158c047a-c907-4556-b7ef-446551a6b5f7": "Cloud Application Administrator",
    "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2": "Hybrid Identity Administrator",
    "e00e864a-17c5-4a4b-9c06-f5b95a8d5bd8": "Partner Tier2 Support",
}
_MEDIUM_DIRECTORY_ROLES = {
    "fe930be7-5e62-47db-91af-98c3a49a38b1": "User Administrator",
    "c4e39bd9-1100-46d3-8c65-fb160da0071f": "Authentication Administrator",
    "194ae4cb-b126-40b2-bd5b-6091b380977d": "Security Administrator",
    "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9": "Conditional Access Administrator",
    "29232cdf-9323-42fd-ade2-1d097af3e4de": "Exchange Administrator",
    "f28a1f50-f6e7-4571-818b-6a12f2af6b6c": "SharePoint Administrator",
    "3a2c62db-5318-420d-8d74-23affee5d9d5": "Intune Administrator",
    "9360feb5-f418-4baa-8175-e2a00bac4301": "Directory Writers",
}

# Role definition ids.
_HIGH_AZURE_ROLES = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
}
_MEDIUM_AZURE_ROLES = {
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "00482a5a-887f-4fb3-b363-3b7fe8e74483": "Key Vault Administrator",
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": "Key Vault Secrets Officer",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
}

# Names of built-in roles, for records that state the id alone.
ROLE_NAMES = {**_HIGH_DIRECTORY_ROLES, **_MEDIUM_DIRECTORY_ROLES, **_HIGH_AZURE_ROLES, **_MEDIUM_AZURE_ROLES}


def listed(config: Config) -> list[tuple[str, str, bool, str]]:
    """Rows (kind, value or id in lower case, declared by the operator, risk); both spellings of what has an id."""
    built_in: list[tuple[str, str, str]] = []
    for kind, risk, names in (
        ("application", "high", _HIGH_ROLES),
        ("application", "medium", _MEDIUM_ROLES),
        ("directoryRole", "high", _HIGH_DIRECTORY_ROLES),
        ("directoryRole", "medium", _MEDIUM_DIRECTORY_ROLES),
        ("azureRole", "high", _HIGH_AZURE_ROLES),
        ("azureRole", "medium", _MEDIUM_AZURE_ROLES),
    ):
        built_in += [(kind, value.lower(), risk) for value in (*names, *names.values())]
    built_in += [("delegated", value.lower(), "high") for value in _HIGH_DELEGATED]
    built_in += [("delegated", value.lower(), "medium") for value in _MEDIUM_DELEGATED]
    return [
        *((kind, value, False, risk) for kind, value, risk in built_in),
        *((r.kind, r.value, True, r.risk) for r in config.risks),
    ]
