/*
id: alternating_credentials
title: Two keys of one principal in turn, from different addresses
description: >
  A principal signs in with one key, then with another, then with the first again, within an hour and from different
  addresses: two parties hold keys of one identity. A rotation that the audit log shows, at addresses that the identity
  uses, is silent; two long-known addresses are a lead.
severity: medium
maturity: experimental
needs: [AADServicePrincipalSignInLogs]
params:
  baseline:
    default: P7D
    reason: An address from which the identity has signed in for a week is one of its own.
  rotation:
    default: P7D
    reason: Old and new key are in use side by side for some days while a rotation reaches all places.
fingerprint: [tenantId, principalId, oneKeyId, otherKeyId]
subject: subject
sentence: "{principal} signed in with {one} from {oneAddresses} and with {other} from {otherAddresses} in turn, within the hour of {firstAt}{more}: {what}."
disproof: >
  Two deployments of one owner run at these addresses, each with a key of its own.
attack: [T1078.004]
blind_spots:
  - Turns that cross the full hour are not counted.
  - Two parties that hold the same key do not alternate.
false_positives:
  - A second deployment of the owner, with its own key, in its first week.
references: []
*/
// One look at all sign-ins: principals with two keys in use at one time are few.
MATCH (s:SignIn {tenantId: $tenantId})
WHERE s.keyId IS NOT NULL AND s.resultClass = 'success'
WITH s.servicePrincipalId AS objectId, s.keyId AS keyId, min(s.firstSeen) AS since, max(s.lastSeen) AS until
WHERE objectId IS NOT NULL
WITH objectId, collect({keyId: keyId, since: since, until: until}) AS keys
WHERE size(keys) > 1
UNWIND keys AS one
UNWIND keys AS other
WITH objectId, one, other WHERE one.keyId < other.keyId AND one.since < other.until AND other.since < one.until
MATCH (s:SignIn) WHERE s.servicePrincipalId = objectId
WITH objectId, one, other, s
WHERE s.tenantId = $tenantId AND s.resultClass = 'success' AND s.keyId IN [one.keyId, other.keyId]
WITH objectId, one.keyId AS oneKeyId, other.keyId AS otherKeyId, s.hour AS hour,
  min(CASE WHEN s.keyId = one.keyId THEN s.firstSeen END) AS oneFirst, max(CASE WHEN s.keyId = one.keyId THEN s.lastSeen END) AS oneLast,
  min(CASE WHEN s.keyId = other.keyId THEN s.firstSeen END) AS otherFirst, max(CASE WHEN s.keyId = other.keyId THEN s.lastSeen END) AS otherLast,
  collect(DISTINCT CASE WHEN s.keyId = one.keyId THEN s.address END) AS oneAddresses,
  collect(DISTINCT CASE WHEN s.keyId = other.keyId THEN s.address END) AS otherAddresses, collect(s) AS signIns
// In turn: the time of the one reaches into that of the other, from both sides.
WHERE oneFirst < otherLast AND otherFirst < oneLast
  AND (any(x IN oneAddresses WHERE NOT x IN otherAddresses) OR any(x IN otherAddresses WHERE NOT x IN oneAddresses))
UNWIND signIns AS s
WITH objectId, oneKeyId, otherKeyId, hour, s ORDER BY s.firstSeen, s.key
WITH objectId, oneKeyId, otherKeyId, count(DISTINCT hour) AS hours, min(s.firstSeen) AS firstAt, max(s.lastSeen) AS lastAt,
  collect(DISTINCT CASE WHEN s.keyId = oneKeyId THEN s.address END) AS oneAddresses,
  collect(DISTINCT CASE WHEN s.keyId = otherKeyId THEN s.address END) AS otherAddresses,
  collect(DISTINCT s.address) AS addresses, collect(s.sampleIds) AS samples
MATCH (p:ServicePrincipal) WHERE p.objectId = objectId
WITH * WHERE p.tenantId = $tenantId
OPTIONAL MATCH (p)-[:PART_OF]->(whole:Identity)
WITH *, coalesce(whole, p) AS subject
MATCH (a:Credential) WHERE a.keyId = oneKeyId
MATCH (b:Credential) WHERE b.keyId = otherKeyId
WITH * WHERE a.tenantId = $tenantId AND b.tenantId = $tenantId
WITH *, CASE WHEN a.addedAt IS NULL THEN b.addedAt WHEN b.addedAt IS NULL OR a.addedAt > b.addedAt THEN a.addedAt ELSE b.addedAt END AS newer
CALL (subject, addresses, firstAt, newer) {
  UNWIND addresses AS address
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member)-[seen:SEEN_FROM]->(ip:IPAddress) WHERE ip.address = address
  WITH address, min(seen.firstSuccess) AS since, firstAt, newer
  RETURN min(CASE WHEN since <= firstAt - duration($baseline) THEN 1 ELSE 0 END) = 1 AS longKnown,
    min(CASE WHEN since < newer THEN 1 ELSE 0 END) = 1 AS knownBefore
}
CALL (firstAt) {
  OPTIONAL MATCH (l:LogSource {tenantId: $tenantId}) WHERE l.source = 'AADServicePrincipalSignInLogs'
  OPTIONAL MATCH (l)-[:HAS_GAP]->(g:Gap) WHERE g.start < firstAt AND g.end > firstAt - duration($baseline)
  WITH firstAt, l, count(g) AS gaps
  RETURN max(CASE WHEN l.firstSeen > firstAt - duration($baseline) THEN 1 WHEN gaps > 0 THEN 2 ELSE 3 END) AS coverage
}
WITH *, CASE WHEN newer >= firstAt - duration($rotation) AND newer <= lastAt AND knownBefore THEN 'rotation'
  WHEN longKnown THEN 'knownAddresses' WHEN coverage = 1 THEN 'baselineTooShort' WHEN coverage = 2 THEN 'gap' ELSE 'found' END AS state
WHERE state <> 'rotation'
RETURN CASE state WHEN 'found' THEN 'found' WHEN 'knownAddresses' THEN 'lead' ELSE 'notDecidable' END AS verdict,
  CASE state WHEN 'found' THEN null ELSE state END AS reason,
  subject, firstAt, lastAt, reduce(all = [], ids IN samples[..10] | all + ids) AS evidence,
  CASE state WHEN 'found' THEN 'medium' ELSE 'low' END AS severity, 'exact' AS confidence,
  $tenantId AS tenantId, coalesce(subject.appId, objectId) AS principalId, oneKeyId, otherKeyId, oneAddresses, otherAddresses, hours,
  CASE WHEN a.displayName IS NULL THEN a.caption ELSE 'key "' + a.displayName + '"' END AS one,
  CASE WHEN b.displayName IS NULL THEN b.caption ELSE 'key "' + b.displayName + '"' END AS other,
  coalesce(subject.name, subject.caption) AS principal,
  CASE WHEN hours = 1 THEN '' ELSE ' and ' + (hours - 1) + ' more' END AS more,
  CASE state WHEN 'knownAddresses' THEN 'both addresses are long known' ELSE 'an address is new for it' END AS what
ORDER BY tenantId, principalId, oneKeyId, otherKeyId
