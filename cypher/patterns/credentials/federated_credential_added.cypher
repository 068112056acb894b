/*
id: federated_credential_added
title: Federated credential added
description: >
  A federated credential was added to an application or a user-assigned managed identity, or one that was there was
  changed, and no record of this tenant had shown its issuer and subject before: whoever controls that subject at the issuer now signs in as this identity,
  without any key. Says whether it was used, and from where.
severity: medium
maturity: stable
needs: [AuditLogs]
params:
  setUp:
    default: P7D
    reason: A pipeline's trust is set up in the first week of its application's life.
fingerprint: [tenantId, credentialId, day]
subject: subject
sentence: "{actor} let \"{trusted}\" of {issuer} sign in as {principal} at {firstAt}: {what}{use}."
disproof: >
  The owner of the workload runs it at this issuer, under this subject.
attack: [T1098.001, T1550.001]
blind_spots:
  - Federated credentials from before the loaded logs are known only from an inventory; without one a long-trusted issuer looks new.
  - A credential that matches subjects by an expression shows the expression only.
  - A record that leaves out the list before the change (null, unlike the empty list) does not say what was added.
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
  RETURN key, added.issuer AS statedIssuer, added.subject AS statedSubject, coalesce(whole, o) AS subject,
    o.createdAt AS createdAt, c.at AS at, [c.eventId] AS events, a AS actor
  UNION ALL
  // On a user-assigned identity it is a write to Azure.
  MATCH (key:FederatedCredential {tenantId: $tenantId})<-[added:ADDED]-(did:Activity)-[:ON]->(:Resource)-[:WITHIN]->(r:Resource)
  OPTIONAL MATCH (r)<-[:REPRESENTS]-(o:ManagedIdentity)
  OPTIONAL MATCH (o)-[:PART_OF]->(whole:Identity)
  OPTIONAL MATCH (did)<-[:PERFORMED]-(a)
  RETURN key, added.issuer AS statedIssuer, added.subject AS statedSubject, coalesce(whole, o, r) AS subject,
    o.createdAt AS createdAt, did.firstSeen AS at, did.sampleIds AS events, a AS actor
}
// What it trusts now is not what it trusted then: one that is there can be changed.
WITH key, coalesce(statedIssuer, key.issuer) AS issuer, coalesce(statedSubject, key.subject) AS trusted, subject, createdAt, at,
  events, actor ORDER BY at, key.key
// The records of Azure and of the directory tell of one credential; its name is unique on its identity.
WITH subject, coalesce(key.displayName, key.key) AS named, toString(date(at)) AS day, issuer, trusted, collect(key) AS keys,
  min(at) AS addedAt, min(key.key) AS credentialId,
  max(CASE WHEN key.issuerDeclared = true AND key.issuer = issuer THEN 1 ELSE 0 END) = 1 AS declared, min(createdAt) AS createdAt,
  reduce(all = [], ids IN collect(events) | all + ids) AS addEvents,
  head(collect(coalesce(actor.userPrincipalName, actor.name, actor.caption))) AS actor
// Had any credential trusted the same before? Another that was only ever listed did so as long as it is known; one that was
// added or changed, since then; what a change took away had been there.
CALL (keys, issuer, trusted, addedAt) {
  MATCH (other:FederatedCredential {tenantId: $tenantId}) WHERE other.issuer = issuer AND other.firstSeen <= addedAt
  OPTIONAL MATCH (other)<-[e:ADDED|REMOVED]-(c) WHERE e.issuer = issuer
  WITH keys, trusted, addedAt, other, CASE WHEN e IS NULL THEN other.subject ELSE e.subject END AS theirs,
    CASE WHEN e IS NULL THEN other.firstSeen ELSE coalesce(c.at, c.firstSeen) END AS at, coalesce(type(e), 'listed') AS how
  WHERE (at < addedAt OR (how <> 'ADDED' AND at = addedAt)) AND NOT (how = 'listed' AND any(x IN keys WHERE x.key = other.key))
  RETURN count(other) > 0 AS issuerSeen, count(CASE WHEN theirs = trusted THEN 1 END) > 0 AS pairSeen
}
// Of several changes on one day, the one to something new.
WITH subject, named, day, {issuer: issuer, trusted: trusted, addedAt: addedAt, credentialId: credentialId, declared: declared,
    createdAt: createdAt, actor: actor, issuerSeen: issuerSeen, pairSeen: pairSeen, keys: keys} AS one, addEvents
ORDER BY issuer IS NULL, pairSeen, issuerSeen, declared, addedAt, trusted
WITH subject, named, day, head(collect(one)) AS one, reduce(all = [], ids IN collect(addEvents) | all + ids) AS addEvents
WITH subject, named, day, addEvents, one.issuer AS issuer, one.trusted AS trusted, one.addedAt AS addedAt,
  one.credentialId AS credentialId, one.declared AS declared, one.createdAt AS createdAt, one.actor AS actor,
  one.issuerSeen AS issuerSeen, one.pairSeen AS pairSeen, one.keys AS keys
// Used since then: before, it was for whom it trusted before.
CALL (keys, addedAt) {
  UNWIND keys AS key
  OPTIONAL MATCH (key)<-[:USED]-(s:SignIn) WHERE s.resultClass = 'success' AND s.lastSeen >= addedAt
  WITH s, CASE WHEN s.firstSeen >= addedAt THEN s.firstSeen ELSE s.lastSeen END AS at ORDER BY at, s.key
  RETURN min(at) AS usedAt, head(collect(s.address)) AS address, coalesce(head(collect(s.sampleIds[..1])), []) AS uses
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
  'exact' AS confidence, $tenantId AS tenantId, credentialId, day, coalesce(issuer, 'an issuer that the record does not state') AS issuer,
  coalesce(trusted, 'a subject that the record does not state') AS trusted, named AS credential, usedAt, address,
  coalesce(actor, 'Someone the logs do not show') AS actor, coalesce(subject.name, subject.caption) AS principal,
  CASE state WHEN 'knownSubject' THEN 'issuer and subject were trusted before'
    WHEN 'newApplication' THEN 'the application is new' WHEN 'issuerNotStated' THEN 'what it trusts cannot be compared'
    ELSE CASE WHEN declared THEN 'the issuer is declared, the subject was not seen before'
      WHEN issuerSeen THEN 'the issuer was trusted before, the subject was not' ELSE 'neither was seen before' END END AS what,
  CASE WHEN usedAt IS NULL THEN '' ELSE '; it signed in' + coalesce(' from ' + address, '') END AS use
ORDER BY tenantId, credentialId, day
