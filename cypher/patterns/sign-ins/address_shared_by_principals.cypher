/*
id: address_shared_by_principals
title: One address, unrelated identities
description: >
  An address from which several unrelated identities signed in, or an identity and a person who manages it. That they
  share it is a fact worth seeing; that it is new to at least two of them, or to the identity that its administrator
  manages, is a finding: keys that were taken together, or tried at a desk, look like that.
severity: medium
maturity: experimental
needs: [AADServicePrincipalSignInLogs]
params:
  degree:
    default: 5
    reason: An address of more identities than that is a shared exit, such as that of a hosting provider.
  baseline:
    default: P3D
    reason: An address is new to an identity only beside a past of some days elsewhere.
fingerprint: [tenantId, address, kind, principalId]
subject: subject
sentence: "{amount} signed in from {address}: {users}{remark}."
disproof: >
  The address is a build agent or an exit that all of them use; declare its network.
attack: [T1078.004]
blind_spots:
  - Managed identities sign in without an address.
  - Exits with more identities than the limit, and declared networks, are left out.
false_positives:
  - Build agents that deploy several applications.
  - Developers who test at their own desk.
references:
  - https://attack.mitre.org/techniques/T1078/004/
*/
MATCH (i:Identity {tenantId: $tenantId})<-[:PART_OF*0..1]-(p)-[seen:SEEN_FROM]->(ip:IPAddress)
WHERE seen.firstSuccess IS NOT NULL AND coalesce(i.kind, 'unknown') <> 'microsoft'
WITH i, ip, min(p.objectId) AS objectId, min(seen.firstSuccess) AS since, max(seen.lastSuccess) AS until
WITH i, min(objectId) AS objectId, min(since) AS begin, collect({ip: ip, since: since, until: until}) AS places
UNWIND places AS place
WITH i, objectId, place.ip AS subject, place.since AS since, place.until AS until, place.since > begin + duration($baseline) AS fresh
WHERE NOT coalesce(subject.scope, 'public') IN ['private', 'azure'] AND coalesce(subject.declared, false) = false
WITH subject, i, objectId, since, until, fresh ORDER BY since, i.key
WITH subject, collect({node: i, key: i.key, principalId: coalesce(i.appId, objectId), name: coalesce(i.name, i.caption), owner: i.owner,
  since: since, until: until, fresh: fresh}) AS users
WHERE size(users) <= $degree
CALL (subject, users) {
  // Unrelated identities.
  WITH subject, users WHERE size(users) > 1
  UNWIND users AS u
  WITH subject, users, u.node AS i, u
  OPTIONAL MATCH (i)<-[:PART_OF*0..1]-(mine:DirectoryObject)<-[:OWNS]-(by:DirectoryObject)
  WITH subject, users, u.key AS member, u.owner AS listed, collect(DISTINCT by.key) AS owners ORDER BY member
  WITH subject, users, collect({owners: owners, listed: listed}) AS each
  WITH subject, users, each, head(each) AS one
  WHERE NOT any(o IN one.owners WHERE all(x IN each WHERE o IN x.owners))
    AND NOT (one.listed IS NOT NULL AND all(x IN each WHERE x.listed = one.listed))
  RETURN 'principals' AS kind, null AS principalId, users AS those, null AS person,
    size([u IN users WHERE u.fresh]) > 1 AS found
  UNION ALL
  // An identity and somebody who owns it or gave it a key.
  UNWIND users AS u
  MATCH (subject)<-[there:SEEN_FROM]-(admin:User {tenantId: $tenantId})
  WHERE there.firstSuccess IS NOT NULL
  WITH u, u.node AS i, admin
  WHERE EXISTS { MATCH (admin)-[:OWNS]->(o:DirectoryObject)-[:PART_OF]->(i) }
    OR EXISTS {
      MATCH (admin)-[:MADE]->(c:Change)-[added:ADDED]->(:Credential)
      MATCH (c)-[:CHANGED]->(o:DirectoryObject)-[:PART_OF]->(i) WHERE o.key = added.objectKey
    }
  WITH u, admin ORDER BY admin.key
  WITH u, head(collect(coalesce(admin.userPrincipalName, admin.caption))) AS person
  RETURN 'administrator' AS kind, u.principalId AS principalId, [u] AS those, person, u.fresh AS found
}
CALL (subject, those) {
  MATCH (subject)<-[:FROM]-(s:SignIn {tenantId: $tenantId})
  WHERE s.resultClass = 'success' AND s.kind <> 'user' AND any(u IN those WHERE u.since = s.firstSeen)
  WITH s ORDER BY s.firstSeen, s.key
  RETURN reduce(all = [], ids IN collect(s.sampleIds)[..10] | all + ids) AS evidence
}
WITH *, reduce(at = null, u IN those | CASE WHEN at IS NULL OR u.since < at THEN u.since ELSE at END) AS firstAt,
  reduce(at = null, u IN those | CASE WHEN at IS NULL OR u.until > at THEN u.until ELSE at END) AS lastAt
RETURN CASE WHEN found THEN 'found' ELSE 'lead' END AS verdict, CASE WHEN found THEN null ELSE 'sharedAddress' END AS reason,
  subject, firstAt, lastAt, evidence,
  CASE WHEN NOT found THEN 'info' WHEN kind = 'administrator' THEN 'low' ELSE 'medium' END AS severity, 'medium' AS confidence,
  $tenantId AS tenantId, subject.address AS address, kind, principalId,
  CASE kind WHEN 'administrator' THEN 'An identity and its administrator ' + person ELSE size(those) + ' unrelated identities' END AS amount,
  reduce(text = '', u IN those | text + CASE text WHEN '' THEN '' ELSE ', ' END + u.name) AS users,
  CASE WHEN NOT found THEN '' WHEN kind = 'administrator' THEN '; the address is new to it' ELSE '; it is new to ' +
    size([u IN those WHERE u.fresh]) + ' of them' END AS remark
ORDER BY tenantId, address, kind, principalId
