/*
id: audit_gap_around_change
title: Gap in the logs around a change of credentials or names
description: >
  A hole in the audit log or in the sign-ins of workload identities – hours without an event in which many were to be
  expected, or an hour's file that is missing between two others – within a day of a credential change or a rename.
  What was switched off or held back there is what would have told more about the change. An input that stopped at a known
  row limit or in the middle of a record, or that says that it is partial, may have holes anywhere in the time it
  covers: that is a lead.
severity: low
maturity: stable
needs: [AuditLogs]
params:
  around:
    default: P1D
    reason: Who hides a step switches the log off and on again within about a day.
fingerprint: [tenantId, source, kind, day]
subject: subject
sentence: "{source} has a hole from {firstAt} to {lastAt} ({words}), and {amount} around it: {principals}."
disproof: >
  The file or the hours are found again, or the outage of the export is known and hit all sources alike.
attack: [T1562.008]
blind_spots:
  - Logs too thin to tell silence from a hole, unless other categories of the same export vouch for them.
  - Single records that were held back.
false_positives:
  - An outage of the export, a maintenance of the storage account.
references:
  - https://attack.mitre.org/techniques/T1562/008/
*/
CALL () {
  MATCH (key:Credential {tenantId: $tenantId})<-[step:ADDED|REMOVED]-(c:Change)
  WHERE c.at IS NOT NULL AND coalesce(c.result, 'success') = 'success'
  RETURN c.at AS at, c.eventId AS id, step.objectKey AS objectKey, toLower(coalesce(key.displayName, '')) AS keyName
  UNION ALL
  MATCH (new:Name {tenantId: $tenantId})<-[step:RENAMED_TO]-(c:Change)
  WHERE c.at IS NOT NULL AND coalesce(c.result, 'success') = 'success' AND EXISTS { (c)-[:RENAMED_FROM]->(:Name) }
  RETURN c.at AS at, c.eventId AS id, step.objectKey AS objectKey, '' AS keyName
}
WITH collect({at: at, id: id, objectKey: objectKey, keyName: keyName}) AS changes
MATCH (subject:LogSource {tenantId: $tenantId})-[:HAS_GAP]->(g:Gap)
WHERE subject.source IN ['AuditLogs', 'AADServicePrincipalSignInLogs', 'AADManagedIdentitySignInLogs']
  AND g.kind IN ['silence', 'missingBlob', 'rowLimit', 'cutOff']
WITH subject, g, changes, CASE WHEN g.kind IN ['rowLimit', 'cutOff'] THEN 'PT0S' ELSE $around END AS reach
WITH subject, g, [x IN changes WHERE x.at >= g.start - duration(reach) AND x.at <= g.end + duration(reach)] AS near
UNWIND near AS x
MATCH (o:DirectoryObject) WHERE o.key = x.objectKey
  // The platform renews the certificates of managed identities day by day.
  AND NOT (o:ManagedIdentity AND x.keyName = 'cn=' + coalesce(o.appId, '?'))
OPTIONAL MATCH (o)-[:PART_OF]->(whole:Identity)
WITH subject, g, x, coalesce(whole.appId, o.objectId) AS principalId, coalesce(whole.name, o.name, whole.caption, o.caption) AS name
ORDER BY x.at, x.id, name
WITH subject, g.kind AS kind, toString(date(g.start)) AS day, min(g.start) AS firstAt, max(g.end) AS lastAt,
  collect(DISTINCT x.id) AS changes, collect(DISTINCT principalId) AS principalIds, collect(DISTINCT name) AS names
RETURN CASE WHEN kind IN ['rowLimit', 'cutOff'] THEN 'lead' ELSE 'found' END AS verdict,
  CASE WHEN kind IN ['rowLimit', 'cutOff'] THEN kind ELSE null END AS reason, subject, firstAt, lastAt, changes[..50] AS evidence,
  CASE WHEN kind IN ['rowLimit', 'cutOff'] THEN 'info' WHEN subject.source = 'AuditLogs' THEN 'medium' ELSE 'low' END AS severity,
  CASE kind WHEN 'missingBlob' THEN 'exact' WHEN 'silence' THEN 'high' ELSE 'low' END AS confidence,
  $tenantId AS tenantId, subject.source AS source, kind, day, size(changes) AS changeCount, principalIds,
  CASE kind WHEN 'silence' THEN 'no event where many were to be expected' WHEN 'missingBlob' THEN 'files of these hours are missing'
    WHEN 'cutOff' THEN 'an input is cut off or says that it is partial' ELSE 'an input stopped at a row limit' END AS words,
  CASE WHEN size(changes) = 1 THEN 'one change of a credential or name lies'
    ELSE size(changes) + ' changes of credentials or names lie' END AS amount,
  names[..5] + CASE WHEN size(names) > 5 THEN ['and ' + (size(names) - 5) + ' more'] ELSE [] END AS principals
ORDER BY tenantId, source, kind, day
