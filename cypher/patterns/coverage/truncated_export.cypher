/*
id: truncated_export
title: Export that may be cut off
description: >
  An input stopped at exactly the number of rows at which portals and query interfaces stop without saying so, ends in the
  middle of a record, or says that it is partial. What lies beyond was not loaded, and claims of absence over the time it
  covers are not made.
severity: low
maturity: stable
needs: [AuditLogs, AADServicePrincipalSignInLogs, AADManagedIdentitySignInLogs, AzureActivity, MicrosoftGraphActivityLogs, AZKVAuditLogs, AzureDiagnostics]
params: {}
fingerprint: [tenantId, source, scope, kind, day]
subject: subject
sentence: "An input of {place} {how}; records between {firstAt} and {lastAt}, or after them, may be missing."
disproof: >
  The same query, split into shorter times, gives no further records; the file, fetched again, is no longer.
attack: []
blind_spots:
  - Limits other than the known ones, and an export that ends before its limit.
  - A file that ends between two records, or that holds none whole.
  - Views of a portal that sum up sign-ins; they have no record of each.
false_positives:
  - A log of exactly that many records.
references:
  - https://learn.microsoft.com/azure/azure-monitor/service-limits
*/
MATCH (subject:LogSource {tenantId: $tenantId})-[:HAS_GAP]->(g:Gap)
WHERE g.kind IN ['rowLimit', 'cutOff']
WITH subject, g.kind AS kind, toString(date(g.start)) AS day, min(g.start) AS firstAt, max(g.end) AS lastAt
RETURN 'found' AS verdict, null AS reason, subject, firstAt, lastAt, [] AS evidence,
  CASE kind WHEN 'cutOff' THEN 'exact' ELSE 'medium' END AS confidence,
  $tenantId AS tenantId, subject.source AS source, subject.scope AS scope, kind, day, subject.caption AS place,
  CASE kind WHEN 'cutOff' THEN 'is cut off or says that it is partial' ELSE 'stopped at a known row limit' END AS how
ORDER BY tenantId, source, scope, kind, day
