/*
id: deleted_principal_active
title: Deleted or disabled principal is active
description: >
  A service principal signs in or acts after it, or its application object, was deleted or switched off, and before it was
  restored. Tokens that were issued before live on for a while: acting with one of them is told apart, at a lower
  severity. Attempts that fail are what a deletion is meant to bring about and are left out.
severity: high
maturity: stable
needs: [AuditLogs, AADServicePrincipalSignInLogs, AADManagedIdentitySignInLogs]
params:
  delay:
    default: PT15M
    reason: A deletion reaches all sign-in servers within minutes.
  tokenLife:
    default: PT24H
    reason: The longest life of a token that was issued before; most end after 90 minutes.
fingerprint: [tenantId, principalId, what, day]
subject: subject
sentence: "{principal} was {state} at {endedAt} and {did}."
disproof: >
  A record that restores or enables it was lost, or the activity is shown to have used a token that was issued before.
attack: [T1078.004, T1550.001]
blind_spots:
  - A deletion that is not in the logs and in no inventory.
  - Activity in logs that state neither token nor issue time counts as use of a token issued before, for a day.
false_positives:
  - A restore that left no record.
references:
  - https://learn.microsoft.com/entra/identity/enterprise-apps/restore-application
*/
CALL () {
  // Ended by a record, until a record brings it back.
  MATCH (c:Change {tenantId: $tenantId})
  WHERE (c.lifecycle IN ['deleted', 'hardDeleted'] OR c.enabled = false) AND c.at IS NOT NULL
  MATCH (c)-[:CHANGED]->(ended:DirectoryObject) WHERE ended:ServicePrincipal OR ended:AppRegistration
  RETURN ended, c.at AS endedAt, c.eventId AS eventId,
    CASE WHEN c.lifecycle IN ['deleted', 'hardDeleted'] THEN 'deleted' ELSE 'switched off' END AS state
  UNION ALL
  // Deleted according to an inventory.
  MATCH (ended:ServicePrincipal {tenantId: $tenantId})
  WHERE ended.deletedAt IS NOT NULL AND NOT EXISTS {
    MATCH (ended)<-[:CHANGED]-(c:Change) WHERE c.lifecycle IN ['deleted', 'hardDeleted']
  }
  RETURN ended, ended.deletedAt AS endedAt, null AS eventId, 'deleted' AS state
}
OPTIONAL MATCH (ended)-[:PART_OF]->(whole:Identity)
WITH ended, endedAt, eventId, state, coalesce(whole, ended) AS subject
// Deleting an application object ends its service principal of this tenant as well.
MATCH (subject)<-[:PART_OF*0..1]-(p:ServicePrincipal)
WHERE (p.key = ended.key OR ended:AppRegistration) AND p.lastSeen > endedAt AND coalesce(p.createdAt, endedAt) <= endedAt
CALL (ended, p, endedAt) {
  UNWIND [ended, p] AS o
  OPTIONAL MATCH (o)<-[:CHANGED]-(c:Change)
  WHERE c.at > endedAt AND (c.lifecycle = 'restored' OR c.enabled = true)
  RETURN min(c.at) AS backAt
}
// Switched off and then deleted is one end.
WITH subject, p, backAt, state, endedAt, eventId ORDER BY endedAt, state, eventId
WITH subject, p, backAt, head(collect(state)) AS state, min(endedAt) AS endedAt, collect(eventId) AS endings
CALL (p, endedAt, backAt) {
  MATCH (p)-[:SIGNED_IN]->(s:SignIn)
  WHERE s.resultClass = 'success' AND s.lastSeen > endedAt + duration($delay) AND (backAt IS NULL OR s.lastSeen < backAt)
  WITH endedAt, s ORDER BY s.firstSeen, s.key
  RETURN 'signIn' AS act, sum(s.count) AS amount,
    min(CASE WHEN s.firstSeen > endedAt THEN s.firstSeen ELSE s.lastSeen END) AS firstAt, max(s.lastSeen) AS lastAt,
    collect(s.sampleIds[-1]) AS events
  UNION ALL
  MATCH (p)-[:PERFORMED]->(a:Activity)
  WHERE a.outcome = 'success' AND a.lastSeen > endedAt + duration($delay) AND (backAt IS NULL OR a.lastSeen < backAt)
  OPTIONAL MATCH (a)<-[led:LED_TO]-(s:SignIn) WHERE led.confidence IN ['exact', 'high']
  WITH endedAt, a, min(s.firstSeen) AS issuedAt
  WITH endedAt, a, CASE WHEN issuedAt > endedAt + duration($delay) THEN 'signIn'
    WHEN a.firstSeen > endedAt + duration($tokenLife) THEN 'newToken' ELSE 'oldToken' END AS act
  ORDER BY a.firstSeen, a.key
  WITH act, sum(a.count) AS amount,
    min(CASE WHEN a.firstSeen > endedAt THEN a.firstSeen ELSE a.lastSeen END) AS firstAt, max(a.lastSeen) AS lastAt,
    collect(a.sampleIds[-1]) AS events
  RETURN act, amount, firstAt, lastAt, events
}
UNWIND ['signIn', 'newToken', 'oldToken'] AS what
WITH subject, p, state, endedAt, endings, what, act, amount, firstAt, lastAt, events
WHERE what = act AND amount > 0
WITH * ORDER BY p.objectId, endedAt
WITH subject, what, toString(date(endedAt)) AS day, head(collect(p.objectId)) AS objectId, head(collect(state)) AS state,
  min(endedAt) AS endedAt, min(firstAt) AS firstAt, max(lastAt) AS lastAt, sum(amount) AS amount,
  reduce(all = [], ids IN collect(endings + events[..20]) | all + ids) AS evidence
RETURN 'found' AS verdict, null AS reason, subject, firstAt, lastAt, evidence,
  CASE what WHEN 'oldToken' THEN 'low' ELSE 'high' END AS severity, 'high' AS confidence,
  $tenantId AS tenantId, coalesce(subject.appId, objectId) AS principalId, what, day, objectId, state, endedAt, amount,
  coalesce(subject.name, subject.caption) AS principal,
  CASE what WHEN 'signIn' THEN 'got new tokens afterwards'
    WHEN 'newToken' THEN 'acted afterwards, later than any token of before could live'
    ELSE 'acted afterwards, with a token of before as far as the logs tell' END AS did
ORDER BY tenantId, principalId, what, day
