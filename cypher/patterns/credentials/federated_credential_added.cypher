/*
id: federated_credential_added
title: Federated credential added
description: >
  A federated credential was added to an application or a user-assigned managed identity, whose issuer and subject no
  record of this tenant had shown before: whoever controls that subject at the issuer now signs in as this identity,
  without any key. Says whether it was used, and from where.
severity: medium
maturity: stable
needs: [AuditLogs]
params:
  setUp:
    default: P7D
    reason: A pipeline's trust is set up in the first week of its application's life.
fingerprint: [tenantId, credentialId]
subject: subject
sentence: "{actor} let \"{trusted}\" of {issuer} sign in as {principal} at {firstAt}: {what}{use}."
disproof: >
  The owner of the workload runs it at this issuer, under this subject.
attack: [T1098.001, T1550.001]
blind_spots:
  - Federated credentials from before the loaded logs are known only from an inventory; without one a long-trusted issuer looks new.
  - A credential that matches subjects by an expression shows the expression only.
false_positives:
  - A new pipeline or cluster of the owner.
references:
  - https://learn.microsoft.com/entra/workload-id/workload-identity-federation
*/
CALL () {
  MATCH (key:FederatedCredential {tenantId: $tenantId})<-[added:ADDED]-(c:Change)-[:CHANGED]->(o:DirectoryObject)
  WHERE o.key = added.objectKey AND coalesce(c.result, 'success') = 'success' AND c.at IS NOT NULL
  OPTIONAL MATCH (o)-[:PART_OF]->(whole:Identity)
  OPTIONAL MATCH (c)<-[:MADE]-(a)
  RETURN key, coalesce(whole, o) AS subject, o.createdAt AS createdAt, c.at AS at, [c.eventId] AS events, a AS actor
  UNION ALL
  // On a user-assigned identity it is a write to Azure.
  MATCH (key:FederatedCredential {tenantId: $tenantId})<-[:ADDED]-(did:Activity)-[:ON]->(:Resource)-[:WITHIN]->(r:Resource)
  OPTIONAL MATCH (r)<-[:REPRESENTS]-(o:ManagedIdentity)
  OPTIONAL MATCH (o)-[:PART_OF]->(whole:Identity)
  OPTIONAL MATCH (did)<-[:PERFORMED]-(a)
  RETURN key, coalesce(whole, o, r) AS subject, o.createdAt AS createdAt, did.firstSeen AS at, did.sampleIds AS events, a AS actor
}
WITH key, subject, createdAt, at, events, actor ORDER BY at, key.key
// The records of Azure and of the directory tell of one credential; its name is unique on its identity.
WITH subject, coalesce(key.displayName, key.key) AS named, toString(date(at)) AS day, collect(key) AS keys, min(at) AS addedAt,
  min(key.key) AS credentialId, max(key.issuer) AS issuer, max(key.subject) AS trusted,
  max(CASE WHEN key.issuerDeclared = true THEN 1 ELSE 0 END) = 1 AS declared, min(createdAt) AS createdAt,
  reduce(all = [], ids IN collect(events) | all + ids) AS addEvents,
  head(collect(coalesce(actor.userPrincipalName, actor.name, actor.caption))) AS actor
CALL (issuer, trusted, addedAt) {
  OPTIONAL MATCH (other:FederatedCredential {tenantId: $tenantId}) WHERE other.issuer = issuer AND other.firstSeen < addedAt
  RETURN count(other) > 0 AS issuerSeen, count(CASE WHEN other.subject = trusted THEN 1 END) > 0 AS pairSeen
}
CALL (keys) {
  UNWIND keys AS key
  OPTIONAL MATCH (key)<-[:USED]-(s:SignIn) WHERE s.resultClass = 'success'
  WITH s ORDER BY s.firstSeen, s.key
  RETURN min(s.firstSeen) AS usedAt, head(collect(s.address)) AS address, coalesce(head(collect(s.sampleIds[..1])), []) AS uses
}
WITH *, CASE WHEN pairSeen THEN 'knownSubject'
    WHEN declared AND NOT issuerSeen THEN 'declared'
    WHEN declared THEN 'declaredIssuer'
    WHEN issuer IS NULL THEN 'issuerNotStated'
    WHEN coalesce(createdAt, subject.createdAt) > addedAt - duration($setUp) THEN 'newApplication'
    ELSE 'found' END AS state
WHERE state <> 'declared'
RETURN CASE state WHEN 'found' THEN 'found' ELSE 'lead' END AS verdict, CASE state WHEN 'found' THEN null ELSE state END AS reason,
  subject, addedAt AS firstAt, coalesce(usedAt, addedAt) AS lastAt, addEvents + uses AS evidence,
  CASE WHEN state <> 'found' THEN 'low' WHEN usedAt IS NOT NULL OR NOT issuerSeen THEN 'high' ELSE 'medium' END AS severity,
  'exact' AS confidence, $tenantId AS tenantId, credentialId, coalesce(issuer, 'an issuer that the record does not state') AS issuer,
  coalesce(trusted, 'a subject that the record does not state') AS trusted, named AS credential, usedAt, address,
  coalesce(actor, 'Someone the logs do not show') AS actor, coalesce(subject.name, subject.caption) AS principal,
  CASE state WHEN 'knownSubject' THEN 'issuer and subject were trusted before'
    WHEN 'newApplication' THEN 'the application is new' WHEN 'issuerNotStated' THEN 'what it trusts cannot be compared'
    ELSE CASE WHEN declared THEN 'the issuer is declared, the subject was not seen before'
      WHEN issuerSeen THEN 'the issuer was trusted before, the subject was not' ELSE 'neither was seen before' END END AS what,
  CASE WHEN usedAt IS NULL THEN '' ELSE '; it signed in' + coalesce(' from ' + address, '') END AS use
ORDER BY tenantId, credentialId
