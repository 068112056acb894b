"""Sign-ins of Microsoft's own applications to Microsoft's services (`AADFirstPartyToFirstPartySignInLogs`) → SignIn."""

from __future__ import annotations

from graphcorr.ingest.loader import Carrier, Loader
from graphcorr.ingest.sign_ins import PROPERTIES, WORKLOAD_COLUMNS, sign_in_parsers
from graphcorr.records import SignIn

_SOURCE = "AADFirstPartyToFirstPartySignInLogs"
_PARSERS = sign_in_parsers(_SOURCE, "servicePrincipal")

LOADER = Loader(
    source=_SOURCE,
    record=SignIn,
    title="Sign-ins of applications owned by Microsoft",
    # Microsoft Graph does not hand out this log. Rows that name no table cannot be told from other applications'.
    parse={carrier: _PARSERS[carrier] for carrier in (Carrier.EXPORT, Carrier.ROW, Carrier.CSV)},
    categories=("MicrosoftServicePrincipalSignInLogs",),
    tables=(_SOURCE, "MicrosoftServicePrincipalSignInLogs"),
    known={Carrier.EXPORT: PROPERTIES, Carrier.ROW: WORKLOAD_COLUMNS, Carrier.CSV: WORKLOAD_COLUMNS},
)
