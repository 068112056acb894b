/*
id: managed_identity_new_resource
title: Managed identity outside its past
description: >
  A managed identity reached something that it had never reached: an API it had never asked a token for, a vault, or a
  resource group. What a managed identity does is set by its machine's program and changes rarely. Resources that nobody
  had touched before are its own creations and count only as a lead.
severity: medium
maturity: experimental
needs: [AADManagedIdentitySignInLogs, AzureActivity, AZKVAuditLogs]
params:
  baseline:
    default: P14D
    reason: Two weeks hold the weekly jobs of a workload twice.
fingerprint: [tenantId, principalId, target]
subject: subject
sentence: "{principal} reached {place} for the first time at {firstAt}, {days} days after its first known act{remark}."
disproof: >
  A new release of what runs there, or a role that was assigned for this purpose.
attack: [T1078.004, T1552.005]
blind_spots:
  - Reads through Azure Resource Manager are not logged.
  - The first two weeks of an identity, or of the logs.
false_positives:
  - A new release that uses one more service.
references:
  - https://attack.mitre.org/techniques/T1078/004/
*/
MATCH (p:ManagedIdentity {tenantId: $tenantId})-[reached:REACHED]->(t)
WHERE reached.firstSuccess IS NOT NULL AND (t:Application OR t:Resource)
// The unit of comparison: an API, a vault, else the resource group (or the subscription where there is none).
WITH p, reached, t, CASE WHEN t:Application THEN t.appId
    WHEN t.type = 'microsoft.keyvault/vaults' OR NOT t.resourceId CONTAINS '/resourcegroups/' THEN t.resourceId
    ELSE reduce(path = '', part IN split(t.resourceId, '/')[1..5] | path + '/' + part) END AS target
OPTIONAL MATCH (p)-[:PART_OF]->(whole:Identity)
WITH coalesce(whole, p) AS subject, p, target, min(reached.firstSuccess) AS firstAt, max(reached.lastSuccess) AS lastAt,
  min(t.firstSeen) AS known, max(CASE WHEN t:Application THEN coalesce(t.name, t.caption) END) AS api
ORDER BY firstAt, target
WITH subject, min(p.objectId) AS objectId, min(p.createdAt) AS createdAt, min(firstAt) AS begin,
  collect({id: target, firstAt: firstAt, lastAt: lastAt, known: known, api: api}) AS places
UNWIND places AS one
WITH subject, objectId, createdAt, begin, one WHERE one.firstAt > begin + duration('P1D')
WITH subject, objectId, begin, one, CASE WHEN one.firstAt >= begin + duration($baseline) THEN
      CASE WHEN one.api IS NULL AND one.known >= one.firstAt THEN 'lead' ELSE 'found' END
    // Its own first days are set-up; those of the logs are only too short a past.
    WHEN createdAt >= begin - duration($baseline) THEN 'silent' ELSE 'notDecidable' END AS verdict
WHERE verdict <> 'silent'
CALL (subject, one) {
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member)-[:SIGNED_IN]->(s:SignIn)
  WHERE one.api IS NOT NULL AND s.resourceAppId = one.id AND s.firstSeen = one.firstAt AND s.resultClass = 'success'
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(doer)-[:PERFORMED]->(a:Activity)
  WHERE one.api IS NULL AND a.firstSeen = one.firstAt AND a.resourceId STARTS WITH one.id AND a.outcome = 'success'
  WITH s, a ORDER BY s.key, a.key
  RETURN reduce(all = [], ids IN collect(coalesce(s.sampleIds, a.sampleIds)) | all + ids) AS evidence,
    collect(DISTINCT a.operation)[..3] AS operations
}
RETURN verdict, CASE verdict WHEN 'notDecidable' THEN 'baselineTooShort' WHEN 'lead' THEN 'resourceIsNew' ELSE null END AS reason,
  subject, one.firstAt AS firstAt, one.lastAt AS lastAt, evidence,
  CASE WHEN verdict = 'lead' THEN 'info' WHEN one.api IS NOT NULL THEN 'medium' ELSE 'low' END AS severity, 'high' AS confidence,
  $tenantId AS tenantId, coalesce(subject.appId, objectId) AS principalId, one.id AS target, operations,
  coalesce(subject.name, subject.caption) AS principal,
  CASE WHEN one.api IS NOT NULL THEN 'the API ' + one.api ELSE one.id END AS place,
  (one.firstAt.epochMillis - begin.epochMillis) / 86400000 AS days,
  CASE WHEN verdict = 'lead' THEN '; nobody had touched it before' ELSE '' END AS remark
ORDER BY tenantId, principalId, target
