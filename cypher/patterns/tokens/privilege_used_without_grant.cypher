/*
id: privilege_used_without_grant
title: Privilege in a token that nobody granted
description: >
  A token carried a permission or role that the identity does not hold by a full statement of its grants, with nothing
  missing of the audit log between that statement and the first such token. Where no such statement exists nothing is
  claimed: the grant may be older than the logs.
severity: high
maturity: experimental
needs: [MicrosoftGraphActivityLogs, AuditLogs]
params: {}
fingerprint: [tenantId, principalId, privilegeId]
subject: subject
sentence: "A token of {principal} carried {privilege} at {firstAt}, and {conclusion}."
disproof: >
  The record of the grant turns up, or the statement turns out not to have been a full one.
attack: [T1098.003, T1078.004]
blind_spots:
  - Only Microsoft Graph logs what its tokens carried.
  - Grants that are older than the logs cannot be told from grants that nobody saw.
false_positives:
  - A grant through a group or an administrative unit that the logs do not name.
references:
  - https://learn.microsoft.com/graph/microsoft-graph-activity-logs-overview
*/
CALL () {
  MATCH (g:Permission)<-[carried:CARRIED]-(a:Activity) WHERE a.tenantId = $tenantId AND carried.origin IN ['absent', 'unknown']
  RETURN g, carried, a
  UNION ALL
  MATCH (g:DirectoryRole)<-[carried:CARRIED]-(a:Activity) WHERE a.tenantId = $tenantId AND carried.origin IN ['absent', 'unknown']
  RETURN g, carried, a
}
// What cannot be told is told only of what would matter.
WITH g, carried, a WHERE carried.origin = 'absent' OR g.risk = 'high'
WITH g, a.servicePrincipalId AS written, a.appId AS app,
  CASE carried.origin WHEN 'absent' THEN null ELSE coalesce(carried.originReason, 'noFullStatement') END AS obstacle,
  min(carried.firstAt) AS at, max(carried.lastAt) AS until, min(a.key) AS sampleKey, min(carried.originEventIds[0]) AS statement
MATCH (sample:Activity {key: sampleKey})<-[:PERFORMED]-(p) WHERE NOT p:User
WITH p, g, at, until, CASE WHEN obstacle IS NULL THEN sample.sampleIds ELSE [] END AS ids,
  [x IN [statement] WHERE x IS NOT NULL AND obstacle IS NULL] AS stated, obstacle
OPTIONAL MATCH (p)-[:PART_OF]->(whole:Identity)
WITH p, coalesce(whole, p) AS subject, g, at, until, ids, stated, obstacle ORDER BY at, p.key
WHERE NOT p:MicrosoftOwned AND coalesce(subject.kind, 'unknown') <> 'microsoft'
WITH subject, g, obstacle, min(p.objectId) AS objectId, min(at) AS firstAt, max(until) AS lastAt,
  reduce(all = [], some IN collect(ids)[..10] | all + some) AS events, reduce(all = [], some IN collect(stated)[..5] | all + some) AS stated
RETURN CASE WHEN obstacle IS NULL THEN 'found' ELSE 'notDecidable' END AS verdict, obstacle AS reason,
  subject, firstAt, lastAt, events + stated AS evidence,
  CASE coalesce(g.risk, '') WHEN 'high' THEN 'high' WHEN 'low' THEN 'low' ELSE 'medium' END AS severity, 'high' AS confidence,
  $tenantId AS tenantId, coalesce(subject.appId, objectId) AS principalId, g.key AS privilegeId,
  coalesce(g.value, g.name, g.caption) AS privilege,
  coalesce(subject.name, subject.caption) AS principal,
  CASE WHEN obstacle IS NULL THEN 'a full statement of its grants before does not hold it, nor does any record show the grant'
    ELSE 'the logs cannot tell who granted it (' + obstacle + ')' END AS conclusion
ORDER BY tenantId, principalId, privilegeId
