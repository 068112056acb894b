/*
id: credential_to_resource_chain
title: Added key, its sign-in, and what its token did
description: >
  The whole story of an added key: somebody adds it, that very key signs in, and that sign-in leads to a request to a
  vault, a change in Azure, a request to Microsoft Graph or a change of the directory. Found where the address is new
  for the identity, a lead where only the resource is; a key that goes on with the work of the one before is silent.
severity: high
maturity: stable
needs: [AuditLogs, AADServicePrincipalSignInLogs]
params:
  within:
    default: P7D
    reason: What a new key is for shows in its first week; later use is the ordinary use of a key.
  baseline:
    default: P3D
    reason: A workload that runs daily has shown its addresses within three days; with less seen, none can be called new.
fingerprint: [tenantId, credentialId, principalId]
subject: subject
sentence: "{actor} added {credential} to {principal} at {addedAt}; it signed in at {usedAt} from {addresses}, and from {actedAt} its token did this: {acts}. New for the identity: {what}."
disproof: >
  The owner of the workload added this key for this work, and knows the address.
attack: [T1098.001, T1078.004, T1555.006]
blind_spots:
  - A key whose addition is not in the audit log starts no chain; federated credentials have a pattern of their own.
  - Reads through Azure Resource Manager leave no trace; reads through Microsoft Graph count from a new address only.
  - Logs of vaults carry no token id; their link goes by time and address.
false_positives:
  - A new key that brings a workload to a vault that it did not use before.
references:
  - https://attack.mitre.org/techniques/T1098/001/
*/
MATCH (key:Credential {tenantId: $tenantId})<-[added:ADDED]-(c:Change)
WHERE key.lastUsed >= c.at AND NOT key:FederatedCredential AND coalesce(c.result, 'success') = 'success'
WITH key, c ORDER BY c.at, c.eventId
WITH key, collect(DISTINCT c.eventId) AS changeEvents, head(collect(c)) AS change, min(c.at) AS addedAt
// Sign-ins are many: first only who signed in, and again one by one where all else is known.
CALL (key, addedAt) {
  MATCH (key)<-[:USED]-(s:SignIn)
  WHERE s.resultClass = 'success' AND s.firstSeen >= addedAt AND s.firstSeen <= addedAt + duration($within)
  RETURN s.servicePrincipalId AS writtenObjectId, s.appId AS writtenAppId, min(s.key) AS one
}
MATCH (:SignIn {key: one})<-[:SIGNED_IN]-(p)
OPTIONAL MATCH (p)-[:PART_OF]->(whole:Identity)
WITH key, changeEvents, change, addedAt, writtenObjectId, writtenAppId, coalesce(whole, p) AS subject
// What the identity knew before: addresses, vaults and services.
CALL (subject, addedAt) {
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member)-[seen:SEEN_FROM]->(ip:IPAddress) WHERE seen.firstSuccess < addedAt
  RETURN collect(DISTINCT ip.address) AS knownAddresses
}
CALL (subject, addedAt) {
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member)-[before:REACHED]->(target) WHERE before.firstSuccess < addedAt
  RETURN collect(DISTINCT coalesce(target.resourceId, target.appId)) AS knownTargets
}
MATCH (key)<-[:USED]-(s:SignIn)
WHERE s.resultClass = 'success' AND s.firstSeen >= addedAt AND s.firstSeen <= addedAt + duration($within)
  AND coalesce(s.servicePrincipalId, '') = coalesce(writtenObjectId, '') AND coalesce(s.appId, '') = coalesce(writtenAppId, '')
// Few sign-ins can be part of a story; links are looked up for those only. The service named is Azure Key Vault.
WITH key, changeEvents, change, addedAt, writtenObjectId, writtenAppId, subject, knownAddresses, knownTargets, s
WHERE s.linkedCount > 0 AND (NOT s.address IN knownAddresses OR NOT s.resourceAppId IN knownTargets
  OR s.resourceAppId = 'cfa8b339-82a2-471a-a3c9-0fc0be7a4093')
MATCH (s)-[led:LED_TO]->(did)
WHERE led.firstAt <= addedAt + duration($within) AND (did:Change
  OR (did:Activity AND coalesce(did.outcome, 'success') IN ['success', 'start'] AND did.service IN ['keyVault', 'arm', 'graph']))
// Reading through Microsoft Graph is everyday work; from a new address it belongs to the story.
WITH *, s.address IS NOT NULL AND NOT s.address IN knownAddresses AS newAddress,
  NOT CASE WHEN did.service = 'keyVault' THEN did.resourceId ELSE s.resourceAppId END IN knownTargets AS newTarget,
  coalesce(did.service = 'graph' AND did.operation STARTS WITH 'GET ', false) AS reads
