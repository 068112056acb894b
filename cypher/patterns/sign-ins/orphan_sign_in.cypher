/*
id: orphan_sign_in
title: Orphan sign-in
description: >
  Successful sign-ins of an application or managed identity that no activity and no change in any log can have come
  from, by identity, resource and address. Found only where the log of that resource is complete over the life of the
  token. Where a log shows changes only (Azure Resource Manager) or only some scopes are collected it is a lead, in
  words that claim no more than the logs show; anything less is not decidable.
severity: medium
maturity: stable
needs: [AADServicePrincipalSignInLogs, AADManagedIdentitySignInLogs]
params: {}
fingerprint: [tenantId, principalId, resourceAppId, address, coverage]
subject: subject
sentence: "{amount} of {principal} to {resource} from {origin}: {what}."
disproof: >
  A log of the resource that was not loaded shows a request with this token, or the workload is known to fetch tokens
  that it does not use.
attack: [T1078.004, T1550.001]
blind_spots:
  - Azure Resource Manager logs no reads; a token used to read there leaves no trace.
  - Resources without a log of their own, or whose log is not loaded, are not decidable.
  - A token that is used after its sign-in was folded with one that is linked counts as explained.
false_positives:
  - A pipeline that only checks that it can sign in.
  - A client that refreshes tokens in advance.
references:
  - https://learn.microsoft.com/graph/microsoft-graph-activity-logs-overview
*/
// Grouped by what the records say before anything is looked up, and never sorted: sign-ins are many.
MATCH (s:SignIn {tenantId: $tenantId})
WHERE s.resultClass = 'success' AND s.kind <> 'user'
  AND (s.unexplainedCount > 0
    OR (s.possibleOtherAddressCount > 0 AND s.evidence <> 'complete'))
WITH s.kind AS kind, s.servicePrincipalId AS objectId, s.appId AS appId, s.address AS written,
  s.resourceAppId AS resourceAppId, s.evidence AS coverage,
  min(s.key) AS one, min(s.firstSeen) AS firstAt, max(s.lastSeen) AS lastAt, max(s.resourceName) AS name,
  sum(s.unexplainedCount) AS unexplained, sum(s.possibleOtherAddressCount) AS fromOther,
  // What cannot be decided is only counted.
  collect(CASE WHEN s.evidence IN ['complete', 'changesOnly', 'partialScopes'] THEN {at: s.firstSeen, key: s.key} END) AS folds
// Of more than twenty folds those of the first day, by the hour of the first: here of the group, below of all that is one.
WITH kind, objectId, appId, resourceAppId, coverage, one, firstAt, lastAt, name, unexplained, fromOther, size(folds) AS n,
  [x IN folds WHERE size(folds) <= 20 OR x.at < firstAt + duration('P1D')] AS folds
MATCH (s:SignIn {key: one})<-[:SIGNED_IN]-(p)
OPTIONAL MATCH (p)-[:PART_OF]->(whole:Identity)
OPTIONAL MATCH (s)-[:FROM]->(ip:IPAddress)
OPTIONAL MATCH (s)-[:TO]->(r:Application)
WITH coalesce(whole, p) AS subject, ip.address AS address, resourceAppId, coverage,
  min(objectId) AS writtenObjectId, min(appId) AS writtenAppId,
  max(r.name) AS listedName, max(name) AS writtenName, max(r.caption) AS caption,
  sum(unexplained) AS unexplained, sum(fromOther) AS fromOther, min(firstAt) AS firstAt, max(lastAt) AS lastAt,
  sum(n) AS n, collect(folds) AS written
WITH subject, address, resourceAppId, coverage, writtenObjectId, writtenAppId, unexplained, fromOther, firstAt, lastAt,
  coalesce(listedName, writtenName, caption, resourceAppId) AS resource, n, reduce(all = [], some IN written | all + some) AS folds
