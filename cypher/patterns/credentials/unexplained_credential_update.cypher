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
WITH coalesce(whole, o) AS subject, key, c, o ORDER BY c.at, c.eventId
// Twin records of one operation state the key twice.
WITH subject, key, coalesce(c.correlationId, c.eventId) AS operationId,
  collect(c) AS changes, collect(o) AS objects
WITH subject, key, operationId, changes, head(changes) AS change, head(objects) AS object,
  head(changes).at AS addedAt
OPTIONAL MATCH (a)-[:MADE]->(change)
WITH subject, key, operationId, changes, change, object, addedAt, head(collect(a)) AS actor
// Successful sign-ins before, by any object of the identity, with anything but this key. Many: the key is compared as
// written where it is, and nothing is sorted.
CALL (subject, key, addedAt) {
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member)-[:SIGNED_IN]->(s:SignIn)
  WHERE s.resultClass = 'success' AND s.firstSeen < addedAt
    AND CASE WHEN s.keyId IS NULL OR key.keyId IS NULL THEN NOT EXISTS { (s)-[:USED]->(key) }
      ELSE s.keyId <> key.keyId END
  WITH collect(s) AS before, max(s.firstSeen) AS latest,
    max(CASE WHEN s.lastSeen <= addedAt THEN s.lastSeen ELSE s.firstSeen END) AS lastSuccess
  WITH [s IN before WHERE s.firstSeen = latest] AS last, lastSuccess
  WITH reduce(first = head(last), s IN last | CASE WHEN s.key < first.key THEN s ELSE first END) AS last, lastSuccess
  RETURN lastSuccess, coalesce(last.sampleIds, []) AS successEvents
}
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
// Removing a key makes its workload fail: such failures explain no new key.
CALL (subject, addedAt) {
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member:DirectoryObject)<-[:CHANGED]-(gone:Change)-[r:REMOVED]->(:Credential)
  WHERE r.objectKey = member.key AND gone.at >= addedAt - duration($lookBack) AND gone.at < addedAt
    AND coalesce(gone.result, 'success') = 'success'
  RETURN min(gone.at) AS goneAt
}
// Explanation: it failed from an address of its own, with an expired key, or with a bad one that nobody had removed. An
// address is its own after a day; of one that the logs do not show for a day, nobody can tell.
CALL (subject, addedAt, goneAt, coveredSince) {
  // Two steps: few of the sign-ins failed, and only theirs are the addresses of interest.
  MATCH (subject)<-[:PART_OF*0..1]-(member)-[:SIGNED_IN]->(s:SignIn)
  WHERE s.resultClass = 'credentialFailed' AND s.firstSeen < addedAt AND s.lastSeen >= addedAt - duration($lookBack)
    AND (s.resultCode IN ['7000222', '1000502'] OR goneAt IS NULL OR s.firstSeen < goneAt)
  WITH subject, coveredSince, s
  MATCH (s)-[:FROM]->(ip:IPAddress)
  MATCH (subject)<-[:PART_OF*0..1]-(other)-[seen:SEEN_FROM]->(ip)
  WITH s, coveredSince, min(seen.firstSuccess) AS knownSince
  WHERE knownSince < s.firstSeen
  WITH s, knownSince < s.firstSeen - duration($knownFor) AS own,
    coveredSince > s.firstSeen - duration($knownFor) AS unsure
  ORDER BY s.firstSeen, s.key
  RETURN reduce(all = [], ids IN collect(CASE WHEN own THEN s.sampleIds END)[..5] | all + ids) AS failedEvents,
    reduce(all = [], ids IN collect(CASE WHEN unsure AND NOT own THEN s.sampleIds END)[..5] | all + ids) AS unsureFailures
}
// Explanation: rotation. Somebody who manages its keys removed another one, and the new one is used from a known address.
CALL (subject, key, actor, addedAt) {
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member:DirectoryObject)<-[:CHANGED]-(gone:Change)-[r:REMOVED]->(old:Credential)
  WHERE r.objectKey = member.key AND old.key <> key.key AND gone.at >= addedAt - duration($around)
    AND gone.at <= addedAt + duration($around) AND coalesce(gone.result, 'success') = 'success'
  OPTIONAL MATCH (by)-[:MADE]->(gone)
  WITH subject, actor, addedAt, gone, by ORDER BY gone.at, gone.eventId
  WITH subject, actor, addedAt, gone, by WHERE gone IS NOT NULL AND by IS NOT NULL AND (by.key = actor.key OR EXISTS {
    MATCH (subject)<-[:PART_OF*0..1]-(mine:DirectoryObject)<-[:CHANGED]-(before:Change)<-[:MADE]-(by),
      (before)-[e:ADDED|REMOVED]->(:Credential)
    WHERE e.objectKey = mine.key AND before.at < addedAt - duration($around)
  })
  RETURN collect(DISTINCT gone.eventId) AS removalEvents
}
CALL (subject, key, addedAt, coveredSince) {
  OPTIONAL MATCH (key)<-[:USED]-(s:SignIn)-[:FROM]->(ip:IPAddress) WHERE s.resultClass = 'success'
  WITH subject, addedAt, coveredSince, s, ip ORDER BY s.firstSeen, s.key LIMIT 1
  RETURN head(collect(ip.address)) AS firstUseAddress, min(s.firstSeen) AS firstUseAt,
    coalesce(head(collect(s.sampleIds)), []) AS firstUseEvents,
    head(collect(CASE WHEN ip IS NULL THEN null WHEN EXISTS {
      MATCH (subject)<-[:PART_OF*0..1]-(other)-[seen:SEEN_FROM]->(ip) WHERE seen.firstSuccess < addedAt - duration($knownFor)
    } THEN 'own' WHEN coveredSince > addedAt - duration($knownFor) AND EXISTS {
      MATCH (subject)<-[:PART_OF*0..1]-(other)-[seen:SEEN_FROM]->(ip) WHERE seen.firstSuccess < addedAt
    } THEN 'unsure' ELSE 'new' END)) AS firstUse
}
// Another key of the identity was about to expire.
CALL (subject, key, addedAt) {
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member:DirectoryObject)-[:HAS_CREDENTIAL]->(old:Credential)
  WHERE old.key <> key.key AND old.expiresAt > addedAt - duration($lookBack)
    AND old.expiresAt < addedAt + duration($nearExpiry)
  WITH old ORDER BY old.key
  RETURN reduce(all = [], ids IN collect(coalesce(old.originEventIds, [])) | all + ids) AS expiryEvents,
    count(old) > 0 AS expiring
}
// Habit: the same actor had added keys to this identity before all this began. It can be faked, so it only weighs.
CALL (subject, actor, addedAt) {
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(mine:DirectoryObject)<-[:CHANGED]-(before:Change)<-[:MADE]-(actor),
    (before)-[e:ADDED]->(:Credential)
  WHERE e.objectKey = mine.key AND before.at < addedAt - duration($around)
  WITH before ORDER BY before.at, before.eventId
  RETURN collect(DISTINCT before.eventId)[..5] AS habitEvents
}
// What makes it worse: a rename, a new owner or a grant around it.
CALL (subject, addedAt) {
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member:DirectoryObject)<-[:CHANGED]-(c:Change)
  WHERE c.at >= addedAt - duration($around) AND c.at <= addedAt + duration($around)
    AND coalesce(c.result, 'success') = 'success'
  OPTIONAL MATCH (c)-[became:RENAMED_TO]->(:Name) WHERE became.objectKey = member.key AND EXISTS { (c)-[:RENAMED_FROM]->() }
  OPTIONAL MATCH (c)-[gave:ADDED]->(owner:DirectoryObject) WHERE gave.objectKey = member.key
  OPTIONAL MATCH (c)-[:GRANTED]->(granted)
  RETURN collect(DISTINCT CASE WHEN became IS NOT NULL THEN c.eventId END) AS renameEvents,
    collect(DISTINCT CASE WHEN gave IS NOT NULL OR granted IS NOT NULL THEN c.eventId END) AS powerEvents
}
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
  [x IN changes | x.eventId] + successEvents + firstUseEvents + renameEvents + powerEvents AS evidence,
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
