"""Events of the sample tenant, before they take the shape of any log: what happened, to whom, from where."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from datetime import datetime
from random import Random


@dataclass(frozen=True)
class Service:
    """A resource application of Microsoft that tokens are asked for."""

    name: str
    app_id: str
    audience: str


ARM = Service("Azure Resource Manager", "797f4846-ba00-4fd7-ba43-dac1f8f63013", "https://management.azure.com/")
GRAPH = Service("Microsoft Graph", "00000003-0000-0000-c000-000000000000", "https://graph.microsoft.com/")
VAULT = Service("Azure Key Vault", "cfa8b339-82a2-471a-a3c9-0fc0be7a4093", "https://vault.azure.net")
SERVICES = (ARM, GRAPH, VAULT)


@dataclass(frozen=True)
class SignIn:
    """One token request. `kind`: servicePrincipal, managedIdentity, user or nonInteractive."""

    at: datetime
    id: str
    kind: str
    correlation: str
    app_id: str
    # Name of the service principal; of the client application where a user signs in.
    name: str
    service: Service
    service_principal: str
    object_id: str = ""
    owner_tenant: str = ""
    ip: str = ""
    country: str = ""
    code: int = 0
    key_id: str = ""
    thumbprint: str = ""
    federated_id: str = ""
    credential_type: str = ""
    user_id: str = ""
    user_name: str = ""


@dataclass(frozen=True)
class Property:
    """A changed property of a target; both values as the JSON text that the log carries."""

    name: str
    old: str | None
    new: str | None


@dataclass(frozen=True)
class Target:
    """An object that an audit record names."""

    type: str
    id: str
    name: str | None
    properties: tuple[Property, ...] = ()
    user_name: str | None = None


@dataclass(frozen=True)
class Actor:
    """Who makes a change: a user from an address, or an application (`user_name` empty, no address)."""

    id: str
    name: str
    user_name: str = ""
    ip: str = ""


@dataclass(frozen=True)
class Audit:
    """One record of the directory's audit log."""

    at: datetime
    id: str
    correlation: str
    operation: str
    # Add, Update, Delete, Assign, Unassign.
    operation_type: str
    actor: Actor
    targets: tuple[Target, ...]
    details: tuple[tuple[str, str], ...] = ()
    category: str = "ApplicationManagement"


@dataclass(frozen=True)
class GraphCall:
    """One request to Microsoft Graph by an application."""

    at: datetime
    id: str
    app_id: str
    object_id: str
    ip: str
    method: str
    # Below https://graph.microsoft.com/v1.0
    path: str
    status: int
    # The sign-in that the token comes from.
    token: str
    issued: datetime
    roles: str


@dataclass(frozen=True)
class ArmCall:
    """One record of the activity log: an operation starts or succeeds."""

    at: datetime
    correlation: str
    # Microsoft.Storage/storageAccounts/write
    operation: str
    resource: str
    succeeded: bool
    ip: str
    app_id: str
    object_id: str
    token: str
    issued: datetime
    event_data_id: str
    # ARM id of the managed identity that acts.
    managed_identity: str = ""
    body: str = ""


@dataclass(frozen=True)
class VaultCall:
    """One request to a key vault."""

    at: datetime
    correlation: str
    vault: str
    secret: str
    operation: str
    status: int
    ip: str
    app_id: str
    object_id: str
    managed_identity: str = ""


@dataclass(frozen=True)
class WorkflowStep:
    """One record of a run of a Logic App: an action, or the run itself (`action` empty). It names no identity."""

    at: datetime
    workflow: str
    run: str
    action: str
    start: datetime


@dataclass(frozen=True)
class Indicator:
    """An address that somebody has called bad, from one time to another."""

    at: datetime
    id: str
    address: str
    until: datetime


Event = SignIn | Audit | GraphCall | ArmCall | VaultCall | WorkflowStep | Indicator


def new_guid(rng: Random) -> str:
    """A GUID that depends on the generator's state alone."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def new_request_id(rng: Random) -> str:
    """A GUID as sign-ins have them: the last byte is 00 or 01."""
    return new_guid(rng)[:-2] + rng.choice(("00", "01"))


def token_id(sign_in: str) -> str:
    """The token id that logs of resources carry for a sign-in: its id in .NET byte order, base64url, unpadded."""
    return base64.urlsafe_b64encode(uuid.UUID(sign_in).bytes_le).rstrip(b"=").decode("ascii")
