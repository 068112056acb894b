/*
id: bad_credential_spray
title: One address tries credentials at many applications
description: >
  Failed sign-ins from one address at several unrelated identities within a day, by the address: bad secrets, bad
  certificates, unknown application ids. An identity that had signed in from the address before does not count. Worse
  when the address then succeeds for one of them.
severity: medium
maturity: stable
needs: [AADServicePrincipalSignInLogs]
params:
  threshold:
    default: 5
    reason: One runner with an old configuration fails for one or two applications, hardly for five that it never ran.
  window:
    default: P1D
    reason: Guessing is slow on purpose, but a day separates it from failures that only pile up.
  afterwards:
    default: P7D
    reason: A guessed secret is used within days.
fingerprint: [tenantId, address, day]
subject: subject
sentence: "From {address} {amount} failed at {targets} identities that had never signed in from there, beginning at {firstAt}{outcome}."
disproof: >
  A deployment or scanner of your own runs at this address and was given application ids without their secrets.
attack: [T1110.003, T1110.004]
blind_spots:
  - A spray over many addresses, each below the threshold.
  - Application ids that this tenant does not know are logged only in part.
false_positives:
  - A new build server that is set up with old secrets.
references:
  - https://attack.mitre.org/techniques/T1110/003/
*/
MATCH (subject:IPAddress)<-[seen:SEEN_FROM]-(p)
WHERE p.tenantId = $tenantId AND NOT p:User AND seen.firstFailure IS NOT NULL
  AND (seen.firstSuccess IS NULL OR seen.firstFailure < seen.firstSuccess)
WITH subject, count(p) AS tried WHERE tried >= $threshold
MATCH (subject)<-[:FROM]-(s:SignIn {tenantId: $tenantId})<-[:SIGNED_IN]-(p)
WHERE s.resultClass IN ['credentialFailed', 'identityUnknown'] AND s.kind <> 'user'
OPTIONAL MATCH (p)-[:PART_OF]->(whole:Identity)
WITH subject, s, coalesce(whole, p) AS target
// An address is known if any object of the identity had signed in from it before it failed there.
WHERE NOT EXISTS {
  MATCH (target)<-[:PART_OF*0..1]-(member)-[known:SEEN_FROM]->(subject) WHERE known.firstSuccess < s.firstSeen
}
// Who owns them, so far as the logs tell: the applications of one owner are not unrelated.
OPTIONAL MATCH (target)<-[:PART_OF*0..1]-(mine:DirectoryObject)<-[:OWNS]-(by:DirectoryObject)
WITH subject, s, target, by.key AS owner ORDER BY owner
WITH subject, s, target, collect(DISTINCT owner) AS owners ORDER BY s.firstSeen, s.key
WITH subject, collect({at: s.firstSeen, lastAt: s.lastSeen, day: toString(date(s.hour)), key: target.key, owners: owners,
  listed: CASE WHEN target:Identity THEN target.owner END, count: s.count, ids: s.sampleIds}) AS failures
UNWIND failures AS start
WITH subject, failures, start.day AS day, min(start.at) AS firstAt
WITH subject, day, firstAt, [f IN failures WHERE f.at >= firstAt AND f.at <= firstAt + duration($window)] AS during
UNWIND during AS f
WITH subject, day, firstAt, during, collect(DISTINCT f.key) AS targets, max(f.lastAt) AS lastFailure, sum(f.count) AS attempts
WHERE size(targets) >= $threshold
WITH *, head(during) AS first
WITH *, any(owner IN first.owners WHERE all(f IN during WHERE owner IN f.owners))
  OR (first.listed IS NOT NULL AND all(f IN during WHERE f.listed = first.listed)) AS oneOwner
// Identities that then signed in from the address for the first time.
CALL (subject, firstAt) {
  OPTIONAL MATCH (subject)<-[later:SEEN_FROM]-(p)
  WHERE p.tenantId = $tenantId AND NOT p:User
    AND later.firstSuccess >= firstAt AND later.firstSuccess <= firstAt + duration($afterwards)
  OPTIONAL MATCH (p)-[:PART_OF]->(whole:Identity)
  OPTIONAL MATCH (p)-[:SIGNED_IN]->(s:SignIn)
  WHERE s.address = subject.address AND s.resultClass = 'success' AND s.firstSeen = later.firstSuccess
  WITH coalesce(whole, p) AS winner, later, s ORDER BY later.firstSuccess, winner.key
  RETURN [name IN collect(DISTINCT coalesce(winner.name, winner.caption)) | name] AS winners,
    max(later.firstSuccess) AS successAt,
    reduce(all = [], ids IN collect(s.sampleIds) | all + ids) AS successEvents
}
WITH *, CASE WHEN oneOwner AND size(winners) = 0 THEN 'lead' ELSE 'found' END AS verdict
RETURN verdict, CASE verdict WHEN 'lead' THEN 'oneOwner' ELSE null END AS reason,
  subject, firstAt, CASE WHEN successAt > lastFailure THEN successAt ELSE lastFailure END AS lastAt,
  reduce(all = [], f IN during[..40] | all + f.ids) + successEvents AS evidence,
  CASE WHEN verdict = 'lead' THEN 'info' WHEN size(winners) > 0 THEN 'high' ELSE 'medium' END AS severity,
  'exact' AS confidence,
  $tenantId AS tenantId, subject.address AS address, day, size(targets) AS targets, attempts, winners, oneOwner,
  CASE WHEN attempts = 1 THEN 'one sign-in' ELSE attempts + ' sign-ins' END AS amount,
  CASE WHEN size(winners) > 0 THEN '; then it succeeded for ' +
      reduce(text = '', name IN winners | text + CASE text WHEN '' THEN '' ELSE ', ' END + name)
    WHEN oneOwner THEN '; all of them belong to one owner' ELSE '' END AS outcome
ORDER BY tenantId, address, day
