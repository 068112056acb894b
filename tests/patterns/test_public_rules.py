"""What rules in public get wrong, each mistake a case: one tenant, every case about an application of its own."""

from __future__ import annotations

import pytest

from graphcorr.config import parse_config
from graphcorr.load import load
from graphcorr.scan import ScanDocument, scan
from tests.builders import (
    Row,
    at,
    audit,
    guid,
    jsonl,
    key,
    key_change,
    managed_sign_in,
    rename,
    sign_in,
    target,
    vault_act,
)

UNEXPLAINED = "unexplained_credential_update"
AROUND = "rename_around_credential_change"
FEDERATED = "federated_credential_added"
FIRST_USE = "new_credential_first_use_from_new_address"
SECRETS = "mass_secret_read"
NEW_ADDRESS = "sign_in_from_new_address"
PATTERNS = (UNEXPLAINED, AROUND, FEDERATED, FIRST_USE, SECRETS, NEW_ADDRESS)

COMPLETE = "".join(
    f'[[complete]]\nsource = "{source}"\nfrom = 2026-05-01T00:00:00Z\nuntil = 2026-05-12T00:00:00Z\n'
    for source in ("AuditLogs", "AADServicePrincipalSignInLogs", "AADManagedIdentitySignInLogs")
)

# Every application works from an address of its own, day by day.
DAYS = 9


def life(app: int) -> list[Row]:
    return [
        sign_in(
            100 * app + day, at("07:00", day - DAYS), principal=app, app=app,
            IPAddress=f"{'198.51.100' if app == 13 else '203.0.113'}.{app}",
            ServicePrincipalCredentialKeyId=guid("f", 10 * app),
        )
        for day in range(DAYS + 1)
    ]  # fmt: skip


def named(app: int) -> dict[str, dict[str, str]]:
    return {"details": {"AppId": guid("a", app)}}


def new_key(app: int, number: int = 1, **more: object) -> Row:
    keys = [key(10 * app)], [key(10 * app), key(10 * app + number)]
    return key_change(10 * app, at("09:00"), *keys, number_of=app, **{**named(app), **more})  # type: ignore[arg-type]


def own_key(app: int, operation: str) -> Row:
    keyed = target("ServicePrincipal", guid("d", app), KeyDescription=([], [key(10 * app + 1)]))
    return audit(10 * app, at("09:00"), operation, keyed, **named(app))


def trust(app: int, kind: str) -> Row:
    credential = {"Name": "ci", "Issuer": f"https://oidc{app}.example", "Subject": "x", "Id": guid("f", 10 * app + 5)}
    object_id = guid("b" if kind == "Application" else "d", app)
    operation = "Update application" if kind == "Application" else "Update service principal"
    changed = target(kind, object_id, FederatedIdentityCredentials=([], [credential]))
    return audit(10 * app, at("09:00"), operation, changed, **named(app))


def shuffled(row: Row) -> Row:
    """Another target before the one that counts, another property before the one that counts."""
    (counts,) = row["TargetResources"]
    other = {"displayName": "Included Updated Properties", "oldValue": None, "newValue": '"KeyDescription"'}
    counts["modifiedProperties"] = [other, *counts["modifiedProperties"]]
    user = {"id": guid("e", 9), "type": "User", "displayName": "x", "modifiedProperties": []}
    return {**row, "TargetResources": [user, counts]}


def used(app: int, address: str) -> Row:
    return sign_in(
        100 * app + 50, at("09:30"), principal=app, app=app, IPAddress=address,
        ServicePrincipalCredentialKeyId=guid("f", 10 * app + 1),
    )  # fmt: skip


_OPERATION = "Update application {} Certificates and secrets management{}"

