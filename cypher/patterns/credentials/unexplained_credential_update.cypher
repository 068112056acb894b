/*
id: unexplained_credential_update
title: Unexplained credential update
description: >
  A key was added to an application or service principal although the identity had signed in successfully shortly before
  with another one, and nothing in the logs calls for a new key. Every harmless explanation that was looked for is
  listed with its events, or named as absent. Found by identity, through object ids and app id: a rename hides nothing,
  and another application with the same name is not accused.
severity: medium
maturity: stable
needs: [AuditLogs]
params:
  lookBack:
    default: P3D
    reason: A workload that runs daily and has succeeded within three days has a working key.
  around:
    default: P7D
    reason: Old keys are removed, and renames and new owners belong to the same undertaking, within about a week.
  knownFor:
    default: P1D
    reason: >
      Who signs in with a stolen key, and within the hour fails on purpose or uses a new one, has not made that address the
      workload's.
  nearExpiry:
    default: P30D
    reason: Keys are commonly renewed in the last month before they expire.
fingerprint: [tenantId, operationId, credentialId]
subject: subject
sentence: "A key was added to {principal} by {actor} at {firstAt}, although it had signed in with another one at {lastSuccess}: {conclusion}."
disproof: >
  A ticket or deployment of the owner that asked for this key, and first uses of it from the workload's own addresses.
attack: [T1098.001]
blind_spots:
  - Values and expiry dates of keys are not in the audit log; expiry is known from inventories only.
  - A key that replaces the working one in the same hour as the workload's first sign-in ever is taken for set-up.
  - Federated credentials have a pattern of their own.
  - Whoever uses the new key from the workload's own network after removing the old one looks like its owner.
false_positives:
  - A second key prepared long before a planned rotation.
references:
  - https://attack.mitre.org/techniques/T1098/001/
*/
MATCH (key:Credential)<-[added:ADDED]-(c:Change {tenantId: $tenantId})-[:CHANGED]->(o:DirectoryObject)
WHERE o.key = added.objectKey AND (o:AppRegistration OR o:ServicePrincipal) AND NOT key:FederatedCredential
  AND coalesce(c.result, 'success') = 'success' AND c.at IS NOT NULL
  // The platform renews the certificate of a managed identity: its name is the identity's own client id.
  AND NOT (o:ManagedIdentity AND toLower(coalesce(key.displayName, '')) = 'cn=' + coalesce(o.appId, '?'))
OPTIONAL MATCH (o)-[:PART_OF]->(whole:Identity)
OPTIONAL MATCH (a)-[:MADE]->(c)
WITH coalesce(whole, o) AS subject, key, c, o, a, added ORDER BY c.at, c.eventId
// Twin records of one operation state the key twice.
WITH subject, key, coalesce(c.correlationId, c.eventId) AS operationId, collect({id: c.eventId, at: c.at, object: o, actor: a,
  lastSuccess: added.lastSuccess, successEvents: added.lastSuccessIds}) AS records
WITH subject, key, operationId, records, head(records).object AS object, head(records).at AS addedAt,
  head(records).lastSuccess AS lastSuccess
