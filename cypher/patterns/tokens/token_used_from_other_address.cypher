/*
id: token_used_from_other_address
title: One token, two networks
description: >
  A token of an application or managed identity that was issued to one network and used from another, or used from two.
  Tied by the token's own id: no time and no guess is involved. Tokens of one pair of addresses are one finding.
severity: high
maturity: stable
needs: [AzureActivity, MicrosoftGraphActivityLogs]
params:
  habit:
    default: 3
    reason: Where tokens travel between the same two addresses on that many days, they are likely two exits of one workload.
fingerprint: [tenantId, principalId, firstAddress, otherAddress]
subject: subject
sentence: "{amount} of {principal} {how} {firstAddress} and used from {otherAddress}{habitual}, first at {firstAt}{remark}."
disproof: >
  Both addresses are exits of the workload's own network, or of the proxy that stands before it.
attack: [T1550.001, T1528]
blind_spots:
  - Logs of vaults and of other resources state no token id.
  - A token that is used in the network that it was issued to, by somebody else.
  - Private addresses say nothing about where a caller is.
false_positives:
  - A workload whose traffic leaves by two providers.
references:
  - https://attack.mitre.org/techniques/T1550/001/
*/
MATCH (t:Token {tenantId: $tenantId})-[:USED_FOR]->(a:Activity)
WITH t, min(a.address) AS low, max(a.address) AS high
OPTIONAL MATCH (t)<-[:ISSUED]-(s:SignIn)
WITH t, low, high, min(s.address) AS home WHERE low <> high OR home <> low
MATCH (t)-[used:USED_FOR]->(a:Activity)<-[:PERFORMED]-(p)
WHERE NOT p:User AND NOT p:MicrosoftOwned
MATCH (a)-[:FROM]->(there:IPAddress) WHERE coalesce(there.scope, 'public') <> 'private'
WITH t, p, there, a, used ORDER BY a.firstSeen, a.key
WITH t, p, head(collect(there.address)) AS usedAddress, head(collect(there.network)) AS usedNetwork,
  head(collect(there.scope)) AS usedScope, collect({address: there.address, network: there.network, scope: there.scope,
    at: a.firstSeen, until: a.lastSeen, events: used.eventIds + a.sampleIds}) AS uses
// Where it came from: the address of its sign-in, else the first at which it was used.
OPTIONAL MATCH (t)<-[issued:ISSUED]-(:SignIn)-[:FROM]->(home:IPAddress) WHERE coalesce(home.scope, 'public') <> 'private'
WITH t, p, uses, usedAddress, usedNetwork, usedScope, issued, home ORDER BY home.address
WITH t, p, uses, usedAddress, usedNetwork, usedScope, head(collect(home.address)) AS homeAddress,
  head(collect(home.network)) AS homeNetwork, head(collect(home.scope)) AS homeScope,
  coalesce(head(collect(issued.eventIds)), []) AS issueEvents
WITH t, p, uses, issueEvents, homeAddress IS NOT NULL AS issuedThere, coalesce(homeAddress, usedAddress) AS firstAddress,
  coalesce(homeNetwork, usedNetwork) AS firstNetwork,
  CASE WHEN homeAddress IS NULL THEN usedScope ELSE homeScope END AS firstScope
UNWIND uses AS later
WITH * WHERE later.network <> firstNetwork
OPTIONAL MATCH (p)-[:PART_OF]->(whole:Identity)
WITH *, coalesce(whole, p) AS subject
WHERE coalesce(subject.kind, 'unknown') <> 'microsoft'
WITH subject, p, t, firstAddress, firstScope, issuedThere, later, issueEvents ORDER BY later.at, t.tokenId
WITH subject, min(p.objectId) AS objectId, min(p.appId) AS appId, firstAddress, later.address AS otherAddress, min(firstScope) AS firstScope,
  min(later.scope) AS otherScope, count(DISTINCT t) AS tokens, collect(DISTINCT t.tokenId)[..5] AS tokenIds,
  count(DISTINCT toString(date(later.at))) AS days, min(later.at) AS firstAt, max(later.until) AS lastAt,
  max(CASE WHEN issuedThere THEN 1 ELSE 0 END) = 1 AS issued,
  reduce(all = [], ids IN collect(issueEvents + later.events)[..10] | all + ids) AS evidence
WITH *, (firstAddress CONTAINS ':') <> (otherAddress CONTAINS ':') AS families
RETURN CASE WHEN families THEN 'lead' ELSE 'found' END AS verdict, CASE WHEN families THEN 'addressFamilies' ELSE null END AS reason,
  subject, firstAt, lastAt, evidence,
  CASE WHEN families THEN 'info' WHEN days >= $habit THEN 'low'
    WHEN coalesce(firstScope, '') = 'azure' AND coalesce(otherScope, '') = 'azure' THEN 'medium' ELSE 'high' END AS severity,
  CASE WHEN families THEN 'low' ELSE 'exact' END AS confidence,
  $tenantId AS tenantId, coalesce(subject.appId, objectId, appId) AS principalId, firstAddress, otherAddress, tokens, tokenIds, days,
  coalesce(subject.name, subject.caption) AS principal,
  CASE WHEN tokens = 1 THEN 'One token' ELSE tokens + ' tokens' END AS amount,
  CASE WHEN tokens = 1 THEN 'was ' ELSE 'were ' END + CASE WHEN issued THEN 'issued to' ELSE 'first used from' END AS how,
  CASE WHEN days > 1 THEN ' on ' + days + ' days' ELSE '' END AS habitual,
  CASE WHEN families THEN '; one is an IPv4 and the other an IPv6 address: likely one host' ELSE '' END AS remark
ORDER BY tenantId, principalId, firstAddress, otherAddress
