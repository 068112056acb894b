/*
id: threat_intelligence_address
title: An address known to threat intelligence near an identity
description: >
  An address that an indicator listed, valid at that very time, within two steps of an identity: it signed in from
  there, its token was used there, or somebody who acted or had signed in from there gave it a key.
severity: high
maturity: stable
needs: [ThreatIntelIndicators, ThreatIntelligenceIndicator, StixIndicators, AddressList]
params:
  actorWindow:
    default: P1D
    reason: Somebody who signed in from the address within a day before adding a key is taken to be the one who was there.
fingerprint: [tenantId, principalId, address]
subject: subject
sentence: "{address}, listed as {indicators}, is tied to {principal}: {what}."
disproof: >
  The provider takes the indicator back, or the address is an exit that your own workloads share with others.
attack: [T1078.004, T1098.001]
blind_spots:
  - Addresses that were listed only later.
  - Managed identities sign in without an address; only the use of their tokens shows one.
  - Of equal events of one hour, the first and the last are compared with the times of the indicator.
false_positives:
  - Shared addresses of hosting providers and anonymising networks that are used with good reason.
references:
  - https://learn.microsoft.com/azure/sentinel/understand-threat-intelligence
*/
CALL () {
  // It signed in from there.
  MATCH (n:Indicator {tenantId: $tenantId})-[valid:INDICATES]->(ip:IPAddress)<-[:FROM]-(s:SignIn)<-[:SIGNED_IN]-(p)
  WHERE s.tenantId = $tenantId AND s.kind <> 'user'
    AND ((coalesce(valid.validFrom <= s.firstSeen, true) AND coalesce(s.firstSeen < valid.validTo, true))
      OR (coalesce(valid.validFrom <= s.lastSeen, true) AND coalesce(s.lastSeen < valid.validTo, true)))
  RETURN n, valid, ip, p, CASE WHEN s.resultClass = 'success' THEN 'signedIn' ELSE 'failed' END AS kind,
    s.firstSeen AS at, s.lastSeen AS until, s.sampleIds AS events, s.count AS amount
  UNION ALL
  // Its token was used there.
  MATCH (n:Indicator {tenantId: $tenantId})-[valid:INDICATES]->(ip:IPAddress)<-[:FROM]-(a:Activity)<-[:PERFORMED]-(p)
  WHERE a.tenantId = $tenantId AND NOT p:User
    AND ((coalesce(valid.validFrom <= a.firstSeen, true) AND coalesce(a.firstSeen < valid.validTo, true))
      OR (coalesce(valid.validFrom <= a.lastSeen, true) AND coalesce(a.lastSeen < valid.validTo, true)))
  RETURN n, valid, ip, p, 'acted' AS kind, a.firstSeen AS at, a.lastSeen AS until, a.sampleIds AS events,
    a.count AS amount
  UNION ALL
  // Somebody added a key to it from there.
  MATCH (n:Indicator {tenantId: $tenantId})-[valid:INDICATES]->(ip:IPAddress)<-[:FROM]-(c:Change)-[added:ADDED]->(:Credential),
    (c)-[:CHANGED]->(p:DirectoryObject)
  WHERE p.key = added.objectKey AND (p:AppRegistration OR p:ServicePrincipal) AND c.tenantId = $tenantId AND coalesce(c.result, 'success') = 'success'
    AND coalesce(valid.validFrom <= c.at, true) AND coalesce(c.at < valid.validTo, true)
  RETURN n, valid, ip, p, 'keyAdded' AS kind, c.at AS at, c.at AS until,
    [c.eventId] AS events, 1 AS amount
  UNION ALL
  // Somebody who had just signed in from there added a key to it.
  MATCH (n:Indicator {tenantId: $tenantId})-[valid:INDICATES]->(ip:IPAddress)<-[:FROM]-(s:SignIn)<-[:SIGNED_IN]-(actor),
    (actor)-[:MADE]->(c:Change)-[added:ADDED]->(:Credential), (c)-[:CHANGED]->(p:DirectoryObject)
  WHERE p.key = added.objectKey AND (p:AppRegistration OR p:ServicePrincipal) AND s.tenantId = $tenantId AND s.resultClass = 'success' AND coalesce(c.result, 'success') = 'success'
    AND s.firstSeen <= c.at AND c.at <= s.lastSeen + duration($actorWindow)
    AND ((coalesce(valid.validFrom <= s.firstSeen, true) AND coalesce(s.firstSeen < valid.validTo, true))
      OR (coalesce(valid.validFrom <= s.lastSeen, true) AND coalesce(s.lastSeen < valid.validTo, true)))
  RETURN n, valid, ip, p, 'keyAdded' AS kind, c.at AS at, c.at AS until,
    s.sampleIds + c.eventId AS events, 1 AS amount
}
OPTIONAL MATCH (p)-[:PART_OF]->(whole:Identity)
WITH coalesce(whole, p) AS subject, p AS member, ip, n, valid, kind, at, until, events, amount
ORDER BY at, kind, n.key, member.key
WITH subject, ip, min(coalesce(member.objectId, member.appId)) AS writtenId,
  min(at) AS firstAt, max(until) AS lastAt, reduce(all = [], ids IN collect(events)[..40] | all + ids) AS evidence,
  collect(DISTINCT kind) AS kinds, collect(DISTINCT coalesce(n.description, n.indicatorId)) AS indicators,
  collect(DISTINCT n.indicatorId) AS indicatorIds, max(n.score) AS score,
  max(CASE WHEN valid.validFrom IS NULL AND valid.validTo IS NULL THEN 0 ELSE 1 END) AS dated
RETURN 'found' AS verdict, null AS reason, subject, firstAt, lastAt, evidence,
  CASE WHEN kinds = ['failed'] THEN 'medium' ELSE 'high' END AS severity,
  // An undated line of a list may have been written for another time.
  CASE WHEN score < 50 THEN 'low' WHEN dated = 0 THEN 'medium' ELSE 'high' END AS confidence,
  $tenantId AS tenantId, coalesce(subject.appId, writtenId) AS principalId, ip.address AS address, kinds, indicators,
  indicatorIds, score,
  coalesce(subject.name, subject.caption) AS principal,
  reduce(text = '', kind IN ['keyAdded', 'signedIn', 'failed', 'acted'] | text + CASE WHEN NOT kind IN kinds THEN '' ELSE
    CASE text WHEN '' THEN '' ELSE ', ' END + CASE kind WHEN 'keyAdded' THEN 'a key was added to it from there'
      WHEN 'signedIn' THEN 'it signed in from there' WHEN 'failed' THEN 'sign-ins failed from there'
      ELSE 'its token was used there' END END) AS what
ORDER BY tenantId, principalId, address
