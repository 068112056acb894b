/*
id: sign_in_without_change
title: Sign-in to Azure with something new and without a change
description: >
  Successful sign-ins to Azure Resource Manager after which no change is seen in the collected subscriptions, together
  with something new: the address, the key, an indicator that listed the address, or a rename. Resource Manager logs no
  reads, so a sign-in without a change alone says nothing; somebody new who only looks around does it just so.
severity: medium
maturity: stable
needs: [AADServicePrincipalSignInLogs, AzureActivity]
params:
  baseline:
    default: P3D
    reason: An address or key is new only beside a past of some days with another one.
  fresh:
    default: P1D
    reason: For a day after its first use an address or key counts as new.
  around:
    default: P7D
    reason: A rename and what it prepares or hides lie within about a week.
fingerprint: [tenantId, principalId, address, coverage]
subject: subject
sentence: "{amount} of {principal} to Azure Resource Manager from {origin} {conclusion}; {news}."
disproof: >
  The owner of the workload read resources from there, with a key of theirs.
attack: [T1078.004, T1526]
blind_spots:
  - What was read leaves no trace in the activity log.
  - Managed identities sign in without an address.
false_positives:
  - A pipeline that validates its token from a new build agent.
references:
  - https://attack.mitre.org/techniques/T1526/
*/
CALL () {
  // An address that is new beside older ones.
  MATCH (subject:Identity {tenantId: $tenantId})<-[:PART_OF*0..1]-(p)-[seen:SEEN_FROM]->(ip:IPAddress)
  WHERE seen.firstSuccess IS NOT NULL
  WITH subject, ip.address AS address, min(seen.firstSuccess) AS since
  WITH subject, min(since) AS begin, collect({address: address, since: since}) AS places
  UNWIND places AS place
  WITH subject, begin, place WHERE place.since > begin + duration($baseline)
  RETURN subject, 'address' AS kind, place.address AS address, null AS keyId, place.since AS start,
    place.since + duration($fresh) AS stop, null AS event
  UNION ALL
  // A key that is new beside an older one.
  MATCH (key:Credential {tenantId: $tenantId})<-[:USED]-(s:SignIn)
  WHERE key.keyId IS NOT NULL AND s.firstSeen = key.firstUsed AND s.resultClass = 'success'
  MATCH (s)<-[:SIGNED_IN]-(p)
  OPTIONAL MATCH (p)-[:PART_OF]->(whole:Identity)
  WITH DISTINCT coalesce(whole, p) AS subject, key.keyId AS keyId, key.firstUsed AS since
  WITH subject, min(since) AS begin, collect({keyId: keyId, since: since}) AS keys
  UNWIND keys AS one
  WITH subject, begin, one WHERE one.since > begin + duration($baseline)
  RETURN subject, 'key' AS kind, null AS address, one.keyId AS keyId, one.since AS start,
    one.since + duration($fresh) AS stop, null AS event
  UNION ALL
  // Threat intelligence listed the address at that time.
  MATCH (n:Indicator {tenantId: $tenantId})-[valid:INDICATES]->(ip:IPAddress)<-[seen:SEEN_FROM]-(p)
  WHERE seen.firstSuccess IS NOT NULL AND p.tenantId = $tenantId AND NOT p:User
  OPTIONAL MATCH (p)-[:PART_OF]->(whole:Identity)
  WITH coalesce(whole, p) AS subject, n, valid, ip
  RETURN subject, 'indicator' AS kind, ip.address AS address, null AS keyId, valid.validFrom AS start, valid.validTo AS stop,
    null AS event
  UNION ALL
  // It was renamed before.
  MATCH (n:Name {tenantId: $tenantId})<-[became:RENAMED_TO]-(c:Change)-[:CHANGED]->(o:DirectoryObject)-[:PART_OF]->(subject:Identity)
  WHERE o.key = became.objectKey AND EXISTS { (c)-[:RENAMED_FROM]->() } AND coalesce(c.result, 'success') = 'success'
  RETURN subject, 'rename' AS kind, null AS address, null AS keyId, c.at AS start, c.at + duration($around) AS stop,
    c.eventId AS event
}
WITH subject, kind, address, keyId, start, stop, event WHERE coalesce(subject.kind, 'unknown') <> 'microsoft'
WITH subject, collect({kind: kind, address: address, keyId: keyId, start: start, stop: stop, event: event}) AS novelties
// Each sign-in of an identity is looked at once, beside all that was new for it, and one identity after the other.
CALL (subject, novelties) {
  MATCH (subject)<-[:PART_OF*0..1]-(member)-[:SIGNED_IN]->(s:SignIn)
  WHERE s.resourceAppId = '797f4846-ba00-4fd7-ba43-dac1f8f63013' AND s.resultClass = 'success' AND s.kind = 'servicePrincipal'
    AND s.unexplainedCount + s.possibleOtherAddressCount > 0
  WITH s, s.address AS address, s.keyId AS keyId, s.firstSeen AS firstSeen, s.lastSeen AS lastSeen, novelties
  WITH s, address, firstSeen, lastSeen, [x IN novelties WHERE coalesce(keyId = x.keyId, x.keyId IS NULL)
    AND coalesce(address = x.address, x.address IS NULL)
    AND coalesce(lastSeen >= x.start, true) AND coalesce(firstSeen < x.stop, true)] AS fitting
  WHERE size(fitting) > 0
  WITH s, address, firstSeen, lastSeen, fitting ORDER BY firstSeen, s.key
  WITH address, CASE WHEN s.evidence = 'changesOnly' THEN 'complete' ELSE s.evidence END AS coverage,
    min(s.servicePrincipalId) AS writtenObjectId, min(s.appId) AS writtenAppId,
    sum(s.unexplainedCount + s.possibleOtherAddressCount) AS signIns, sum(s.possibleOtherAddressCount) AS fromOther,
    min(firstSeen) AS firstAt, max(lastSeen) AS lastAt,
    collect(CASE WHEN size(coalesce(s.unexplainedIds, [])) > 0 THEN s.unexplainedIds ELSE s.sampleIds END)[..20] AS samples,
    collect(fitting) AS fitting
  UNWIND fitting AS some
  UNWIND some AS x
  WITH address, coverage, writtenObjectId, writtenAppId, signIns, fromOther, firstAt, lastAt, samples,
    collect(DISTINCT x.kind) AS kinds, collect(DISTINCT x.event) AS renameEvents
  RETURN address, coverage, writtenObjectId, writtenAppId, signIns, fromOther, firstAt, lastAt, kinds, renameEvents,
    reduce(all = [], ids IN samples | all + ids) AS events
}
WITH *, 'address' IN kinds AS newAddress, 'key' IN kinds AS newKey, 'indicator' IN kinds AS listed, 'rename' IN kinds AS renamed
WITH *, [text IN [CASE WHEN newAddress THEN 'the address is new' END, CASE WHEN newKey THEN 'the key is new' END,
    CASE WHEN listed THEN 'threat intelligence listed the address' END,
    CASE WHEN renamed THEN 'it was renamed shortly before' END] WHERE text IS NOT NULL] AS reasons
