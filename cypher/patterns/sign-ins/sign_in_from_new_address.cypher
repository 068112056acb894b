/*
id: sign_in_from_new_address
title: Sign-in from a new address
description: >
  A successful sign-in of an application from an address that it had not used before, once its own past is long enough
  to say so. What other identities did from the address does not count. A new network weighs more than a new address of
  a known one, a new country more than both.
severity: medium
maturity: stable
needs: [AADServicePrincipalSignInLogs]
params:
  baseline:
    default: P14D
    reason: Two weeks hold the weekly jobs of a workload twice.
  days:
    default: 3
    reason: A past of fewer days with sign-ins says nothing about where a workload runs.
fingerprint: [tenantId, principalId, address]
subject: subject
sentence: "{principal} signed in from {address}{where} for the first time at {firstAt}, after sign-ins from other addresses on {knownDays} days{remark}."
disproof: >
  The owner of the workload moved it, or its provider gave it another address, on that day.
attack: [T1078.004]
blind_spots:
  - Managed identities sign in without an address.
  - An attacker behind the workload's own network or its provider's shared addresses is not new.
  - An address that was used before the logs begin is new to them.
false_positives:
  - Build agents and functions whose provider changes their addresses.
  - A move to another network.
references:
  - https://attack.mitre.org/techniques/T1078/004/
*/
MATCH (subject:Identity {tenantId: $tenantId})<-[:PART_OF*0..1]-(p)-[seen:SEEN_FROM]->(ip:IPAddress)
WHERE seen.firstSuccess IS NOT NULL AND coalesce(subject.kind, 'unknown') <> 'microsoft'
  AND coalesce(ip.scope, 'public') <> 'private'
WITH subject, ip, min(p.objectId) AS objectId, min(seen.firstSuccess) AS firstAt, max(seen.lastSuccess) AS lastAt
ORDER BY firstAt, ip.address
WITH subject, min(objectId) AS objectId, min(firstAt) AS begin, collect({address: ip.address, network: ip.network,
  declared: ip.declared, scope: ip.scope, firstAt: firstAt, lastAt: lastAt}) AS places
WHERE size(places) > 1
UNWIND places AS place
WITH subject, objectId, begin, places, place WHERE place.firstAt > begin
WITH subject, objectId, begin, place.address AS address, place.firstAt AS firstAt, place.lastAt AS lastAt,
  coalesce(place.declared, false) AS declared, coalesce(place.scope, 'public') = 'azure'
    AND any(other IN places WHERE other.firstAt < place.firstAt AND other.scope = 'azure') AS inAzure,
  any(other IN places WHERE other.firstAt < place.firstAt AND other.network = place.network) AS networkKnown
WITH *, begin <= firstAt - duration($baseline) AS longEnough
WHERE longEnough OR NOT networkKnown
// On how many days it had signed in before, from which countries; and the first sign-in from the new address.
CALL (subject, address, firstAt, longEnough) {
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member)-[:SIGNED_IN]->(s:SignIn)-[from:FROM]->(:IPAddress)
  WHERE longEnough AND s.resultClass = 'success' AND s.firstSeen <= firstAt
  RETURN count(DISTINCT CASE WHEN s.firstSeen < firstAt THEN toString(date(s.hour)) END) AS knownDays,
    collect(DISTINCT CASE WHEN s.firstSeen < firstAt THEN from.country END) AS knownCountries,
    min(CASE WHEN s.address = address THEN from.country END) AS country,
    collect(CASE WHEN s.address = address THEN s.sampleIds END) AS events
}
// A hole in the log of sign-ins may hide that the address is old.
CALL (firstAt) {
  OPTIONAL MATCH (g:Gap {tenantId: $tenantId})
  WHERE g.source = 'AADServicePrincipalSignInLogs' AND g.kind <> 'unproven'
    AND g.start < firstAt AND g.end > firstAt - duration($baseline)
  RETURN count(g) AS gaps
}
WITH *, country IS NOT NULL AND size(knownCountries) > 0 AND NOT country IN knownCountries AS newCountry,
  CASE WHEN NOT longEnough OR knownDays < $days THEN 'notDecidable'
    WHEN declared OR networkKnown THEN 'lead' ELSE 'found' END AS verdict
WHERE verdict <> 'notDecidable' OR NOT (declared OR networkKnown)
RETURN verdict,
  CASE verdict WHEN 'notDecidable' THEN 'baselineTooShort' WHEN 'lead' THEN
    CASE WHEN networkKnown THEN 'networkKnown' ELSE 'networkDeclared' END ELSE null END AS reason,
  subject, firstAt, lastAt, reduce(all = [], ids IN events | all + ids) AS evidence,
  CASE WHEN verdict = 'lead' THEN 'info' WHEN inAzure THEN 'low' WHEN newCountry THEN 'high' ELSE 'medium' END AS severity,
  CASE WHEN gaps > 0 THEN 'medium' ELSE 'high' END AS confidence,
  $tenantId AS tenantId, coalesce(subject.appId, objectId) AS principalId, address, country, knownDays,
  networkKnown, newCountry, gaps,
  coalesce(subject.name, subject.caption) AS principal,
  coalesce(' (' + country + ')', '') AS where,
  CASE WHEN networkKnown THEN '; the network was known' WHEN newCountry THEN '; the country is new as well'
    WHEN declared THEN '; the network is declared' ELSE '' END +
    CASE WHEN gaps > 0 THEN '; the log of sign-ins has holes in that time' ELSE '' END AS remark
ORDER BY tenantId, principalId, address
