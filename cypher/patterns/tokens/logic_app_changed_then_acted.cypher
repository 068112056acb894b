/*
id: logic_app_changed_then_acted
title: Workflow changed, then its identity does something new
description: >
  A Logic App was changed, ran, and the managed identity that is this very workflow's then reached something that it had
  never reached: whoever may edit a workflow may act as its identity. The log of runs names no identity; the tie is the
  resource that the identity belongs to, and time.
severity: high
maturity: experimental
needs: [AzureActivity, LogicAppWorkflowRuntime, AADManagedIdentitySignInLogs]
params:
  within:
    default: P1D
    reason: A change that is meant for use is used within a day.
  baseline:
    default: P1D
    reason: An identity without a past of at least a day is being set up.
fingerprint: [tenantId, principalId, workflowId, target]
subject: subject
sentence: "{workflow} was changed by {actor} at {firstAt}{run}, and its identity {principal} then reached {places} for the first time."
disproof: >
  A release of the workflow by its owner that needs the new connection.
attack: [T1648, T1078.004]
blind_spots:
  - Workflows that use connections with stored credentials, or a user-assigned identity.
  - A changed workflow that does more of what it did before.
false_positives:
  - A new release of the workflow.
references:
  - https://attack.mitre.org/techniques/T1648/
*/
MATCH (w:Resource {tenantId: $tenantId})<-[:REPRESENTS]-(p:ManagedIdentity)
WHERE w.type = 'microsoft.logic/workflows'
MATCH (w)<-[:ON]-(a:Activity)<-[:PERFORMED]-(by)
WHERE a.operation = 'microsoft.logic/workflows/write' AND a.outcome = 'success'
MATCH (p)-[reached:REACHED]->(t)
WHERE reached.firstSuccess > a.firstSeen AND reached.firstSuccess <= a.firstSeen + duration($within)
  AND (t:Application OR (t:Resource AND NOT t.resourceId STARTS WITH w.resourceId))
WITH w, p, t, reached, a, by ORDER BY a.firstSeen DESC, a.key
WITH w, p, t, reached, head(collect(a)) AS change, head(collect(by)) AS editor
CALL (p) {
  MATCH (p)-[old:REACHED]->() WHERE old.firstSuccess IS NOT NULL
  RETURN min(old.firstSuccess) AS begin
}
WITH * WHERE begin <= reached.firstSuccess - duration($baseline)
// A run between the change and the act.
CALL (w, change, reached) {
  OPTIONAL MATCH (w)-[:RAN]->(r:WorkflowRun)
  WHERE coalesce(r.endedAt, r.lastSeen) >= change.firstSeen AND coalesce(r.startedAt, r.firstSeen) <= reached.firstSuccess + duration('PT5M')
    AND coalesce(r.startedAt, r.firstSeen) >= change.firstSeen
  RETURN min(coalesce(r.startedAt, r.firstSeen)) AS ranAt, head(collect(r.runId)) AS runId
}
OPTIONAL MATCH (p)-[:PART_OF]->(whole:Identity)
WITH *, coalesce(whole, p) AS subject
CALL (p, reached) {
  OPTIONAL MATCH (p)-[:SIGNED_IN]->(s:SignIn) WHERE s.firstSeen = reached.firstSuccess AND s.resultClass = 'success'
  OPTIONAL MATCH (p)-[:PERFORMED]->(did:Activity) WHERE did.firstSeen = reached.firstSuccess AND did.outcome = 'success'
  WITH s, did ORDER BY s.key, did.key
  RETURN reduce(all = [], ids IN collect(coalesce(s.sampleIds, []) + coalesce(did.sampleIds, [])) | all + ids) AS ids
}
WITH subject, p, w, change, editor, t, reached, ranAt, ids ORDER BY reached.firstSuccess, t.key
WITH subject, min(p.objectId) AS objectId, w, change, editor, collect(t) AS targets, min(reached.firstSuccess) AS since,
  max(reached.firstSuccess) AS lastAt, min(ranAt) AS ranAt, reduce(all = [], some IN collect(ids) | all + some) AS ids
WITH *, CASE WHEN ranAt IS NULL THEN 'lead' ELSE 'found' END AS verdict
RETURN verdict, CASE verdict WHEN 'lead' THEN 'noRunSeen' ELSE null END AS reason,
  subject, change.firstSeen AS firstAt, lastAt, change.sampleIds + ids AS evidence,
  CASE verdict WHEN 'lead' THEN 'low' ELSE 'high' END AS severity, 'medium' AS confidence,
  $tenantId AS tenantId, coalesce(subject.appId, objectId) AS principalId, w.resourceId AS workflowId,
  head([t IN targets | coalesce(t.appId, t.resourceId)]) AS target, ranAt,
  coalesce(w.name, w.resourceId) AS workflow, coalesce(editor.userPrincipalName, editor.name, editor.caption) AS actor,
  coalesce(subject.name, subject.caption) AS principal,
  CASE WHEN ranAt IS NULL THEN ' (no run of it is seen)' ELSE ', ran' END AS run,
  reduce(text = '', t IN targets | text + CASE text WHEN '' THEN '' ELSE ', ' END + coalesce(t.name, t.caption)) AS places
ORDER BY tenantId, principalId, workflowId, target
