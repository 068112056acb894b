/*
id: activity_without_sign_in
title: Activity without a sign-in
description: >
  Something was done with a token of an application or managed identity, and no sign-in is seen that can have issued
  it: none with the token's id, or none of the identity within the longest life of a token. Found only where the log of
  sign-ins is complete over that time.
severity: high
maturity: stable
needs: [AzureActivity, AZKVAuditLogs, MicrosoftGraphActivityLogs]
params: {}
fingerprint: [tenantId, principalId, service, address, coverage]
subject: subject
sentence: "{principal} acted {amount} on {what} from {origin}, and {conclusion}."
disproof: >
  The record of the sign-in turns up late, or in an export that was not loaded.
attack: [T1550.001, T1528]
blind_spots:
  - A forged or stolen token whose sign-in is in the log is no activity without one; token_used_from_other_address looks at those.
  - Logs of vaults state no token id, so any sign-in of the identity within a day explains their events.
  - Users, and applications of Microsoft whose sign-ins are not exported, are left out.
false_positives:
  - Sign-ins that were dropped on the way, though neighbours in the same log arrived.
references:
  - https://learn.microsoft.com/graph/microsoft-graph-activity-logs-overview
*/
MATCH (a:Activity {tenantId: $tenantId})
WHERE a.withoutSignInCount > 0 AND a.evidence <> 'microsoftOwned'
// What a user does goes through a client application.
WITH a WHERE a.servicePrincipalId IS NOT NULL OR NOT EXISTS { (a)-[:THROUGH]->() }
// By what is written first: who it was is looked up once per group.
WITH a.servicePrincipalId AS writtenObjectId, a.appId AS writtenAppId, a.service AS service, a.address AS address,
  a.evidence AS coverage, min(a.key) AS sampleKey, sum(a.withoutSignInCount) AS events,
  min(a.firstSeen) AS firstAt, max(a.lastSeen) AS lastAt
MATCH (sample:Activity {key: sampleKey})<-[:PERFORMED]-(p) WHERE NOT p:User AND NOT p:MicrosoftOwned
OPTIONAL MATCH (p)-[:PART_OF]->(whole:Identity)
WITH *, coalesce(whole, p) AS subject
WITH *, CASE WHEN coverage <> 'complete' THEN coverage
    // The other tenant may have logged the sign-in of its application.
    WHEN coalesce(p.ownerTenantId, subject.ownerTenantId, $tenantId) <> $tenantId THEN 'ownedElsewhere'
    // Nothing but activity is known of it: it may be one of Microsoft's, whose sign-ins are in another log.
    WHEN p.ownerTenantId IS NULL AND NOT p:ManagedIdentity AND NOT EXISTS { (p)-[:SIGNED_IN]->() } AND NOT EXISTS {
      MATCH (subject)<-[:PART_OF]-(:AppRegistration)
    } THEN 'microsoftOwned' ELSE null END AS obstacle
WHERE coalesce(subject.kind, 'unknown') <> 'microsoft' AND NOT EXISTS {
  MATCH (m:Application) WHERE m.appId = writtenAppId AND m.microsoftOwned = true
}
WITH subject, coalesce(subject.appId, writtenObjectId, writtenAppId) AS principalId, service, address, obstacle,
  sum(events) AS events, min(firstAt) AS firstAt, max(lastAt) AS lastAt
// What it was is told of findings only.
CALL (subject, service, address, obstacle) {
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member)-[:PERFORMED]->(a:Activity)
  WHERE obstacle IS NULL AND a.withoutSignInCount > 0 AND a.evidence = 'complete' AND a.service = service
    AND coalesce(a.address, '') = coalesce(address, '')
  WITH a.operation AS operation, a.unexplainedIds AS ids, a.firstSeen AS at, a.key AS fold ORDER BY at, fold
  RETURN collect(DISTINCT operation)[..3] AS operations, collect(ids)[..20] AS unexplained
}
RETURN CASE WHEN obstacle IS NULL THEN 'found' ELSE 'notDecidable' END AS verdict, obstacle AS reason,
  subject, firstAt, lastAt, reduce(all = [], ids IN unexplained | all + ids) AS evidence,
  'high' AS confidence,
  $tenantId AS tenantId, principalId, service, address, coalesce(obstacle, 'complete') AS coverage, events, operations,
  coalesce(subject.name, subject.caption) AS principal,
  CASE WHEN events = 1 THEN 'once' ELSE events + ' times' END AS amount,
  CASE service WHEN 'arm' THEN 'Azure Resource Manager' WHEN 'keyVault' THEN 'key vaults' WHEN 'graph' THEN 'Microsoft Graph'
    ELSE service END + ' (' + reduce(text = '', name IN operations | text + CASE text WHEN '' THEN '' ELSE ', ' END + name) +
    ')' AS what,
  coalesce(address, 'an address that the log does not state') AS origin,
  CASE WHEN obstacle IS NULL THEN 'no sign-in is seen that can have issued the token, though their log is complete'
    ELSE 'the logs cannot tell whether a sign-in is missing (' + obstacle + ')' END AS conclusion
ORDER BY tenantId, principalId, service, address, coverage
