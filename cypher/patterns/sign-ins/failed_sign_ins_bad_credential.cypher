/*
id: failed_sign_ins_bad_credential
title: Failed sign-ins of a workload identity
description: >
  Sign-ins of an application or managed identity that failed because of its credential, because the application is not
  known, is disabled, or was blocked: by identity, address, kind of failure and day. Grouped by identity, so a rename
  splits no group and two applications with one name share none.
severity: low
maturity: stable
needs: [AADServicePrincipalSignInLogs, AADManagedIdentitySignInLogs]
params:
  threshold:
    default: 1
    reason: One failed sign-in of a workload is rare enough to look at; raise it where pipelines retry.
fingerprint: [tenantId, principalId, address, failure, day]
subject: subject
sentence: "{amount} of {principal} from {origin} on {day}: {cause} (code {codes}), for {resources}."
disproof: >
  The owner of the workload confirms that it ran at this address with an old or mistyped key at that time, and no
  other workload or person had reason to use this application id.
attack: [T1110, T1078.004]
blind_spots:
  - Failures of an unknown application id are logged only where Entra ID can tie them to this tenant.
  - A sign-in with a stolen, valid key does not fail.
false_positives:
  - A pipeline whose secret has expired and that retries until someone renews it.
references:
  - https://learn.microsoft.com/entra/identity-platform/reference-error-codes
*/
MATCH (s:SignIn {tenantId: $tenantId})<-[:SIGNED_IN]-(p)
WHERE s.resultClass IN ['credentialFailed', 'identityUnknown', 'disabled', 'blocked'] AND s.kind <> 'user'
OPTIONAL MATCH (p)-[:PART_OF]->(whole:Identity)
OPTIONAL MATCH (s)-[:FROM]->(ip:IPAddress)
WITH s, p, coalesce(whole, p) AS subject, ip,
  CASE
    WHEN s.resultClass = 'identityUnknown' THEN 'unknownApplication'
    WHEN s.resultClass <> 'credentialFailed' THEN s.resultClass
    WHEN s.resultCode IN ['7000215', '7000216', '7000218', '7000219', '900144'] THEN 'badSecret'
    WHEN s.resultCode = '7000222' THEN 'expiredSecret'
    WHEN s.resultCode IN ['70021', '700211', '700212', '700213', '7002137', '7002138',
                          '7000225', '7000226', '7000227'] THEN 'badFederatedCredential'
    WHEN s.resultCode = '1000502' THEN 'expiredCertificate'
    ELSE 'badCertificate'
  END AS failure
// Somebody disabled or deleted it: that its workload now fails is what was wanted.
WHERE NOT (s.resultClass = 'disabled'
  AND (coalesce(p.enabled, true) = false OR coalesce(p.deletedAt, subject.deletedAt) IS NOT NULL))
// An address is known if any object of the identity had signed in from it before it first failed there.
WITH s, subject, ip, failure, ip IS NOT NULL AND EXISTS {
  MATCH (subject)<-[:PART_OF*0..1]-(member)-[seen:SEEN_FROM]->(ip) WHERE seen.firstSuccess < s.firstSeen
} AS known
OPTIONAL MATCH (s)-[:TO]->(r:Application)
WITH s, subject, ip, failure, known, coalesce(s.resourceName, r.name, 'the application with the id ' + s.resourceAppId) AS resource
ORDER BY s.firstSeen, s.key
WITH subject, ip.address AS address, failure, toString(date(s.hour)) AS day,
  min(s.servicePrincipalId) AS writtenObjectId, min(s.appId) AS writtenAppId,
  sum(s.count) AS attempts, min(s.firstSeen) AS firstAt, max(s.lastSeen) AS lastAt,
  collect(DISTINCT s.resultCode) AS codes,
  collect(DISTINCT resource) AS resources,
  reduce(all = [], ids IN collect(s.sampleIds) | all + ids) AS evidence,
  max(CASE WHEN known THEN 1 ELSE 0 END) AS knownBefore
WHERE attempts >= $threshold
RETURN 'found' AS verdict, null AS reason, subject, firstAt, lastAt, evidence,
  CASE WHEN knownBefore = 0 AND address IS NOT NULL AND failure STARTS WITH 'bad' THEN 'medium' ELSE 'low' END AS severity,
  'exact' AS confidence,
  $tenantId AS tenantId, coalesce(subject.appId, writtenObjectId, writtenAppId) AS principalId, address, failure, day, attempts, codes, resources,
  knownBefore = 1 AS addressKnown,
  coalesce(subject.name, subject.caption) AS principal,
  CASE failure WHEN 'badSecret' THEN 'wrong secret' WHEN 'expiredSecret' THEN 'expired secret'
    WHEN 'badCertificate' THEN 'wrong certificate or assertion' WHEN 'expiredCertificate' THEN 'expired certificate'
    WHEN 'badFederatedCredential' THEN 'no matching federated credential' WHEN 'disabled' THEN 'the application is disabled'
    WHEN 'blocked' THEN 'blocked by policy or risk' ELSE 'the application is not known here' END AS cause,
  coalesce(address, 'an address that the log does not state') AS origin,
  CASE WHEN attempts = 1 THEN 'One failed sign-in' ELSE attempts + ' failed sign-ins' END AS amount
ORDER BY tenantId, principalId, address, failure, day
