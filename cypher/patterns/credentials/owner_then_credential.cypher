/*
id: owner_then_credential
title: New owner adds a credential
description: >
  Somebody becomes an owner of an application, as its owner adds a key, and the key signs in. The owner may be one of
  the application object and the sign-in one of the service principal: the identity is one.
severity: medium
maturity: stable
needs: [AuditLogs, AADServicePrincipalSignInLogs]
params:
  within:
    default: P7D
    reason: Ownership that is taken in order to add a key is used within days; a month would take in ordinary owners.
  setUp:
    default: P7D
    reason: Whoever registers an application becomes its owner and gives it keys in its first week.
fingerprint: [tenantId, ownerId, credentialId]
subject: subject
sentence: "{owner} became an owner of {principal} at {ownerSince} through {giver} and added {credential} at {addedAt}; {what}."
disproof: >
  The former owner handed the application over, and the new one had to renew its key.
attack: [T1098.001, T1098]
blind_spots:
  - An owner who lets somebody else, or an application, add the key is not followed.
  - Ownership from before the audit log begins is no new one.
false_positives:
  - A change of staff, with keys renewed by the new owner.
references:
  - https://attack.mitre.org/techniques/T1098/001/
*/
MATCH (key:Credential {tenantId: $tenantId})<-[added:ADDED]-(c:Change)-[:CHANGED]->(o:DirectoryObject)
WHERE o.key = added.objectKey AND (o:AppRegistration OR o:ServicePrincipal) AND coalesce(c.result, 'success') = 'success'
MATCH (c)<-[:MADE]-(actor)
MATCH (actor)-[own:OWNS]->(owned:DirectoryObject)
WHERE (owned.key = o.key OR owned.identityId = o.identityId) AND own.basis = 'audit'
  AND own.validFrom <= c.at AND own.validFrom >= c.at - duration($within) AND coalesce(own.validTo >= c.at, true)
OPTIONAL MATCH (o)-[:PART_OF]->(whole:Identity)
WITH key, actor, own, c, o, coalesce(whole, o) AS subject ORDER BY own.validFrom, own.changeId, c.at, c.eventId
WITH key, actor, subject, collect(own.changeId) AS ownerEvents, min(own.validFrom) AS ownerSince,
  collect(c.eventId) AS keyEvents, min(c.at) AS addedAt, head(collect(c)) AS change, min(o.createdAt) AS createdAt
CALL (ownerEvents) {
  UNWIND ownerEvents AS eventId
  OPTIONAL MATCH (c:Change) WHERE c.eventId = eventId
  OPTIONAL MATCH (c)<-[:MADE]-(giver)
  RETURN min(coalesce(giver.userPrincipalName, giver.name, giver.caption)) AS giver
}
CALL (key, addedAt) {
  OPTIONAL MATCH (key)<-[:USED]-(s:SignIn) WHERE s.resultClass = 'success' AND s.firstSeen <= key.firstUsed
  WITH s ORDER BY s.key
  RETURN min(s.firstSeen) AS usedAt, head(collect(s.address)) AS address, coalesce(head(collect(s.sampleIds[..1])), []) AS uses
}
CALL (subject, change, address, addedAt) {
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member)-[seen:SEEN_FROM]->(ip:IPAddress)
  WHERE ip.address = address AND seen.firstSuccess < addedAt
  WITH change, address, count(ip) AS places
  OPTIONAL MATCH (change)-[:FROM]->(place:IPAddress) WHERE place.address = address
  WITH address, places, count(place) AS there
  RETURN address IS NOT NULL AND (places = 0 OR there > 0) AS strange
}
WITH *, CASE WHEN coalesce(createdAt, subject.createdAt) > ownerSince - duration($setUp) THEN 'newApplication'
  WHEN usedAt IS NULL THEN 'notUsedYet' ELSE 'found' END AS state
RETURN CASE state WHEN 'found' THEN 'found' ELSE 'lead' END AS verdict, CASE state WHEN 'found' THEN null ELSE state END AS reason,
  subject, ownerSince AS firstAt, coalesce(usedAt, addedAt) AS lastAt, ownerEvents + keyEvents + uses AS evidence,
  CASE WHEN state <> 'found' THEN 'low' WHEN strange THEN 'high' ELSE 'medium' END AS severity, 'exact' AS confidence,
  $tenantId AS tenantId, actor.objectId AS ownerId, coalesce(key.keyId, key.federatedId, key.thumbprint, key.key) AS credentialId,
  ownerSince, addedAt, usedAt, address,
  CASE WHEN key.displayName IS NULL THEN key.caption ELSE 'key "' + key.displayName + '"' END AS credential,
  coalesce(actor.userPrincipalName, actor.name, actor.caption) AS owner, coalesce(giver, 'someone the logs do not show') AS giver,
  coalesce(subject.name, subject.caption) AS principal,
  CASE WHEN state = 'newApplication' THEN 'the application is new'
    WHEN usedAt IS NULL THEN 'no sign-in with it was seen' ELSE 'it signed in' + coalesce(' from ' + address, '') END AS what
ORDER BY tenantId, ownerId, credentialId
