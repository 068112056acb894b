/*
id: credential_used_without_add_event
title: Credential used that nobody was seen to add
description: >
  A key signs in that is absent from a full list of the keys of every object that can carry it, with nothing missing of
  the audit log from that list until its first use, and no record adds it. Where the list or the log is not whole, or
  the keys are kept in another tenant or by a service, nothing can be said, and the reason is told.
severity: high
maturity: stable
needs: [AuditLogs, AADServicePrincipalSignInLogs]
params: {}
fingerprint: [tenantId, principalId, credentialId]
subject: subject
sentence: "{credential} signed in as {principal}, first at {firstAt} from {address}: {what}."
disproof: >
  The record of the change that added this key, or a list of keys from before its first use that holds it.
attack: [T1098.001, T1078.004]
blind_spots:
  - Keys that were there before the first full list of keys are not decidable.
  - Sign-ins of managed identities state no key; those of federated credentials state one that the issuer keeps.
false_positives:
  - An audit log that lost records without leaving a gap that could be seen.
references: []
*/
CALL () {
  MATCH (key:Credential {tenantId: $tenantId})
  WHERE key.firstUsed IS NOT NULL AND key.addedAt IS NULL AND key.origin IN ['absent', 'unknown']
    AND NOT key:FederatedCredential
  MATCH (key)<-[:USED]-(s:SignIn) WHERE s.resultClass = 'success' AND s.firstSeen <= key.firstUsed
  MATCH (s)<-[:SIGNED_IN]-(p)
  WITH key, s, p ORDER BY s.key, p.key
  WITH key, head(collect(s)) AS s, head(collect(p)) AS p
  RETURN p, s, key.origin AS origin, coalesce(key.originReason, 'noFullStatement') AS why, key.lastUsed AS lastAt,
    coalesce(key.originEventIds, []) AS statements, coalesce(key.keyId, key.thumbprint, key.key) AS credentialId,
    CASE WHEN key.displayName IS NULL THEN key.caption ELSE 'Key "' + key.displayName + '"' END AS credential
  UNION ALL
  // Sign-ins with a key that the record does not name: one row for each principal.
  MATCH (s:SignIn {tenantId: $tenantId})
  WHERE s.keyId IS NULL AND s.kind = 'servicePrincipal' AND s.resultClass = 'success'
    AND NOT coalesce(s.credentialType, '') IN ['federatedIdentityCredential', 'managedIdentity', 'none']
    AND NOT EXISTS { (s)-[:USED]->(:Credential) }
  WITH s ORDER BY s.firstSeen, s.key
  WITH s.servicePrincipalId AS writtenObjectId, s.appId AS writtenAppId, head(collect(s)) AS s, max(s.lastSeen) AS lastAt
  MATCH (s)<-[:SIGNED_IN]-(p)
  RETURN p, s, 'unknown' AS origin, 'noKeyStated' AS why, lastAt, [] AS statements, null AS credentialId, 'A key' AS credential
}
OPTIONAL MATCH (p)-[:PART_OF]->(whole:Identity)
WITH *, coalesce(whole, p) AS subject
RETURN CASE origin WHEN 'absent' THEN 'found' ELSE 'notDecidable' END AS verdict,
  CASE origin WHEN 'absent' THEN null ELSE why END AS reason,
  subject, s.firstSeen AS firstAt, lastAt, statements + s.sampleIds[..1] AS evidence,
  CASE origin WHEN 'absent' THEN 'high' ELSE 'info' END AS severity, 'high' AS confidence,
  $tenantId AS tenantId, coalesce(subject.appId, s.servicePrincipalId, s.appId) AS principalId, credentialId,
  s.address AS address, s.resourceName AS resource, credential, coalesce(subject.name, subject.caption) AS principal,
  CASE origin WHEN 'absent' THEN 'the full list of its keys before did not hold it, and nothing in the audit log since added it'
    ELSE 'the logs cannot tell whether it was added (' + why + ')' END AS what
ORDER BY tenantId, principalId, credentialId