// What is not shown is let go before the sort.
WITH subject, address, resourceAppId, coverage, writtenObjectId, writtenAppId, unexplained, fromOther, firstAt, lastAt, resource,
  [x IN folds WHERE n <= 20 OR x.at < firstAt + duration('P1D') | x.key] AS shown
CALL (shown) {
  UNWIND shown AS one
  MATCH (s:SignIn {key: one})
  WITH collect(CASE WHEN size(coalesce(s.unexplainedIds, [])) > 0 THEN s.unexplainedIds ELSE s.sampleIds END) AS samples
  RETURN reduce(all = [], ids IN samples | all + ids) AS evidence
}
// Which logs of the resource were collected, and for which scopes: what "no change seen" is about.
CALL () {
  OPTIONAL MATCH (l:LogSource {tenantId: $tenantId}) WHERE l.scope <> ''
  WITH DISTINCT l.source AS source, l.scope AS scope ORDER BY scope, source
  RETURN collect({source: source, scope: scope}) AS logs
}
WITH *, CASE resourceAppId
    WHEN '797f4846-ba00-4fd7-ba43-dac1f8f63013' THEN ['AzureActivity']
    WHEN 'cfa8b339-82a2-471a-a3c9-0fc0be7a4093' THEN ['AZKVAuditLogs', 'AzureDiagnostics']
    WHEN '00000003-0000-0000-c000-000000000000' THEN ['MicrosoftGraphActivityLogs']
    ELSE [] END AS sources
WITH *, reduce(found = [], log IN [x IN logs WHERE x.source IN sources] |
    CASE WHEN log.scope IN found THEN found ELSE found + log.scope END) AS scopes
WITH *, CASE coverage WHEN 'complete' THEN 'found'
    WHEN 'changesOnly' THEN 'lead' WHEN 'partialScopes' THEN 'lead' ELSE 'notDecidable' END AS verdict,
  unexplained + CASE coverage WHEN 'complete' THEN 0 ELSE fromOther END AS signIns,
  CASE WHEN coverage = 'changesOnly' THEN 'change' ELSE 'activity' END AS noun,
  CASE resourceAppId WHEN '797f4846-ba00-4fd7-ba43-dac1f8f63013' THEN 'the collected subscriptions'
    WHEN 'cfa8b339-82a2-471a-a3c9-0fc0be7a4093' THEN 'the collected vaults' ELSE 'the collected logs' END +
    CASE WHEN size(scopes) = 0 THEN '' ELSE ' (' +
      reduce(text = '', scope IN scopes | text + CASE text WHEN '' THEN '' ELSE ', ' END + scope) + ')' END AS place
RETURN verdict, CASE verdict WHEN 'found' THEN null ELSE coverage END AS reason,
  subject, firstAt, lastAt, evidence,
  CASE verdict WHEN 'found' THEN 'medium' ELSE 'info' END AS severity,
  CASE verdict WHEN 'found' THEN 'high' ELSE 'low' END AS confidence,
  $tenantId AS tenantId, coalesce(subject.appId, writtenObjectId, writtenAppId) AS principalId, resourceAppId, address,
  coverage, resource, signIns, unexplained,
  fromOther AS possibleFromOtherAddress, scopes,
  coalesce(subject.name, subject.caption) AS principal,
  coalesce(address, 'an address that the log does not state') AS origin,
  CASE WHEN signIns = 1 THEN 'One sign-in' ELSE signIns + ' sign-ins' END AS amount,
  CASE verdict
    WHEN 'found' THEN 'no log shows anything done with the token, and the log of the resource is complete'
    WHEN 'lead' THEN 'no ' + noun + ' seen in ' + place +
      CASE WHEN fromOther > 0 THEN '; ' + CASE noun WHEN 'change' THEN 'changes' ELSE noun END +
        ' by this principal came from another address' ELSE '' END
    ELSE 'nothing seen that came of it, but the logs cannot tell (' + coverage + ')' END AS what
ORDER BY tenantId, principalId, resourceAppId, address, coverage
