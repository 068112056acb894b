/*
id: shared_credential
title: Credential shared by several identities
description: >
  One key id or one certificate (by its thumbprint) on several applications, or signing in as several of them. Whoever
  holds it is all of them, and renewing it in one place leaves the others open. The application object and the service
  principal of one identity share nothing.
severity: low
maturity: stable
needs: [AADServicePrincipalSignInLogs]
params: {}
fingerprint: [tenantId, credentialId]
subject: subject
sentence: "{credential} belongs to {count} identities: {names}; {use}."
disproof: >
  The owner gave one certificate to several applications on purpose, and renews it in all of them.
attack: [T1078.004]
blind_spots:
  - Thumbprints are in sign-ins and inventories, not in the audit log.
  - Secrets with one value have different key ids; their sharing cannot be seen.
false_positives:
  - Applications of one team that share a certificate.
references: []
*/
CALL () {
  MATCH (key:Credential {tenantId: $tenantId})<-[has:HAS_CREDENTIAL]-(o:DirectoryObject) WHERE NOT key:FederatedCredential
  RETURN key, coalesce(o.identityId, o.key) AS identityId, o AS witness, 0 AS signIns, head(has.eventIds) AS eventId
  UNION ALL
  MATCH (key:Credential {tenantId: $tenantId})<-[:USED]-(s:SignIn) WHERE s.resultClass = 'success' AND NOT key:FederatedCredential
  WITH key, s.servicePrincipalId AS objectId, sum(s.count) AS signIns, min(head(s.sampleIds)) AS eventId
  MATCH (o:DirectoryObject) WHERE o.objectId = objectId
  WITH key, o, signIns, eventId WHERE o.tenantId = $tenantId
  RETURN key, coalesce(o.identityId, o.key) AS identityId, o AS witness, signIns, eventId
}
// One certificate has a key id of its own on each object: its thumbprint tells.
WITH coalesce(key.thumbprint, key.key) AS credentialId, identityId, key, witness, signIns, eventId ORDER BY key.key, witness.key, eventId
WITH credentialId, identityId, collect(DISTINCT key) AS keys, head(collect(witness)) AS witness, sum(signIns) AS signIns,
  collect(DISTINCT eventId)[..5] AS events
OPTIONAL MATCH (witness)-[:PART_OF]->(whole:Identity)
WITH credentialId, keys, coalesce(whole, witness) AS party, signIns, events ORDER BY coalesce(whole.key, witness.key)
WITH credentialId, collect(party) AS parties, collect(coalesce(party.name, party.caption)) AS names,
  reduce(all = [], some IN collect(keys) | all + some) AS keys, reduce(all = [], some IN collect(events) | all + some) AS events,
  sum(CASE WHEN signIns > 0 THEN 1 ELSE 0 END) AS users
WHERE size(parties) > 1
// An object whose application id no record states may be part of another party: application object and service principal.
WITH *, head(keys) AS key, head(parties) AS subject,
  CASE WHEN any(x IN parties WHERE x.appId IS NULL) THEN 'lead' ELSE 'found' END AS verdict
RETURN verdict, CASE verdict WHEN 'lead' THEN 'maybeOneIdentity' ELSE null END AS reason, subject,
  reduce(first = null, x IN keys | CASE WHEN first IS NULL OR x.firstSeen < first THEN x.firstSeen ELSE first END) AS firstAt,
  reduce(newest = null, x IN keys | CASE WHEN newest IS NULL OR x.lastSeen > newest THEN x.lastSeen ELSE newest END) AS lastAt,
  events AS evidence,
  CASE WHEN verdict = 'found' AND users > 1 THEN 'medium' ELSE 'low' END AS severity, 'exact' AS confidence,
  $tenantId AS tenantId, credentialId, size(parties) AS count, names,
  CASE WHEN key.displayName IS NULL THEN key.caption ELSE 'Key "' + key.displayName + '"' END AS credential,
  CASE users WHEN 0 THEN 'no sign-in with it was seen' WHEN 1 THEN 'one of them signed in with it'
    ELSE users + ' of them signed in with it' END +
    CASE verdict WHEN 'lead' THEN '; one of them may be the application object or the service principal of another' ELSE '' END AS use
ORDER BY tenantId, credentialId
