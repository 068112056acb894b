"""Sign-ins by a client on behalf of a user (`AADNonInteractiveUserSignInLogs`) → SignIn."""

from __future__ import annotations

from graphcorr.ingest.loader import Carrier, Loader
from graphcorr.ingest.sign_ins import PROPERTIES, USER_COLUMNS, sign_in_claims, sign_in_parsers, sign_in_short_cuts
from graphcorr.records import SignIn

_SOURCE = "AADNonInteractiveUserSignInLogs"

LOADER = Loader(
    source=_SOURCE,
    record=SignIn,
    title="Sign-ins that a client made on behalf of a user",
    parse=sign_in_parsers(_SOURCE, "user"),
    categories=("NonInteractiveUserSignInLogs",),
    tables=(_SOURCE,),
    claims=sign_in_claims(_SOURCE),
    known={Carrier.EXPORT: PROPERTIES, Carrier.ROW: USER_COLUMNS, Carrier.CSV: USER_COLUMNS},
    short_cuts=sign_in_short_cuts(_SOURCE, "user", "NonInteractiveUserSignInLogs"),
)
