/*
id: new_credential_first_use_from_new_address
title: New credential first used from a new address
description: >
  A key that was seen to be added is used for the first time from an address and network that the identity had not
  used before, or from the very address from which it was added. Known addresses are those of the identity itself,
  through all its objects: an address that another application uses is still new for this one.
severity: medium
maturity: stable
needs: [AuditLogs, AADServicePrincipalSignInLogs]
params:
  baseline:
    default: P3D
    reason: A workload that runs daily has shown its addresses within three days; with less seen, none can be called new.
  setUp:
    default: P7D
    reason: In the first week of an application's life its addresses are still being settled.
fingerprint: [tenantId, credentialId, address]
subject: subject
sentence: "{credential} of {principal}, added by {actor} at {addedAt}, was first used at {firstUseAt} from {address}: {what}."
disproof: >
  The owner of the workload moved it, or tested the new key, at this address at that time.
attack: [T1098.001, T1078.004]
blind_spots:
  - A key whose addition is not in the audit log is not new here; credential_used_without_add_event looks for those.
  - Managed identities sign in without an address, and federated credentials have a pattern of their own.
  - An attacker inside a network that the workload uses is not seen.
false_positives:
  - A workload that moves to another network together with its new key.
references:
  - https://attack.mitre.org/techniques/T1098/001/
*/
MATCH (key:Credential {tenantId: $tenantId})<-[added:ADDED]-(c:Change)
WHERE key.firstUsed >= c.at AND NOT key:FederatedCredential AND coalesce(c.result, 'success') = 'success'
WITH key, c ORDER BY c.at, c.eventId
WITH key, collect(DISTINCT c.eventId) AS changeEvents, head(collect(c)) AS change, min(c.at) AS addedAt
MATCH (key)<-[:USED]-(s:SignIn) WHERE s.resultClass = 'success' AND s.firstSeen <= key.firstUsed
MATCH (s)-[:FROM]->(ip:IPAddress) WHERE ip.scope <> 'private'
MATCH (s)<-[:SIGNED_IN]-(p)
OPTIONAL MATCH (p)-[:PART_OF]->(whole:Identity)
WITH key, changeEvents, change, addedAt, s, ip, coalesce(whole, p) AS subject ORDER BY s.key
WITH key, changeEvents, change, addedAt, head(collect(s)) AS s, head(collect(ip)) AS ip, head(collect(subject)) AS subject
WITH key, changeEvents, change, addedAt, s, ip, subject, s.firstSeen AS firstUseAt
CALL (change) {
  OPTIONAL MATCH (change)<-[:MADE]-(a)
  RETURN head(collect(a)) AS actor
}
// An identity that renews its own key does so from its own address: that says nothing.
CALL (subject, change, actor, ip) {
  OPTIONAL MATCH (change)-[:FROM]->(place:IPAddress)
  WHERE place.key = ip.key AND NOT coalesce(actor.identityId = subject.identityId, false)
  RETURN count(place) > 0 AS fromActor
}
CALL (subject, ip, addedAt, firstUseAt) {
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member)-[seen:SEEN_FROM]->(place:IPAddress) WHERE seen.firstSuccess < firstUseAt
  RETURN max(CASE WHEN seen.firstSuccess < addedAt THEN 1 ELSE 0 END) = 1 AS signedInBefore,
    max(CASE WHEN place.key = ip.key AND seen.firstSuccess < addedAt THEN 1 ELSE 0 END) = 1 AS knownBefore,
    max(CASE WHEN place.key = ip.key OR place.network = ip.network THEN 1 ELSE 0 END) = 1 AS known
}
CALL (firstUseAt) {
  OPTIONAL MATCH (l:LogSource {tenantId: $tenantId}) WHERE l.source = 'AADServicePrincipalSignInLogs'
  OPTIONAL MATCH (l)-[:HAS_GAP]->(g:Gap) WHERE g.start < firstUseAt AND g.end > firstUseAt - duration($baseline)
  WITH firstUseAt, l, count(g) AS gaps
  RETURN max(CASE WHEN l.firstSeen > firstUseAt - duration($baseline) THEN 1 WHEN gaps > 0 THEN 2 ELSE 3 END) AS coverage
}
WITH *, CASE
    WHEN NOT signedInBefore AND subject.createdAt > firstUseAt - duration($setUp) THEN 'newApplication'
    WHEN fromActor AND NOT knownBefore THEN 'addressOfActor'
    WHEN fromActor THEN 'knownAddressOfActor'
    WHEN known THEN 'known'
    WHEN NOT signedInBefore OR coverage = 1 THEN 'baselineTooShort'
    WHEN coverage = 2 THEN 'gap'
    ELSE 'newAddress' END AS state
WHERE state <> 'known'
RETURN CASE WHEN state IN ['addressOfActor', 'newAddress'] THEN 'found'
    WHEN state IN ['newApplication', 'knownAddressOfActor'] THEN 'lead' ELSE 'notDecidable' END AS verdict,
  CASE WHEN state IN ['addressOfActor', 'newAddress'] THEN null ELSE state END AS reason,
  subject, addedAt AS firstAt, firstUseAt AS lastAt, changeEvents + [head(s.sampleIds)] AS evidence,
  CASE state WHEN 'addressOfActor' THEN 'high' WHEN 'newAddress' THEN 'medium' ELSE 'low' END AS severity,
  'high' AS confidence, $tenantId AS tenantId, coalesce(key.keyId, key.thumbprint, key.key) AS credentialId,
  ip.address AS address, addedAt, firstUseAt, CASE WHEN key.displayName IS NULL THEN key.caption ELSE 'Key "' + key.displayName + '"' END AS credential, s.resourceName AS resource,
  coalesce(actor.userPrincipalName, actor.name, actor.caption, 'someone the logs do not show') AS actor,
  coalesce(subject.name, subject.caption) AS principal,
  CASE state WHEN 'addressOfActor' THEN 'the address from which it was added'
    WHEN 'knownAddressOfActor' THEN 'the address from which it was added, which the identity had used before'
    WHEN 'newApplication' THEN 'the first sign-in of a new application'
    WHEN 'newAddress' THEN 'an address and network that the identity had not used before'
    ELSE 'the logs cannot tell whether it is new (' + state + ')' END AS what
ORDER BY tenantId, credentialId, address