// Does the log of sign-ins cover the look-back, and since when has it been without a hole?
CALL (object, addedAt) {
  WITH CASE WHEN object:ManagedIdentity THEN 'AADManagedIdentitySignInLogs'
    ELSE 'AADServicePrincipalSignInLogs' END AS source, addedAt
  OPTIONAL MATCH (l:LogSource {tenantId: $tenantId}) WHERE l.source = source
  OPTIONAL MATCH (l)-[:HAS_GAP]->(g:Gap) WHERE g.start < addedAt
  WITH addedAt, l, max(g.end) AS lastHole
  RETURN max(CASE WHEN l IS NULL THEN 0
    WHEN l.firstSeen > addedAt - duration($lookBack) THEN 1
    WHEN l.lastSeen < addedAt OR lastHole > addedAt - duration($lookBack) THEN 2
    ELSE 3 END) AS coverage,
    max(CASE WHEN lastHole > l.firstSeen THEN lastHole ELSE l.firstSeen END) AS coveredSince,
    max(CASE WHEN lastHole > l.firstSeen THEN 1 ELSE 0 END) = 1 AS holed
}
WITH *, CASE
    WHEN lastSuccess >= addedAt - duration($lookBack) THEN 'working'
    WHEN lastSuccess IS NULL AND coalesce(object.createdAt, subject.createdAt) >= addedAt - duration('PT1H') THEN 'new'
    WHEN subject.appId IS NULL AND lastSuccess IS NULL AND object:AppRegistration THEN 'noAppId'
    WHEN coverage = 0 THEN 'notCollected'
    WHEN coverage = 1 THEN 'baselineTooShort'
    WHEN coverage = 2 THEN 'gap'
    WHEN lastSuccess IS NULL THEN 'new'
    ELSE 'lastSuccessOlderThanLookBack' END AS state
WHERE state <> 'new'
// What is asked of each key is looked up once for all keys of an identity.
WITH subject, collect({key: key, operationId: operationId, records: records, coveredSince: coveredSince, holed: holed,
  state: state}) AS additions
// What happened to its keys, names, owners and powers.
CALL (subject) {
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member:DirectoryObject)<-[:CHANGED]-(c:Change)-[did:ADDED|REMOVED|RENAMED_TO|GRANTED]->(thing)
  WHERE coalesce(did.objectKey, member.key) = member.key AND coalesce(c.result, 'success') = 'success'
  OPTIONAL MATCH (by)-[:MADE]->(c)
  WITH c, by.key AS by,
    collect(CASE WHEN type(did) = 'ADDED' AND thing:Credential THEN thing.key END) AS addedKeys,
    collect(CASE WHEN type(did) = 'REMOVED' AND thing:Credential THEN thing.key END) AS removedKeys,
    max(CASE WHEN type(did) = 'RENAMED_TO' THEN 1 ELSE 0 END) = 1 AS renamed,
    max(CASE WHEN type(did) = 'GRANTED' OR type(did) = 'ADDED' AND thing:DirectoryObject THEN 1 ELSE 0 END) = 1 AS empowered
  ORDER BY c.at, c.eventId
  RETURN collect({id: c.eventId, at: c.at, by: by, addedKeys: addedKeys, removedKeys: removedKeys, renamed: renamed,
    empowered: empowered}) AS acts
}
// Its addresses, and its failures from those where it had succeeded before.
CALL (subject) {
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member)-[seen:SEEN_FROM]->(ip:IPAddress)
  WITH ip.address AS address, min(seen.firstSuccess) AS since, max(seen.lastFailure) AS failedLast
  WHERE since IS NOT NULL
  RETURN collect({address: address, since: since, failed: failedLast > since}) AS places
}
CALL (subject, places) {
  WITH subject, [x IN places WHERE x.failed] AS doubtful WHERE size(doubtful) > 0
  MATCH (subject)<-[:PART_OF*0..1]-(member)-[:SIGNED_IN]->(s:SignIn) WHERE s.resultClass = 'credentialFailed'
  WITH s, head([x IN doubtful WHERE x.address = s.address AND x.since < s.firstSeen]).since AS since
  ORDER BY s.firstSeen, s.key
  RETURN collect(CASE WHEN since IS NOT NULL THEN {at: s.firstSeen, until: s.lastSeen, since: since, ids: s.sampleIds,
    expired: s.resultCode IN ['7000222', '1000502']} END) AS failures
}
CALL (subject) {
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member:DirectoryObject)-[:HAS_CREDENTIAL]->(old:Credential)
  WITH DISTINCT old ORDER BY old.key
  RETURN collect(CASE WHEN old.expiresAt IS NOT NULL THEN {key: old.key, at: old.expiresAt, ids: coalesce(old.originEventIds, [])} END) AS expiries
}
UNWIND additions AS addition
WITH subject, acts, places, failures, expiries, addition.key AS key, addition.operationId AS operationId, addition.records AS records,
  addition.coveredSince AS coveredSince, addition.holed AS holed, addition.state AS state,
  head(addition.records).object AS object, head(addition.records).actor AS actor, head(addition.records).at AS addedAt,
  head(addition.records).lastSuccess AS lastSuccess, coalesce(head(addition.records).successEvents, []) AS successEvents
