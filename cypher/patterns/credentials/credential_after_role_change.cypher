/*
id: credential_after_role_change
title: Credential added soon after its actor received a role
description: >
  Whoever added a key had received a directory role, an Azure role, a permission, the ownership of the application or a
  group membership shortly before. What the actor had held before that time too is a habit, as with roles that are
  activated for a task, and a lead only.
severity: medium
maturity: experimental
needs: [AuditLogs]
params:
  within:
    default: PT4H
    reason: Power that is taken for one purpose is used at once; a working half-day leaves room for it to take effect.
  setUp:
    default: P7D
    reason: Whoever registers an application becomes its owner and gives it keys in its first week.
fingerprint: [tenantId, actorId, operationId]
subject: subject
sentence: "{actor} received {powers} at {receivedAt}{giver} and added {credential} to {principal} at {addedAt}{what}."
disproof: >
  A request that gave the role for just this renewal of a key.
attack: [T1098.003, T1098.001]
blind_spots:
  - Roles that come with a group are seen as the group membership only.
  - Eligibility for a role is no role; its activation counts.
false_positives:
  - Administrators who activate a role for the first time, to renew a key.
references:
  - https://attack.mitre.org/techniques/T1098/003/
*/
MATCH (key:Credential {tenantId: $tenantId})<-[added:ADDED]-(c:Change)<-[:MADE]-(actor:DirectoryObject)
WHERE coalesce(c.result, 'success') = 'success' AND c.at IS NOT NULL
MATCH (c)-[:CHANGED]->(o:DirectoryObject) WHERE o.key = added.objectKey
OPTIONAL MATCH (o)-[:PART_OF]->(whole:Identity)
WITH key, c, o, actor, coalesce(whole, o) AS subject ORDER BY c.at, c.eventId, key.key
WITH actor, subject, coalesce(c.correlationId, c.eventId) AS operationId, head(collect(key)) AS key,
  collect(DISTINCT c.eventId) AS keyEvents, min(c.at) AS addedAt, min(o.createdAt) AS createdAt
CALL (actor, subject, addedAt) {
  MATCH (actor)-[held:HOLDS]->(power)
  WHERE held.validFrom <= addedAt AND held.validFrom >= addedAt - duration($within)
  OPTIONAL MATCH (actor)-[past:HOLDS]->(power) WHERE past.validFrom < addedAt - duration($within)
  WITH held, power, count(past) AS times
  RETURN held.changeId AS eventId, held.validFrom AS at, power.caption AS power, times > 0 AS habit
  UNION
  MATCH (actor)-[own:OWNS]->(owned:DirectoryObject)
  WHERE own.validFrom <= addedAt AND own.validFrom >= addedAt - duration($within) AND own.basis = 'audit'
    AND (owned.key = subject.key OR owned.identityId = subject.identityId)
  RETURN own.changeId AS eventId, own.validFrom AS at, 'the ownership of it' AS power, false AS habit
  UNION
  MATCH (actor)<-[:CHANGED]-(joined:Change)
  WHERE joined.operation = 'add member to group' AND coalesce(joined.result, 'success') = 'success'
    AND joined.at <= addedAt AND joined.at >= addedAt - duration($within)
  OPTIONAL MATCH (joined)-[:CHANGED]->(team:DirectoryObject) WHERE team.kind = 'group'
  RETURN joined.eventId AS eventId, joined.at AS at, 'membership of ' + coalesce(team.caption, 'a group') AS power, false AS habit
}
WITH actor, subject, operationId, key, keyEvents, addedAt, createdAt, eventId, at, power, habit ORDER BY at, power, eventId
WITH actor, subject, operationId, key, keyEvents, addedAt, createdAt, collect(DISTINCT eventId) AS powerEvents, min(at) AS receivedAt,
  collect(DISTINCT power) AS powers, min(CASE WHEN habit THEN 1 ELSE 0 END) = 1 AS habit
CALL (powerEvents, actor) {
  UNWIND powerEvents AS eventId
  OPTIONAL MATCH (c:Change) WHERE c.eventId = eventId
  OPTIONAL MATCH (c)<-[:MADE]-(giver)
  RETURN min(coalesce(giver.userPrincipalName, giver.name, giver.caption)) AS giver,
    max(CASE WHEN giver.key = actor.key THEN 1 ELSE 0 END) = 1 AS bySelf
}
WITH *, CASE WHEN coalesce(createdAt, subject.createdAt) > addedAt - duration($setUp) THEN 'newApplication'
  WHEN habit THEN 'heldBefore' ELSE 'found' END AS state
RETURN CASE state WHEN 'found' THEN 'found' ELSE 'lead' END AS verdict, CASE state WHEN 'found' THEN null ELSE state END AS reason,
  subject, receivedAt AS firstAt, addedAt AS lastAt, powerEvents + keyEvents AS evidence,
  CASE WHEN state <> 'found' THEN 'info' WHEN bySelf THEN 'high' ELSE 'medium' END AS severity, 'exact' AS confidence,
  $tenantId AS tenantId, actor.objectId AS actorId, operationId, addedAt, receivedAt, powers,
  CASE WHEN key.displayName IS NULL THEN key.caption ELSE 'key "' + key.displayName + '"' END AS credential,
  coalesce(actor.userPrincipalName, actor.name, actor.caption) AS actor,
  CASE WHEN bySelf THEN ' by an act of its own' ELSE coalesce(' through ' + giver, '') END AS giver,
  coalesce(subject.name, subject.caption) AS principal,
  CASE state WHEN 'heldBefore' THEN '; it had held this before' WHEN 'newApplication' THEN '; the application is new' ELSE '' END AS what
ORDER BY tenantId, actorId, operationId
