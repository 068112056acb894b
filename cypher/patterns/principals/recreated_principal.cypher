/*
id: recreated_principal
title: Principal deleted and created again
description: >
  A service principal or application object was deleted, and a new one came with the same app id or the same name and
  another object id – once or in cycles, told together. Grants, owners and alerts that are bound to the former object do
  not follow; a restore keeps the object and is not meant. That a name is the same proves no identity: such pairs are
  shown with less confidence and are not joined.
severity: low
maturity: stable
needs: [AuditLogs]
params:
  longest:
    default: P30D
    reason: A deleted object can be restored for 30 days; who creates a new one in this time chose not to.
fingerprint: [tenantId, firstId]
subject: subject
sentence: "{principal} was deleted and created again {times} between {firstAt} and {lastAt}, under the same {same}: object {objects}{remark}."
disproof: >
  The deployment of the owner tears it down and sets it up again.
attack: [T1070, T1098]
blind_spots:
  - A deletion or creation that is not in the logs.
  - A successor under another app id and another name.
false_positives:
  - Test environments that are built anew every day.
references:
  - https://learn.microsoft.com/entra/architecture/recover-from-deletions
*/
MATCH (former:DirectoryObject {tenantId: $tenantId}) WHERE former.deletedAt IS NOT NULL
MATCH (former)-[again:RECREATED_AS]->(present:DirectoryObject)
WHERE coalesce(present.createdAt, present.firstSeen) <= former.deletedAt + duration($longest)
// The first of the chain holds the finding together.
MATCH (former)<-[:RECREATED_AS*0..30]-(root:DirectoryObject) WHERE NOT EXISTS { (root)<-[:RECREATED_AS]-(:DirectoryObject) }
OPTIONAL MATCH (root)-[:PART_OF]->(rootWhole:Identity)
OPTIONAL MATCH (present)-[:PART_OF]->(whole:Identity)
WITH coalesce(rootWhole.appId, root.objectId) AS firstId, coalesce(whole, present) AS subject, former, present, again,
  coalesce(present.createdAt, present.firstSeen) AS bornAt
CALL (former, present) {
  OPTIONAL MATCH (former)<-[:CHANGED]-(gone:Change) WHERE gone.lifecycle IN ['deleted', 'hardDeleted']
  OPTIONAL MATCH (gone)<-[:MADE]-(by)
  WITH present, gone, by ORDER BY gone.at, gone.eventId
  WITH present, collect(DISTINCT gone.eventId) AS ends, collect(DISTINCT by.key) AS enders
  OPTIONAL MATCH (present)<-[:CHANGED]-(birth:Change) WHERE birth.lifecycle = 'created'
  OPTIONAL MATCH (birth)<-[:MADE]-(by)
  WITH ends, enders, birth, by ORDER BY birth.at, birth.eventId
  WITH ends, enders, collect(DISTINCT birth.eventId) AS births, collect(DISTINCT by.key) AS makers,
    max(coalesce(by.userPrincipalName, by.name, by.caption)) AS maker
  RETURN ends + births AS events, maker,
    size(enders) > 0 AND size(makers) > 0 AND none(m IN makers WHERE m IN enders) AS byAnother
}
WITH * ORDER BY bornAt, former.deletedAt, present.objectId, former.objectId
WITH firstId, collect(subject) AS subjects, collect(former) AS formers, collect(present) AS presents,
  count(DISTINCT former.objectId) AS pairs, min(former.deletedAt) AS firstAt, max(bornAt) AS lastAt,
  max(CASE WHEN again.basis CONTAINS 'appId' THEN 1 ELSE 0 END) AS byAppId,
  min(CASE WHEN present:ManagedIdentity THEN 1 ELSE 0 END) AS managed,
  max(CASE WHEN byAnother THEN 1 ELSE 0 END) = 1 AS byAnother, max(maker) AS maker,
  reduce(all = [], ids IN collect(events) | all + ids) AS evidence
WITH *, [x IN range(0, size(presents) - 1) | presents[x].objectId] AS presentIds,
  [x IN range(0, size(formers) - 1) | formers[x].objectId] AS formerIds,
  size([x IN formers WHERE x:ServicePrincipal]) AS principals, size([x IN formers WHERE x:AppRegistration]) AS registrations
WITH *, CASE WHEN principals > registrations THEN principals ELSE registrations END AS cycles
RETURN CASE managed WHEN 1 THEN 'lead' ELSE 'found' END AS verdict, CASE managed WHEN 1 THEN 'platform' ELSE null END AS reason,
  subjects[-1] AS subject, firstAt, lastAt, evidence,
  CASE WHEN managed = 1 THEN 'info' WHEN byAnother THEN 'medium' ELSE 'low' END AS severity,
  CASE byAppId WHEN 1 THEN 'exact' ELSE 'medium' END AS confidence, $tenantId AS tenantId, firstId, formerIds, presentIds,
  coalesce(subjects[-1].name, subjects[-1].caption) AS principal,
  CASE cycles WHEN 1 THEN 'once' ELSE cycles + ' times' END AS times,
  CASE byAppId WHEN 1 THEN 'app id' ELSE 'name' END AS same,
  reduce(text = '', x IN range(0, size(formerIds) - 1) |
    text + CASE text WHEN '' THEN '' ELSE ', ' END + formerIds[x] + ' became ' + presentIds[x]) AS objects,
  CASE WHEN byAnother THEN '; another one deleted it than created it' ELSE '' END + coalesce(' (created by ' + maker + ')', '') AS remark
ORDER BY tenantId, firstId