CALL (key) {
  OPTIONAL MATCH (key)<-[:USED]-(s:SignIn) WHERE s.resultClass = 'success' AND s.address IS NOT NULL
  // Sorted by values at hand: reading them from the node in each comparison takes twice as long.
  WITH s, s.firstSeen AS firstUseAt, s.key AS fold ORDER BY firstUseAt, fold LIMIT 1
  RETURN s.address AS firstUseAddress, firstUseAt, coalesce(s.sampleIds, []) AS firstUseEvents
}
WITH *, [x IN acts WHERE x.at < addedAt - duration($around)] AS before,
  [x IN acts WHERE x.at >= addedAt - duration($around) AND x.at <= addedAt + duration($around)] AS around,
  // Removing a key makes its workload fail: such failures explain no new key.
  head([x IN acts WHERE size(x.removedKeys) > 0 AND x.at >= addedAt - duration($lookBack) AND x.at < addedAt | x.at]) AS goneAt,
  head([x IN places WHERE x.address = firstUseAddress | x.since]) AS knownSince
WITH *, CASE WHEN firstUseAddress IS NULL THEN null
    WHEN knownSince < addedAt - duration($knownFor) THEN 'own'
    WHEN knownSince < addedAt AND coveredSince > addedAt - duration($knownFor) THEN 'unsure' ELSE 'new' END AS firstUse,
  // Explanation: it failed from an address of its own, with an expired key, or with a bad one that nobody had removed. An
  // address is its own after a day; of one that the logs do not show for a day, nobody can tell.
  [x IN failures WHERE x.at < addedAt AND x.until >= addedAt - duration($lookBack) AND (x.expired OR goneAt IS NULL OR x.at < goneAt)]
    AS failedBefore,
  // Explanation: rotation. Somebody who manages its keys removed another one, and the new one is used from a known address.
  [x IN around WHERE any(k IN x.removedKeys WHERE k <> key.key) AND (x.by = actor.key
    OR any(y IN before WHERE y.by = x.by AND size(y.addedKeys) + size(y.removedKeys) > 0)) | x.id] AS removalEvents,
  // Another key of the identity was about to expire.
  [x IN expiries WHERE x.key <> key.key AND x.at > addedAt - duration($lookBack) AND x.at < addedAt + duration($nearExpiry)] AS expired,
  // Habit: the same actor had added keys to this identity before all this began. It can be faked, so it only weighs.
  [x IN before WHERE x.by = actor.key AND size(x.addedKeys) > 0 | x.id][..5] AS habitEvents,
  // What makes it worse: a rename, a new owner or a grant around it.
  [x IN around WHERE x.renamed | x.id] AS renameEvents, [x IN around WHERE x.empowered | x.id] AS powerEvents
WITH *, size(expired) > 0 AS expiring, reduce(all = [], x IN expired | all + x.ids) AS expiryEvents,
  reduce(all = [], x IN [f IN failedBefore WHERE f.since < f.at - duration($knownFor)][..5] | all + x.ids) AS failedEvents,
  reduce(all = [], x IN [f IN failedBefore WHERE NOT f.since < f.at - duration($knownFor)
    AND coveredSince > f.at - duration($knownFor)][..5] | all + x.ids) AS unsureFailures
WITH *, size(failedEvents) > 0 AS failed, size(removalEvents) > 0 AND coalesce(firstUse = 'own', false) AS rotated,
  size(habitEvents) > 0 AS habit,
  size(renameEvents) + size(powerEvents) > 0 OR coalesce(firstUse = 'new', false) AS worse