RETURN CASE coverage WHEN 'complete' THEN 'found' ELSE 'notDecidable' END AS verdict,
  CASE coverage WHEN 'complete' THEN null ELSE coverage END AS reason,
  subject, firstAt, lastAt, events + renameEvents AS evidence,
  CASE WHEN size(reasons) > 1 OR listed THEN 'high' ELSE 'medium' END AS severity,
  CASE WHEN fromOther > 0 THEN 'medium' ELSE 'high' END AS confidence,
  $tenantId AS tenantId, coalesce(subject.appId, writtenObjectId, writtenAppId) AS principalId, address, coverage,
  signIns, fromOther AS possibleFromOtherAddress, newAddress, newKey, listed, renamed,
  coalesce(subject.name, subject.caption) AS principal,
  coalesce(address, 'an address that the log does not state') AS origin,
  CASE WHEN signIns = 1 THEN 'One sign-in' ELSE signIns + ' sign-ins' END AS amount,
  CASE WHEN coverage <> 'complete' THEN 'led to nothing that is seen, but the logs cannot tell (' + coverage + ')'
    WHEN fromOther > 0 THEN 'led to no change from there; changes by this principal came from another address'
    ELSE 'led to no change in the collected subscriptions' END AS conclusion,
  reduce(text = '', reason IN reasons | text + CASE text WHEN '' THEN '' ELSE ', ' END + reason) AS news
ORDER BY tenantId, principalId, address, coverage
