/*
id: secret_read_then_other_principal
title: A secret is read, and another principal signs in from there
description: >
  One identity reads a secret of a vault, and soon after another identity signs in from the same address, from which it
  had never signed in although it has a past elsewhere: what the vault held may have been the other's key.
severity: high
maturity: experimental
needs: [AZKVAuditLogs, AzureDiagnostics, AADServicePrincipalSignInLogs]
params:
  within:
    default: PT1H
    reason: A stolen key is tried at once.
  baseline:
    default: P1D
    reason: The other identity must have signed in from elsewhere at least a day before, or its first address would be new to it.
fingerprint: [tenantId, principalId, readerId, address]
subject: subject
sentence: "{principal} signed in from {address} for the first time at {firstUse}, {minutes} minutes after {reader} had read {secrets} from there."
disproof: >
  Both belong to one workload that moved to this address.
attack: [T1555.006, T1078.004]
blind_spots:
  - Vaults behind a private endpoint show a private address; the address of the reader's sign-in stands in for it where one led to the reading.
  - Keys that are carried away and used elsewhere.
false_positives:
  - A build agent that runs the deployments of several applications.
references:
  - https://attack.mitre.org/techniques/T1555/006/
*/
MATCH (subject:Identity {tenantId: $tenantId})<-[:PART_OF*0..1]-(p)-[seen:SEEN_FROM]->(ip:IPAddress)
WHERE seen.firstSuccess IS NOT NULL AND coalesce(subject.kind, 'unknown') <> 'microsoft'
  AND coalesce(ip.scope, 'public') <> 'private'
WITH subject, ip, min(p.objectId) AS objectId, min(seen.firstSuccess) AS since
WITH subject, min(objectId) AS objectId, min(since) AS begin, collect({ip: ip, since: since}) AS places
UNWIND places AS place
WITH subject, objectId, place.ip AS ip, place.since AS firstUse, begin WHERE place.since >= begin + duration($baseline)
// Who read a secret from there, or signed in there and read one with that token.
CALL (ip, firstUse) {
  MATCH (ip)<-[:FROM]-(a:Activity)<-[:PERFORMED]-(q)
  WHERE a.tenantId = $tenantId AND a.service = 'keyVault' AND a.outcome = 'success'
    AND a.operation IN ['SecretGet', 'SecretBackup', 'CertificateGet', 'CertificateBackup', 'KeyBackup']
    AND a.firstSeen < firstUse AND a.firstSeen >= firstUse - duration($within)
  RETURN q, a
  UNION
  MATCH (ip)<-[:FROM]-(:SignIn)-[led:LED_TO]->(a:Activity)<-[:PERFORMED]-(q)
  WHERE a.tenantId = $tenantId AND a.service = 'keyVault' AND a.outcome = 'success' AND led.confidence IN ['exact', 'high']
    AND a.operation IN ['SecretGet', 'SecretBackup', 'CertificateGet', 'CertificateBackup', 'KeyBackup']
    AND a.firstSeen < firstUse AND a.firstSeen >= firstUse - duration($within)
  RETURN q, a
}
OPTIONAL MATCH (q)-[:PART_OF]->(whole:Identity)
WITH subject, objectId, ip, firstUse, q, a, coalesce(whole, q) AS reader
WHERE reader.key <> subject.key
WITH subject, objectId, ip, firstUse, q, a, reader ORDER BY a.firstSeen, a.key
WITH subject, objectId, ip, firstUse, reader, min(q.objectId) AS readerObjectId, min(a.firstSeen) AS firstAt,
  max(CASE WHEN a.lastSeen < firstUse THEN a.lastSeen ELSE a.firstSeen END) AS readAt,
  count(DISTINCT coalesce(a.resourceId, '') + '|' + coalesce(a.objectPath, '')) AS read, head(collect(a.objectPath)) AS path,
  reduce(all = [], ids IN collect(a.sampleIds)[..10] | all + ids) AS readIds
CALL (subject, ip, firstUse) {
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member)-[:SIGNED_IN]->(s:SignIn)
  WHERE s.firstSeen = firstUse AND s.address = ip.address AND s.resultClass = 'success'
  WITH s ORDER BY s.key
  RETURN reduce(all = [], ids IN collect(s.sampleIds) | all + ids) AS signInIds
}
RETURN 'found' AS verdict, null AS reason, subject, firstAt, firstUse AS lastAt, readIds + signInIds AS evidence,
  'medium' AS confidence,
  $tenantId AS tenantId, coalesce(subject.appId, objectId) AS principalId, coalesce(reader.appId, readerObjectId, reader.key) AS readerId,
  ip.address AS address, firstUse, read,
  coalesce(subject.name, subject.caption) AS principal, coalesce(reader.name, reader.userPrincipalName, reader.caption) AS reader,
  CASE WHEN read > 1 THEN read + ' secrets' ELSE coalesce(path, 'a secret') END AS secrets,
  (firstUse.epochMillis - readAt.epochMillis) / 60000 AS minutes
ORDER BY tenantId, principalId, readerId, address
