/*
id: dormant_principal_revived
title: Dormant principal revived
description: >
  A whole identity – its application object and every service principal – had not signed in or acted for a long time,
  then it was given a credential, and soon it signed in. A forgotten application with old permissions is a quiet way in.
  The managed identity of a machine that was switched off and on again looks the same and is told at a lower severity.
severity: medium
maturity: stable
needs: [AuditLogs, AADServicePrincipalSignInLogs, AADManagedIdentitySignInLogs]
params:
  quiet:
    default: P60D
    reason: Monthly and quarterly jobs show up within two months; what is silent for longer is no longer in use.
  soon:
    default: P7D
    reason: A key that was added to be used is used within days.
fingerprint: [tenantId, principalId, day]
subject: subject
sentence: "{principal} had {past}, was given a credential by {actor} at {addedAt} and {usage}."
disproof: >
  The owner put the application back into service at that time.
attack: [T1098.001, T1078.004]
blind_spots:
  - Logs that begin less than two months before the new credential.
  - Use of the dormant identity with a key that it had all along.
false_positives:
  - A yearly job whose key is renewed each time.
references:
  - https://attack.mitre.org/techniques/T1098/001/
*/
MATCH (key:Credential {tenantId: $tenantId})<-[added:ADDED]-(c:Change)
WHERE c.at IS NOT NULL AND coalesce(c.result, 'success') = 'success'
MATCH (o:DirectoryObject) WHERE o.key = added.objectKey AND NOT o:MicrosoftOwned
OPTIONAL MATCH (o)-[:PART_OF]->(whole:Identity)
OPTIONAL MATCH (c)<-[:MADE]-(by)
WITH coalesce(whole, o) AS subject, o, key, c, by ORDER BY c.at, c.eventId
WITH subject, toString(date(c.at)) AS day, min(c.at) AS addedAt, collect(DISTINCT c.eventId) AS changes,
  min(o.objectId) AS objectId, max(coalesce(by.userPrincipalName, by.name, by.caption)) AS actor,
  max(CASE WHEN o:ManagedIdentity THEN 1 ELSE 0 END) = 1 AS managed
CALL (subject, addedAt) {
  MATCH (subject)<-[:PART_OF*0..1]-(member)
  RETURN min(member.createdAt) AS createdAt, min(member.firstSeen) AS knownSince
}
WITH *, addedAt - duration($quiet) AS since
WHERE createdAt IS NULL OR createdAt < since
// The baseline settles most: it was active in that time.
CALL (subject, since, addedAt) {
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member)-[seen:SEEN_FROM|REACHED]->(place)
  RETURN max(CASE WHEN (seen.firstSuccess >= since AND seen.firstSuccess < addedAt)
      OR (seen.lastSuccess >= since AND seen.lastSuccess < addedAt) THEN 1 ELSE 0 END) = 1 AS active,
    max(seen.lastSuccess) AS lastSuccess
}
WITH * WHERE NOT active
CALL (managed, since, addedAt) {
  WITH CASE WHEN managed THEN 'AADManagedIdentitySignInLogs' ELSE 'AADServicePrincipalSignInLogs' END AS source,
    since, addedAt
  OPTIONAL MATCH (l:LogSource {tenantId: $tenantId}) WHERE l.source = source
  OPTIONAL MATCH (l)-[:HAS_GAP]->(g:Gap) WHERE g.start < addedAt AND g.end > since
  WITH since, addedAt, l, count(g) AS gaps
  RETURN max(CASE WHEN l IS NULL THEN 0 WHEN l.firstSeen > since THEN 1 WHEN l.lastSeen < addedAt OR gaps > 0 THEN 2
    ELSE 3 END) AS coverage
}
WITH * WHERE lastSuccess > addedAt OR coverage = 0
CALL (subject, since, addedAt) {
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member)-[:SIGNED_IN]->(s:SignIn)
  WHERE s.resultClass = 'success' AND s.firstSeen < addedAt + duration($soon)
  WITH subject, since, addedAt, s ORDER BY s.firstSeen, s.key
  WITH subject, since, addedAt, max(CASE WHEN s.lastSeen < addedAt THEN s.lastSeen WHEN s.firstSeen < addedAt THEN s.firstSeen END) AS lastSignIn,
    min(CASE WHEN s.firstSeen >= addedAt THEN s.firstSeen WHEN s.lastSeen >= addedAt THEN s.lastSeen END) AS usedAt,
    collect(CASE WHEN s.firstSeen >= addedAt THEN {address: s.address, events: s.sampleIds}
      WHEN s.lastSeen >= addedAt THEN {address: s.address, events: [s.sampleIds[-1]]} END) AS uses
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member)-[:PERFORMED]->(a:Activity)
  WHERE a.firstSeen < addedAt AND a.lastSeen >= since
  RETURN lastSignIn, usedAt, head(uses) AS firstUse, max(CASE WHEN a.lastSeen < addedAt THEN a.lastSeen ELSE a.firstSeen END) AS lastActivity
}
WITH *, CASE WHEN lastActivity > lastSignIn OR lastSignIn IS NULL THEN lastActivity ELSE lastSignIn END AS lastActive
WHERE (lastActive IS NULL OR lastActive < since) AND (usedAt IS NOT NULL OR coverage = 0)
WITH *, CASE coverage WHEN 0 THEN 'notCollected' WHEN 1 THEN 'baselineTooShort' WHEN 2 THEN 'gap'
    // Nothing shows that it is older: it may be new.
    ELSE CASE WHEN createdAt IS NULL AND lastActive IS NULL AND knownSince >= since THEN 'baselineTooShort' ELSE null END END AS reason
RETURN CASE WHEN reason IS NULL THEN 'found' ELSE 'notDecidable' END AS verdict, reason, subject, addedAt AS firstAt,
  coalesce(usedAt, addedAt) AS lastAt, changes + coalesce(firstUse.events, []) AS evidence,
  CASE WHEN managed THEN 'low' ELSE 'medium' END AS severity, 'high' AS confidence,
  $tenantId AS tenantId, coalesce(subject.appId, objectId) AS principalId, day, addedAt, usedAt, lastActive,
  coalesce(subject.name, subject.caption) AS principal, coalesce(actor, 'someone the logs do not show') AS actor,
  CASE WHEN lastActive IS NULL THEN 'not been active as far as the logs go back' ELSE 'not been active since ' + toString(date(lastActive)) END AS past,
  CASE WHEN usedAt IS NULL THEN 'the logs do not tell whether it signed in' ELSE 'signed in on ' + toString(date(usedAt))
    + coalesce(' from ' + firstUse.address, '') END AS usage
ORDER BY tenantId, principalId, day