WITH *, failed OR rotated AS explained, size(unsureFailures) > 0
  OR size(removalEvents) > 0 AND coalesce(firstUse = 'unsure', false) AS unsure
WITH *, CASE WHEN state = 'working' AND explained THEN 'explained'
    WHEN state = 'working' AND unsure THEN CASE WHEN holed THEN 'gap' ELSE 'baselineTooShort' END
    WHEN state <> 'working' THEN state END AS reason
WITH *, CASE WHEN reason IS NULL THEN 'found'
    WHEN state IN ['working', 'lastSuccessOlderThanLookBack'] THEN 'lead' ELSE 'notDecidable' END AS verdict
RETURN verdict, reason,
  subject, addedAt AS firstAt, coalesce(firstUseAt, addedAt) AS lastAt,
  [x IN records | x.id] + successEvents + firstUseEvents + renameEvents + powerEvents AS evidence,
  // Habit and a near expiry lower it one step each; they explain nothing: one can be faked, the other is known from
  // inventories only, and findings must not grow where those are missing.
  CASE CASE WHEN verdict = 'lead' THEN 0 ELSE 1 END * (CASE WHEN worse THEN 1 ELSE 0 END
      + CASE WHEN habit THEN 0 ELSE 1 END - CASE WHEN expiring THEN 1 ELSE 0 END)
    WHEN 2 THEN 'high' WHEN 1 THEN 'medium' ELSE 'low' END AS severity,
  'high' AS confidence,
  [{id: 'failedBefore', present: failed, evidence: failedEvents,
    text: 'It had failed to sign in with a bad or expired key from an address that it uses.'},
   {id: 'rotation', present: rotated, evidence: removalEvents,
    text: 'Someone who manages its keys removed another one, and the new key was first used from a known address.'},
   {id: 'addressTooNew', present: unsure, evidence: unsureFailures + CASE WHEN size(unsureFailures) = 0 THEN firstUseEvents ELSE [] END,
    text: 'It failed, or a rotation used the new key, from an address of which the logs show less than a day.'},
   {id: 'nearExpiry', present: expiring, evidence: expiryEvents, 
    text: 'Another key was about to expire (lowers the severity only).'},
   {id: 'actorHabit', present: habit, evidence: habitEvents,
    text: 'The same actor had added keys to this identity before (lowers the severity only).'}] AS explanations,
  $tenantId AS tenantId, operationId, coalesce(key.keyId, key.thumbprint, key.key) AS credentialId,
  object.objectId AS changedObjectId, key.displayName AS credentialName, lastSuccess, firstUseAt, firstUseAddress,
  CASE firstUse WHEN 'own' THEN true WHEN 'new' THEN false END AS firstUseAddressKnown, size(renameEvents) AS renames, size(powerEvents) AS ownersAndGrants,
  coalesce(actor.userPrincipalName, actor.name, actor.caption, 'someone the logs do not show') AS actor,
  coalesce(subject.name, subject.caption) AS principal,
  CASE WHEN verdict = 'found' THEN 'nothing in the logs calls for a new key' +
      CASE WHEN expiring THEN ' but that another one was about to expire' ELSE '' END
    WHEN state = 'working' AND unsure AND NOT explained THEN CASE WHEN size(unsureFailures) > 0
      THEN 'failed sign-ins before' ELSE 'a rotation' END +
      ' would explain it, but the logs show less than a day of the address'
    WHEN state = 'working' THEN 'explained by ' + CASE WHEN rotated THEN 'a rotation' ELSE 'failed sign-ins before' END
    WHEN state = 'lastSuccessOlderThanLookBack' THEN 'that is longer ago than the look-back'
    ELSE 'the logs cannot tell (' + state + ')' END AS conclusion
ORDER BY tenantId, operationId, credentialId
