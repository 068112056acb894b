/*
id: removed_credential_still_used
title: Removed or expired credential still used
description: >
  A credential signs in successfully after the change that removed it, or after its expiry, later than such a change
  needs to spread. Told only where no object is known to hold the credential any longer.
severity: medium
maturity: stable
needs: [AuditLogs, AADServicePrincipalSignInLogs]
params:
  delay:
    default: PT1H
    reason: A removal reaches all places that issue tokens within minutes; an hour leaves room.
fingerprint: [tenantId, credentialId, principalId]
subject: subject
sentence: "{credential} of {principal} {happened} at {endedAt}{by}, and signed in successfully all the same: first at {firstAt}, last at {lastAt}, from {addresses}."
disproof: >
  Another object held this credential at that time, or it was added again in a change that was not loaded.
attack: [T1098.001, T1078.004]
blind_spots:
  - Expiry is known from inventories only, a removal only from the audit log.
  - Tokens issued before the removal stay valid until they expire; their use is no sign-in.
false_positives:
  - A removal that the directory took longer than usual to spread.
references:
  - https://learn.microsoft.com/graph/api/application-removepassword
*/
MATCH (key:Credential {tenantId: $tenantId})
WHERE key.lastUsed > key.removedAt + duration($delay) OR key.lastUsed > key.expiresAt + duration($delay)
WITH key, CASE WHEN key.lastUsed > key.removedAt + duration($delay) THEN 'removed' ELSE 'expired' END AS ending
WITH key, ending, CASE ending WHEN 'removed' THEN key.removedAt ELSE key.expiresAt END AS endedAt
// Somebody still holds it: added again, removed from one of two objects only, or listed later.
WHERE ending = 'expired' OR NOT EXISTS {
  MATCH (key)<-[held:HAS_CREDENTIAL]-(:DirectoryObject) WHERE held.validTo IS NULL OR held.validTo > endedAt
}
MATCH (key)<-[:USED]-(s:SignIn)<-[:SIGNED_IN]-(p)
WHERE s.resultClass = 'success' AND s.lastSeen > endedAt + duration($delay)
OPTIONAL MATCH (p)-[:PART_OF]->(whole:Identity)
WITH key, ending, endedAt, s, coalesce(whole, p) AS subject ORDER BY s.firstSeen, s.key
// A fold that began before the end counts with its last event.
WITH key, ending, endedAt, subject, min(s.servicePrincipalId) AS writtenObjectId, min(s.appId) AS writtenAppId,
  min(CASE WHEN s.firstSeen > endedAt + duration($delay) THEN s.firstSeen ELSE s.lastSeen END) AS firstAt, max(s.lastSeen) AS lastAt,
  collect(DISTINCT s.address) AS addresses,
  collect(CASE WHEN s.firstSeen > endedAt + duration($delay) THEN s.sampleIds ELSE [last(s.sampleIds)] END) AS samples
CALL (key, ending, endedAt) {
  OPTIONAL MATCH (key)<-[:REMOVED]-(c:Change)<-[:MADE]-(by) WHERE ending = 'removed' AND c.at = endedAt
  WITH by, c ORDER BY c.eventId
  RETURN collect(DISTINCT c.eventId) AS removalEvents,
    head(collect(coalesce(by.userPrincipalName, by.name, by.caption))) AS remover
}
CALL (subject, addresses, endedAt) {
  UNWIND CASE WHEN size(addresses) = 0 THEN [null] ELSE addresses END AS address
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member)-[seen:SEEN_FROM]->(ip:IPAddress)
  WHERE ip.address = address AND seen.firstSuccess < endedAt
  WITH address, count(ip) AS seen
  RETURN count(CASE WHEN address IS NOT NULL AND seen = 0 THEN 1 END) > 0 AS strange
}
RETURN 'found' AS verdict, null AS reason, subject, firstAt, lastAt,
  removalEvents + CASE ending WHEN 'expired' THEN coalesce(key.originEventIds, []) ELSE [] END
    + reduce(all = [], ids IN samples[..10] | all + ids) AS evidence,
  CASE WHEN strange THEN 'high' ELSE 'medium' END AS severity, 'exact' AS confidence,
  $tenantId AS tenantId, coalesce(key.keyId, key.federatedId, key.thumbprint, key.key) AS credentialId,
  coalesce(subject.appId, writtenObjectId, writtenAppId) AS principalId, ending, endedAt, addresses,
  CASE WHEN key.displayName IS NULL THEN key.caption ELSE 'Key "' + key.displayName + '"' END AS credential, coalesce(subject.name, subject.caption) AS principal,
  CASE ending WHEN 'removed' THEN 'was removed' ELSE 'expired' END AS happened, coalesce(' by ' + remover, '') AS by
ORDER BY tenantId, credentialId, principalId
