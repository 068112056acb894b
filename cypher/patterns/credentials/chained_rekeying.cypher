/*
id: chained_rekeying
title: Re-keyed principal adds a key to another one
description: >
  A principal that had been given a key itself adds a key to another one; followed link by link, in time order, up to
  five. Each link is one finding at the principal that was given the key, with the length of the chain behind it.
severity: high
maturity: stable
needs: [AuditLogs]
params:
  within:
    default: P7D
    reason: Whoever moves from one application to the next goes on within days; keys are renewed months apart.
fingerprint: [tenantId, previousId, operationId]
subject: subject
sentence: "{actor} was given {firstCredential} at {rekeyedAt} and added {credential} to {principal} at {firstAt}: link {links} of a chain that began with {origin}{what}."
disproof: >
  The first principal is the one that renews the keys of the others, and its own key was renewed by its owner.
attack: [T1098.001, T1078.004]
blind_spots:
  - A link made by a user, or by an application that got no new key, ends the chain.
  - More than five links are counted as five.
false_positives:
  - A service that renews keys for others, soon after its own key was renewed for the first time.
references:
  - https://attack.mitre.org/techniques/T1098/001/
*/
MATCH (key:Credential {tenantId: $tenantId})<-[added:ADDED]-(c:Change)<-[:MADE]-(actor:ServicePrincipal)
WHERE coalesce(c.result, 'success') = 'success' AND NOT actor:MicrosoftOwned
MATCH (c)-[:CHANGED]->(o:DirectoryObject) WHERE o.key = added.objectKey
OPTIONAL MATCH (o)-[:PART_OF]->(whole:Identity)
OPTIONAL MATCH (actor)-[:PART_OF]->(acting:Identity)
WITH key, c, actor, coalesce(whole, o) AS subject, coalesce(acting, actor) AS source
WHERE subject.key <> source.key
// The key that the actor itself was given last before.
MATCH (source)<-[:PART_OF*0..1]-(mine:DirectoryObject)<-[:CHANGED]-(before:Change)-[gave:ADDED]->(first:Credential)
WHERE gave.objectKey = mine.key AND before.at < c.at AND before.at >= c.at - duration($within)
  AND coalesce(before.result, 'success') = 'success'
WITH key, c, actor, subject, source, before, first ORDER BY before.at DESC, before.eventId, first.key, key.key
WITH c, actor, subject, source, head(collect(before)) AS before, head(collect(first)) AS first, head(collect(key)) AS key
WITH c, subject, coalesce(c.correlationId, c.eventId) AS operationId, coalesce(before.correlationId, before.eventId) AS previousId,
  actor, source, before, first, key
ORDER BY c.at, c.eventId
WITH subject, operationId, previousId, head(collect({event: c.eventId, at: c.at, before: before.eventId, rekeyedAt: before.at,
  actor: actor.key, source: source, name: coalesce(actor.name, actor.caption), first: first, key: key})) AS link
WITH collect({subject: subject, operationId: operationId, previousId: previousId, link: link}) AS links
UNWIND links AS here
// What came before: the re-keying of the actor was itself done by a re-keyed one. Five links at most.
WITH here, links, head([x IN links WHERE x.operationId = here.previousId]) AS one
WITH here, links, one, head([x IN links WHERE x.operationId = one.previousId]) AS two
WITH here, links, one, two, head([x IN links WHERE x.operationId = two.previousId]) AS three
WITH here, one, two, three, head([x IN links WHERE x.operationId = three.previousId]) AS four
WITH here, [x IN [one, two, three, four] WHERE x IS NOT NULL] AS behind
WITH here.subject AS subject, here.operationId AS operationId, here.previousId AS previousId, here.link AS link, behind
WITH *, link.first AS first, link.key AS key, link.source AS source, link.at AS at, link.rekeyedAt AS rekeyedAt
// A service that had been adding keys to others before it got its own new one goes on with its work.
CALL (source, subject, rekeyedAt) {
  OPTIONAL MATCH (source)<-[:PART_OF*0..1]-(mine:ServicePrincipal)-[:MADE]->(usual:Change)-[gave:ADDED]->(:Credential)
  WHERE usual.at < rekeyedAt AND gave.objectKey <> mine.key
  RETURN count(usual) > 0 AS habit
}
WITH *, CASE WHEN habit THEN 'habit' WHEN first.firstUsed <= at THEN 'found' ELSE 'keyNotUsedBefore' END AS state
RETURN CASE state WHEN 'found' THEN 'found' ELSE 'lead' END AS verdict, CASE state WHEN 'found' THEN null ELSE state END AS reason,
  subject, at AS firstAt, coalesce(key.firstUsed, at) AS lastAt,
  [link.event, link.before] + reduce(all = [], x IN behind | all + [x.link.event, x.link.before]) AS evidence,
  CASE WHEN state <> 'found' THEN 'low' WHEN size(behind) > 0 THEN 'critical' ELSE 'high' END AS severity, 'exact' AS confidence,
  $tenantId AS tenantId, previousId, operationId, rekeyedAt, coalesce(key.keyId, key.federatedId, key.key) AS credentialId,
  size(behind) + 1 AS links, link.name AS actor,
  CASE WHEN size(behind) = 0 THEN link.name ELSE last(behind).link.name END AS origin,
  CASE WHEN first.displayName IS NULL THEN first.caption ELSE 'key "' + first.displayName + '"' END AS firstCredential,
  CASE WHEN key.displayName IS NULL THEN key.caption ELSE 'key "' + key.displayName + '"' END AS credential,
  coalesce(subject.name, subject.caption) AS principal,
  CASE state WHEN 'habit' THEN '; it had added keys to others before'
    WHEN 'keyNotUsedBefore' THEN '; no sign-in with its own new key was seen before that' ELSE '' END AS what
ORDER BY tenantId, previousId, operationId
