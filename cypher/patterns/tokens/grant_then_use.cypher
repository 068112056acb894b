/*
id: grant_then_use
title: Powerful grant, used at once
description: >
  A permission or role that the risk list calls high was given to an application or managed identity, which acted with
  it within the hour: on that API, or in the scope of an Azure role. Worse where it did what it had never done before.
  A grant by somebody who had made the same one long before is what a deployment does.
severity: high
maturity: stable
needs: [AuditLogs, AzureActivity, MicrosoftGraphActivityLogs]
params:
  within:
    default: PT1H
    reason: A new application is set up over days; somebody who gives himself power uses it within the hour.
  habit:
    default: P1D
    reason: The same grant by the same actor more than a day before is a habit and not the same undertaking.
fingerprint: [tenantId, principalId, grantId, grantEventId]
subject: subject
sentence: "{principal} was given {power} by {actor} at {firstAt} and acted with it {minutes} minutes later: {operations}{remark}."
disproof: >
  A deployment of the owner that asked for this grant, and a reviewer who agreed to it.
attack: [T1098.003, T1098.001]
blind_spots:
  - Roles that were held before the logs begin, and groups that hold them.
  - What a token was used for at an API without a log.
  - That an API was called after the grant does not prove that the new permission was the one that was needed.
false_positives:
  - Deployments that grant and test in one run.
references:
  - https://attack.mitre.org/techniques/T1098/003/
*/
MATCH (p:ServicePrincipal {tenantId: $tenantId})-[held:HOLDS]->(g)
WHERE g.risk = 'high' AND held.changeId IS NOT NULL AND held.validFrom IS NOT NULL
  AND coalesce(held.consentType, 'application') <> 'principal'
OPTIONAL MATCH (p)-[:PART_OF]->(whole:Identity)
WITH coalesce(whole, p) AS subject, p, g, held.changeId AS grantEventId, held.validFrom AS grantedAt
// What it did within the hour, on the API of the permission, in the scope of the Azure role, or with the role in its token.
CALL (subject, g, grantedAt) {
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member)-[:PERFORMED]->(a:Activity)
  WHERE a.firstSeen <= grantedAt + duration($within) AND a.lastSeen > grantedAt AND a.outcome = 'success'
    // A fold of an hour may begin before the grant: its last event counts then.
    AND (a.firstSeen > grantedAt OR a.lastSeen <= grantedAt + duration($within))
    AND ((g:Permission AND a.service = CASE g.resourceAppId WHEN '00000003-0000-0000-c000-000000000000' THEN 'graph'
        WHEN '797f4846-ba00-4fd7-ba43-dac1f8f63013' THEN 'arm' WHEN 'cfa8b339-82a2-471a-a3c9-0fc0be7a4093' THEN 'keyVault' ELSE '' END)
      OR (g:DirectoryRole AND a.service = 'graph')
      OR (g:AzureRole AND (a.resourceId = g.scope OR a.resourceId STARTS WITH g.scope + '/' OR g.scope = '/')))
  WITH a, grantedAt, CASE WHEN a.firstSeen > grantedAt THEN a.firstSeen ELSE a.lastSeen END AS at ORDER BY at, a.key
  RETURN min(at) AS usedAt, max(a.lastSeen) AS lastUse, collect(DISTINCT a.operation)[..5] AS used, collect(a.sampleIds)[..5] AS useIds
}
CALL (subject, g, grantedAt) {
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member)-[:MADE]->(c:Change)
  WHERE (g:DirectoryRole OR g.resourceAppId = '00000003-0000-0000-c000-000000000000') AND c.at > grantedAt
    AND c.at <= grantedAt + duration($within) AND coalesce(c.result, 'success') = 'success'
  WITH c ORDER BY c.at, c.eventId
  RETURN min(c.at) AS changedAt, max(c.at) AS lastChange, collect(DISTINCT c.operation)[..5] AS changes, collect(c.eventId)[..5] AS changeIds
}
WITH * WHERE usedAt IS NOT NULL OR changedAt IS NOT NULL
// What of it is new to the identity.
CALL (subject, used, grantedAt) {
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member)-[:PERFORMED]->(a:Activity)
  WHERE a.firstSeen <= grantedAt AND a.operation IN used
  RETURN collect(DISTINCT a.operation) AS known
}
// Who granted it: the actor of the change, or of the activity that wrote the Azure role.
CALL (g, grantEventId, grantedAt) {
  OPTIONAL MATCH (g)<-[:GRANTED]-(c:Change)<-[:MADE]-(by) WHERE c.key = grantEventId
  OPTIONAL MATCH (g)<-[:GRANTED]-(w:Activity)<-[:PERFORMED]-(writer)
  WHERE w.tenantId = $tenantId AND w.firstSeen <= grantedAt AND w.lastSeen >= grantedAt
  WITH coalesce(by, writer) AS who, w ORDER BY who.key
  RETURN head(collect(who)) AS actor, coalesce(head(collect(w.sampleIds)), []) AS writeIds
}
CALL (g, actor, grantedAt) {
  OPTIONAL MATCH (g)<-[:GRANTED]-(x)<-[:MADE|PERFORMED]-(by)
  WHERE by.key = actor.key AND x.firstSeen < grantedAt - duration($habit)
  RETURN count(x) AS earlier
}
WITH *, [x IN used WHERE NOT x IN known] + changes AS fresh, used + changes AS done,
  CASE WHEN usedAt IS NULL THEN changedAt WHEN changedAt IS NULL THEN usedAt WHEN usedAt < changedAt THEN usedAt ELSE changedAt END AS firstUse,
  CASE WHEN lastUse IS NULL THEN lastChange WHEN lastChange IS NULL THEN lastUse WHEN lastUse > lastChange THEN lastUse ELSE lastChange END AS lastAct
WITH *, CASE WHEN earlier > 0 THEN 'lead' ELSE 'found' END AS verdict
WHERE coalesce(subject.kind, 'unknown') <> 'microsoft'
RETURN verdict, CASE verdict WHEN 'lead' THEN 'actorHabit' ELSE null END AS reason,
  subject, grantedAt AS firstAt, lastAct AS lastAt,
  [id IN [grantEventId] | id] + reduce(all = [], ids IN useIds | all + ids) + changeIds AS evidence,
  CASE WHEN verdict = 'lead' THEN 'info' WHEN size(fresh) > 0 THEN 'high' ELSE 'medium' END AS severity,
  CASE WHEN size(fresh) > 0 THEN 'high' ELSE 'medium' END AS confidence,
  $tenantId AS tenantId, coalesce(subject.appId, p.objectId) AS principalId, coalesce(g.permissionId, g.templateId, g.roleDefinitionId, g.key) AS grantId,
  grantEventId, coalesce(g.value, g.name, g.caption) AS power, fresh AS newOperations,
  coalesce(actor.userPrincipalName, actor.name, actor.caption, 'someone the logs do not show') AS actor,
  coalesce(subject.name, subject.caption) AS principal,
  (firstUse.epochMillis - grantedAt.epochMillis) / 60000 AS minutes,
  reduce(text = '', name IN done | text + CASE text WHEN '' THEN '' ELSE ', ' END + toString(name)) AS operations,
  CASE WHEN verdict = 'lead' THEN '; the same actor had made this grant before' WHEN size(fresh) = 0 THEN '; it had done so before the grant as well'
    ELSE '' END AS remark
ORDER BY tenantId, principalId, grantId, grantEventId
