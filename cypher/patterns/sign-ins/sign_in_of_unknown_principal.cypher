/*
id: sign_in_of_unknown_principal
title: Sign-in of a principal that nobody created
description: >
  A service principal signed in that a full inventory, taken before inside an unbroken audit log, does not hold, and
  whose creation no record shows. Where no such statement exists the logs cannot tell, for the principal may be older
  than they are.
severity: high
maturity: stable
needs: [AADServicePrincipalSignInLogs, AADManagedIdentitySignInLogs, AuditLogs]
params: {}
fingerprint: [tenantId, objectId]
subject: subject
sentence: "{principal} (object {objectId}) signed in at {firstAt}, and {conclusion}."
disproof: >
  The record of its creation turns up, or the inventory turns out not to have been a full one.
attack: [T1136.003, T1078.004]
blind_spots:
  - Principals that are older than the inventory and were left out of it.
  - Applications of Microsoft and of other publishers appear without a record that names who brought them.
false_positives:
  - An inventory that was declared full and was not.
references:
  - https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities
*/
MATCH (p:ServicePrincipal {tenantId: $tenantId})
WHERE p.origin IN ['absent', 'unknown'] AND NOT p:MicrosoftOwned
  AND EXISTS { MATCH (p)-[reached:REACHED]->(:Application) WHERE reached.firstSuccess IS NOT NULL }
OPTIONAL MATCH (p)-[:PART_OF]->(whole:Identity)
WITH p, coalesce(whole, p) AS subject
WHERE NOT EXISTS { MATCH (m:Application) WHERE m.appId = p.appId AND m.microsoftOwned = true }
OPTIONAL MATCH (p)-[reached:REACHED]->(:Application) WHERE reached.firstSuccess IS NOT NULL
WITH p, subject, min(reached.firstSuccess) AS firstAt, max(reached.lastSuccess) AS lastAt,
  CASE WHEN coalesce(p.ownerTenantId, $tenantId) <> $tenantId THEN 'ownedElsewhere'
    WHEN p.origin = 'absent' THEN null ELSE coalesce(p.originReason, 'noFullStatement') END AS obstacle
CALL (p, firstAt, obstacle) {
  OPTIONAL MATCH (p)-[:SIGNED_IN]->(s:SignIn) WHERE obstacle IS NULL AND s.firstSeen = firstAt AND s.resultClass = 'success'
  WITH s ORDER BY s.key
  OPTIONAL MATCH (s)-[:FROM]->(ip:IPAddress)
  RETURN reduce(all = [], ids IN collect(s.sampleIds) | all + ids) AS events, min(ip.address) AS address
}
RETURN CASE WHEN obstacle IS NULL THEN 'found' ELSE 'notDecidable' END AS verdict, obstacle AS reason,
  subject, firstAt, lastAt, events + coalesce(p.originEventIds, []) AS evidence, 'high' AS confidence,
  $tenantId AS tenantId, p.objectId AS objectId, address,
  coalesce(subject.name, subject.caption) AS principal,
  CASE WHEN obstacle IS NULL THEN 'a full inventory before does not hold it, nor does any record show its creation'
    ELSE 'the logs cannot tell where it comes from (' + obstacle + ')' END AS conclusion
ORDER BY tenantId, objectId
