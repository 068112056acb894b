/*
id: identity_conflict
title: Ids that cannot be one identity
description: >
  Records disagree about which ids are one workload identity: one service principal with two app ids, two live service
  principals or application objects with one app id, or one id that is called two kinds of object. Nothing is merged on
  such grounds; the records that disagree are named. Either one of them is false, or the directory was in a state that
  hides what acts.
severity: medium
maturity: stable
needs: [AuditLogs, AADServicePrincipalSignInLogs, AADManagedIdentitySignInLogs]
params: {}
fingerprint: [tenantId, conflictId]
subject: subject
sentence: "{what} ({ids}): {because}."
disproof: >
  An inventory of the directory shows how the ids belong together, and which of the records is wrong.
attack: [T1036]
blind_spots:
  - Ids of which the logs state one side only.
  - Two objects of one app id of which one was deleted without a record.
false_positives:
  - Records that were put together from two tenants.
  - A directory record of a deletion that is missing, so that an object and its successor seem to live at one time.
references:
  - https://learn.microsoft.com/entra/identity-platform/app-objects-and-service-principals
*/
MATCH (c:Conflict {tenantId: $tenantId})-[:BETWEEN]->(party)
WITH c, party ORDER BY party.key
WITH c, collect(party) AS parties
WITH c, parties, [p IN parties WHERE p:DirectoryObject] AS objects, [p IN parties WHERE p:Application] AS applications
WHERE size(objects) > 0
WITH *, head(objects) AS one
OPTIONAL MATCH (one)-[:PART_OF]->(whole:Identity)
WITH *, coalesce(whole, one) AS subject
UNWIND objects AS object
WITH c, subject, objects, applications, max(coalesce(object.createdAt, object.firstSeen)) AS firstAt, max(object.lastSeen) AS lastAt
RETURN 'found' AS verdict, null AS reason, subject, firstAt, CASE WHEN lastAt < firstAt THEN firstAt ELSE lastAt END AS lastAt,
  c.eventIds AS evidence, CASE c.kind WHEN 'twoKinds' THEN 'low' ELSE 'medium' END AS severity, 'exact' AS confidence,
  $tenantId AS tenantId, c.key AS conflictId, c.kind AS kind,
  [a IN applications | 'app id ' + a.appId] + [o IN objects | 'object ' + o.objectId] AS ids,
  CASE c.kind WHEN 'twoAppIds' THEN 'One object has two app ids'
    WHEN 'twoServicePrincipals' THEN 'Two service principals have one app id'
    WHEN 'twoApplicationObjects' THEN 'Two application objects have one app id'
    WHEN 'twoKinds' THEN 'One id is two kinds of object'
    ELSE 'Ids that cannot be one identity' END AS what,
  c.reason AS because
ORDER BY tenantId, conflictId
