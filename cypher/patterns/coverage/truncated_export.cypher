/*
id: truncated_export
title: Export that may be cut off
description: >
  An input stopped at exactly the number of rows at which portals and query interfaces stop without saying so. What lies
  beyond was not loaded, and claims of absence over the time it covers are not made.
severity: low
maturity: stable
needs: [AuditLogs, AADServicePrincipalSignInLogs, AADManagedIdentitySignInLogs, AzureActivity, MicrosoftGraphActivityLogs, AZKVAuditLogs, AzureDiagnostics]
params: {}
fingerprint: [tenantId, source, scope, day]
subject: subject
sentence: "An input of {place} stopped at a known row limit; records between {firstAt} and {lastAt} may be missing."
disproof: >
  The same query, split into shorter times, gives no further records.
attack: []
blind_spots:
  - Limits other than the known ones, and an export that ends before its limit.
  - Files that end in the middle of a record are named while loading, not here.
false_positives:
  - A log of exactly that many records.
references:
  - https://learn.microsoft.com/azure/azure-monitor/service-limits
*/
MATCH (subject:LogSource {tenantId: $tenantId})-[:HAS_GAP]->(g:Gap)
WHERE g.kind = 'rowLimit'
WITH subject, toString(date(g.start)) AS day, min(g.start) AS firstAt, max(g.end) AS lastAt
RETURN 'found' AS verdict, null AS reason, subject, firstAt, lastAt, [] AS evidence, 'medium' AS confidence,
  $tenantId AS tenantId, subject.source AS source, subject.scope AS scope, day, subject.caption AS place
ORDER BY tenantId, source, scope, day
