"""Sign-ins of service principals (`AADServicePrincipalSignInLogs`, Graph beta `signIns`) → SignIn."""

from __future__ import annotations

from graphcorr.ingest.loader import Carrier, Loader
from graphcorr.ingest.sign_ins import PROPERTIES, WORKLOAD_COLUMNS, sign_in_claims, sign_in_parsers, sign_in_short_cuts
from graphcorr.records import SignIn

_SOURCE = "AADServicePrincipalSignInLogs"

LOADER = Loader(
    source=_SOURCE,
    record=SignIn,
    title="Sign-ins of applications with their own secret, certificate or federated credential",
    parse=sign_in_parsers(_SOURCE, "servicePrincipal"),
    categories=("ServicePrincipalSignInLogs",),
    tables=(_SOURCE,),
    claims=sign_in_claims(_SOURCE),
    known={Carrier.EXPORT: PROPERTIES, Carrier.ROW: WORKLOAD_COLUMNS, Carrier.CSV: WORKLOAD_COLUMNS},
    short_cuts=sign_in_short_cuts(_SOURCE, "servicePrincipal", "ServicePrincipalSignInLogs"),
)