WHERE newAddress OR (newTarget AND NOT reads)
WITH *, CASE led.confidence WHEN 'exact' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END AS doubt,
  coalesce(did.operation, did.caption) + coalesce(' on ' + last(split(did.resourceId, '/')), '') AS act
ORDER BY led.firstAt, s.firstSeen, did.key, led.key
WITH key, changeEvents, change, addedAt, subject, size(knownAddresses) > 0 AS signedInBefore,
  min(s.firstSeen) AS usedAt, min(led.firstAt) AS actedAt, max(led.lastAt) AS lastAt,
  collect(DISTINCT s.address) AS addresses, collect(DISTINCT act) AS allActs, min(doubt) AS doubt,
  min(writtenObjectId) AS writtenObjectId, min(writtenAppId) AS writtenAppId,
  min(CASE WHEN reads THEN 1 ELSE 0 END) = 1 AS readsOnly,
  max(CASE WHEN newAddress THEN 1 ELSE 0 END) = 1 AS newAddress, max(CASE WHEN newTarget THEN 1 ELSE 0 END) = 1 AS newTarget,
  collect(s.sampleIds[..1] + coalesce(led.eventIds, [])) AS samples
CALL (change) {
  OPTIONAL MATCH (change)<-[:MADE]-(a)
  RETURN head(collect(a)) AS actor
}
CALL (subject, change, actor, addresses) {
  OPTIONAL MATCH (change)-[:FROM]->(place:IPAddress)
  WHERE place.address IN addresses AND NOT coalesce(actor.identityId = subject.identityId, false)
  RETURN count(place) > 0 AS fromActor
}
CALL (addedAt) {
  OPTIONAL MATCH (l:LogSource {tenantId: $tenantId}) WHERE l.source = 'AADServicePrincipalSignInLogs'
  OPTIONAL MATCH (l)-[:HAS_GAP]->(g:Gap) WHERE g.start < addedAt AND g.end > addedAt - duration($baseline)
  WITH addedAt, l, count(g) AS gaps
  RETURN max(CASE WHEN l.firstSeen > addedAt - duration($baseline) THEN 1 WHEN gaps > 0 THEN 2 ELSE 3 END) AS coverage
}
WITH *, CASE
    WHEN NOT signedInBefore AND subject.createdAt > addedAt - duration($within) THEN 'newApplication'
    WHEN doubt = 3 THEN 'manySignInsPossible'
    WHEN fromActor AND newAddress THEN 'found'
    WHEN NOT signedInBefore OR coverage = 1 THEN 'baselineTooShort'
    WHEN coverage = 2 THEN 'gap'
    WHEN NOT newAddress THEN 'knownAddress'
    ELSE 'found' END AS state
RETURN CASE WHEN state = 'found' THEN 'found' WHEN state IN ['newApplication', 'manySignInsPossible', 'knownAddress'] THEN 'lead'
    ELSE 'notDecidable' END AS verdict,
  CASE state WHEN 'found' THEN null ELSE state END AS reason,
  subject, addedAt AS firstAt, lastAt, changeEvents + reduce(all = [], ids IN samples[..20] | all + ids) AS evidence,
  CASE WHEN state <> 'found' THEN 'low' WHEN readsOnly THEN 'medium' ELSE 'high' END AS severity,
  CASE doubt WHEN 0 THEN 'exact' WHEN 1 THEN 'high' WHEN 2 THEN 'medium' ELSE 'low' END AS confidence,
  $tenantId AS tenantId, coalesce(key.keyId, key.federatedId, key.thumbprint, key.key) AS credentialId,
  coalesce(subject.appId, writtenObjectId, writtenAppId) AS principalId, addedAt, usedAt, actedAt, addresses,
  CASE WHEN key.displayName IS NULL THEN key.caption ELSE 'key "' + key.displayName + '"' END AS credential,
  allActs[..5] + CASE WHEN size(allActs) > 5 THEN ['and ' + (size(allActs) - 5) + ' more'] ELSE [] END AS acts,
  coalesce(actor.userPrincipalName, actor.name, actor.caption, 'Someone the logs do not show') AS actor,
  coalesce(subject.name, subject.caption) AS principal,
  CASE WHEN newAddress AND newTarget THEN 'address and resource' WHEN newAddress THEN 'the address' ELSE 'the resource' END AS what
ORDER BY tenantId, credentialId, principalId