# Name → the application, what happens to it, what must be found of it.
CASES: dict[str, tuple[int, list[Row], set[str]]] = {
    "a key that a service principal adds": (1, [new_key(1, by_principal=99)], {UNEXPLAINED}),
    "a key on the application object, sign-ins of the service principal": (2, [new_key(2)], {UNEXPLAINED}),
    "an operation with a hyphen": (3, [new_key(3, OperationName=_OPERATION.format("-", ""))], {UNEXPLAINED}),
    "an operation with a dash and a blank": (4, [new_key(4, OperationName=_OPERATION.format("–", " "))], {UNEXPLAINED}),
    "an operation with a final dot": (5, [new_key(5, OperationName=_OPERATION.format("–", "."))], {UNEXPLAINED}),
    "a key on the service principal": (6, [own_key(6, "Add service principal credentials.")], {UNEXPLAINED}),
    "shuffled targets and properties": (7, [shuffled(new_key(7))], {UNEXPLAINED}),
    "a rename between consent and credential": (
        8,
        [
            audit(
                81, at("08:00"), "Add app role assignment to service principal",
                target("ServicePrincipal", guid("d", 98), AppRole_Value=(None, "Mail.ReadWrite"),
                       ServicePrincipal_ObjectID=(None, guid("d", 8)), ServicePrincipal_AppId=(None, guid("a", 8))),
                target("ServicePrincipal", guid("d", 8)),
            ),
            rename(82, at("08:30"), "app8", "zz", number_of=8, **named(8)),
            new_key(8),
        ],
        {UNEXPLAINED, AROUND},
    ),
    "the first federated credential, on the application": (9, [trust(9, "Application")], {FEDERATED}),
    "a federated credential on the service principal": (10, [trust(10, "ServicePrincipal")], {FEDERATED}),
    "a service principal that reads a vault empty": (
        11,
        [
            *(vault_act(1150 + n, at("08:00", n - DAYS), principal=11, app=11, ip="203.0.113.11") for n in range(DAYS)),
            *(vault_act(1100 + n, at(f"08:{n:02}"), principal=11, app=11, ip="203.0.113.11", secret=f"s{n}")
              for n in range(21)),
        ],
        {SECRETS},
    ),
    "the known address of another application is new for this one": (
        12,
        [new_key(12), used(12, "198.51.100.13")],
        {UNEXPLAINED, FIRST_USE},
    ),
    "a key whose application has the id of another one's object": (
        # The object of application 14 and the service principal of 13 have nothing to do with each other.
        13,
        [key_change(140, at("09:00"), [key(140)], [key(140), key(141)], number_of=14)],
        set(),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> ScanDocument:
    folder = tmp_path_factory.mktemp("public-rules")
    rows = [row for app, changes, _ in CASES.values() for row in (*life(app), *changes)]
    # A managed identity, whose sign-ins state no address.
    rows += [managed_sign_in(2000 + day, at("07:00", day - DAYS), principal=20, app=20) for day in range(DAYS + 1)]
    (folder / "logs.jsonl").write_bytes(jsonl(*rows))
    declared = parse_config(COMPLETE)
    load([folder / "logs.jsonl"], home=folder / "home", config=declared)
    return scan(home=folder / "home", patterns=PATTERNS, config=declared)


@pytest.mark.parametrize("name", CASES)
def test_what_public_rules_get_wrong_is_right_here(document: ScanDocument, name: str) -> None:
    app, _, expected = CASES[name]
    assert {found.pattern for found in document.findings if found.subject.app_id == guid("a", app)} == expected


def test_an_identity_without_an_address_is_at_no_new_address(document: ScanDocument) -> None:
    items = [*document.findings, *document.leads, *document.undecided]
    assert [item for item in items if item.subject.app_id == guid("a", 20)] == []


def test_what_matches_nothing_is_reported_and_not_dropped(document: ScanDocument) -> None:
    unmatched = [
        (row.pattern, row.reason) for row in document.undecided if row.subject.identity_id == f"reg:{guid('b', 14)}"
    ]
    assert unmatched == [(UNEXPLAINED, "noAppId")]
