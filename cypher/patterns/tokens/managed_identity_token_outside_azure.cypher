/*
id: managed_identity_token_outside_azure
title: Token of a managed identity outside Azure
description: >
  Something was done with a token of a managed identity from an address that is none of Azure's, or with one token from
  two networks. Only resources in Azure can fetch such tokens; one that is used elsewhere was carried away. Which
  addresses are Azure's is known only if graphcorr.toml names them.
severity: high
maturity: stable
needs: [AzureActivity, AZKVAuditLogs, MicrosoftGraphActivityLogs]
params: {}
fingerprint: [tenantId, principalId, address, kind]
subject: subject
sentence: "A token of {principal} was used from {address}, {what}: {operations}, first at {firstAt}."
disproof: >
  The machine is an Arc-enabled server, or its traffic leaves Azure through a proxy of your own.
attack: [T1550.001, T1552.005]
blind_spots:
  - A token that is used from another machine in Azure.
  - Private addresses say nothing about where a caller is, and those of declared networks count as your own way out of Azure.
false_positives:
  - Arc-enabled servers, which have managed identities and stand outside Azure.
  - Forced tunnelling through an own network.
references:
  - https://attack.mitre.org/techniques/T1552/005/
*/
CALL () {
  // Somewhere that is not Azure.
  MATCH (p:ManagedIdentity {tenantId: $tenantId})-[:PERFORMED]->(a:Activity)
  WHERE a.address IS NOT NULL
  WITH p, a.address AS address, min(a.firstSeen) AS firstAt, max(a.lastSeen) AS lastAt
  MATCH (ip:IPAddress {address: address})
  WHERE NOT coalesce(ip.scope, 'public') IN ['private', 'azure'] AND coalesce(ip.declared, false) = false
  // Whether Azure's addresses are known at all: then some address of this tenant is one of them.
  WITH *, EXISTS {
    MATCH (cloud:IPAddress)<-[:FROM|SEEN_FROM]-(seen) WHERE cloud.scope = 'azure' AND seen.tenantId = $tenantId
  } AS ranges
  OPTIONAL MATCH (p)-[:PERFORMED]->(a:Activity) WHERE ranges AND a.address = address
  WITH p, address, firstAt, lastAt, ranges, a ORDER BY a.firstSeen, a.key
  WITH p, address, firstAt, lastAt, ranges, collect(DISTINCT a.operation)[..3] AS operations, collect(a.sampleIds)[..5] AS ids
  RETURN p, address, 'outside' AS kind, firstAt, lastAt, operations, ids, null AS other, CASE WHEN ranges THEN null ELSE 'noAzureRanges' END AS obstacle
  UNION ALL
  // One token, two networks.
  MATCH (t:Token {tenantId: $tenantId})-[:USED_FOR]->(used:Activity)
  WITH t, min(used.address) AS low, max(used.address) AS high WHERE low <> high
  MATCH (t)-[:USED_FOR]->(a:Activity)<-[:PERFORMED]-(p:ManagedIdentity)
  MATCH (a)-[:FROM]->(ip:IPAddress) WHERE coalesce(ip.scope, 'public') <> 'private'
  WITH t, p, a, ip ORDER BY a.firstSeen, a.key
  WITH t, p, head(collect(ip.address)) AS home, head(collect(ip.network)) AS network,
    collect({address: ip.address, network: ip.network, at: a.firstSeen, until: a.lastSeen, operation: a.operation, ids: a.sampleIds}) AS uses
  UNWIND uses AS later
  WITH p, home, network, later WHERE later.network <> network
  WITH p, home, later ORDER BY later.at, later.operation
  RETURN p, later.address AS address, 'twoNetworks' AS kind, min(later.at) AS firstAt, max(later.until) AS lastAt,
    collect(DISTINCT later.operation)[..3] AS operations, collect(later.ids)[..5] AS ids, min(home) AS other,
    null AS obstacle
}
OPTIONAL MATCH (p)-[:PART_OF]->(whole:Identity)
WITH p, coalesce(whole, p) AS subject, address, kind, firstAt, lastAt, operations, ids, other,
  CASE WHEN (other CONTAINS ':') <> (address CONTAINS ':') THEN 'addressFamilies' ELSE obstacle END AS obstacle
WITH *, CASE obstacle WHEN 'noAzureRanges' THEN 'notDecidable' WHEN 'addressFamilies' THEN 'lead' ELSE 'found' END AS verdict
RETURN verdict, obstacle AS reason, subject, firstAt, lastAt, reduce(all = [], some IN ids | all + some) AS evidence,
  CASE verdict WHEN 'lead' THEN 'info' ELSE 'high' END AS severity,
  CASE verdict WHEN 'lead' THEN 'low' ELSE 'high' END AS confidence,
  $tenantId AS tenantId, coalesce(subject.appId, p.objectId) AS principalId, address, kind, other,
  coalesce(subject.name, subject.caption) AS principal,
  CASE kind WHEN 'twoNetworks' THEN 'and the same token from ' + other +
      CASE WHEN verdict = 'lead' THEN ' (likely one host)' ELSE '' END
    ELSE 'which is no address of Azure' END AS what,
  reduce(text = '', name IN operations | text + CASE text WHEN '' THEN '' ELSE ', ' END + name) AS operations
ORDER BY tenantId, principalId, address, kind
