/*
id: credential_on_service_principal_only
title: Credential on the service principal only
description: >
  A key was added to a service principal whose application object has none: the page of the application, where its keys
  are looked for, shows nothing. Found only where a complete list of the application's keys and the audit log since
  then prove that it has none.
severity: medium
maturity: experimental
needs: [AuditLogs]
params:
  setUp:
    default: P7D
    reason: Tools that register an application may put its first key on the service principal.
fingerprint: [tenantId, objectId, credentialId]
subject: subject
sentence: "{credential} was added to the service principal of {principal} by {actor} at {firstAt}, whose application object has no key: the page of the application does not show it{use}."
disproof: >
  A tool of the owner keeps the keys of its applications on their service principals.
attack: [T1098.001]
blind_spots:
  - A key beside one on the application object is as well hidden, and told by unexplained_credential_update only.
  - Keys of applications that another tenant owns cannot be compared.
false_positives:
  - Older tools that add keys to service principals.
references:
  - https://learn.microsoft.com/graph/api/serviceprincipal-addpassword
*/
MATCH (key:Credential {tenantId: $tenantId})<-[added:ADDED]-(c:Change)-[:CHANGED]->(o:ServicePrincipal)
WHERE o.key = added.objectKey AND coalesce(c.result, 'success') = 'success' AND c.at IS NOT NULL
  AND NOT key:FederatedCredential AND NOT (o:ManagedIdentity OR o:MicrosoftOwned OR o:AgentIdentity)
  // Keys that sign SAML tokens come in a set of three, on the service principal, where they belong.
  AND NOT EXISTS { MATCH (c)-[:ADDED]->(beside:Credential) WHERE beside.signing = true }
OPTIONAL MATCH (o)-[:PART_OF]->(whole:Identity)
WITH key, o, c, coalesce(whole, o) AS subject ORDER BY c.at, c.eventId
WITH key, o, subject, collect(c.eventId) AS changeEvents, head(collect(c)) AS change, min(c.at) AS addedAt
CALL (change) {
  OPTIONAL MATCH (change)<-[:MADE]-(a)
  RETURN min(coalesce(a.userPrincipalName, a.name, a.caption)) AS actor
}
CALL (subject, addedAt) {
  OPTIONAL MATCH (subject)<-[:PART_OF]-(app:AppRegistration)
  OPTIONAL MATCH (app)-[has:HAS_CREDENTIAL]->(shown:Credential)
  WHERE NOT shown:FederatedCredential AND coalesce(has.validFrom <= addedAt, true)
    AND (has.basis = 'inventory' OR coalesce(has.validTo > addedAt, true))
  RETURN count(app) AS apps, count(shown) AS keys, min(app.keysListedAt) AS listedAt, min(app.createdAt) AS createdAt,
    max(CASE WHEN app IS NOT NULL AND app.keysListedAt IS NULL THEN 1 ELSE 0 END) = 1 AS unlisted
}
WITH * WHERE keys = 0
WITH *, CASE WHEN listedAt < addedAt THEN listedAt ELSE addedAt END AS since, CASE WHEN listedAt > addedAt THEN listedAt ELSE addedAt END AS until
CALL (since, until) {
  OPTIONAL MATCH (l:LogSource {tenantId: $tenantId}) WHERE l.source = 'AuditLogs'
  OPTIONAL MATCH (l)-[:HAS_GAP]->(g:Gap) WHERE g.start < until AND g.end > since
  WITH l, since, until, count(g) AS gaps
  RETURN max(CASE WHEN l.firstSeen <= since AND l.lastSeen >= until AND gaps = 0 THEN 1 ELSE 0 END) = 1 AS covered
}
CALL (key) {
  OPTIONAL MATCH (key)<-[:USED]-(s:SignIn) WHERE s.resultClass = 'success' AND s.firstSeen <= key.firstUsed
  WITH s ORDER BY s.key
  RETURN min(s.firstSeen) AS usedAt, head(collect(s.address)) AS address, coalesce(head(collect(s.sampleIds[..1])), []) AS uses
}
WITH *, CASE WHEN coalesce(o.ownerTenantId, subject.ownerTenantId, $tenantId) <> $tenantId THEN 'ownedElsewhere'
  WHEN apps = 0 OR unlisted THEN 'noFullStatement' WHEN NOT covered THEN 'auditNotCovered'
  WHEN coalesce(createdAt, subject.createdAt) > addedAt - duration($setUp) THEN 'newApplication' ELSE 'found' END AS state
RETURN CASE state WHEN 'found' THEN 'found' WHEN 'newApplication' THEN 'lead' ELSE 'notDecidable' END AS verdict,
  CASE state WHEN 'found' THEN null ELSE state END AS reason,
  subject, addedAt AS firstAt, coalesce(usedAt, addedAt) AS lastAt, changeEvents + uses AS evidence,
  CASE WHEN state <> 'found' THEN 'low' WHEN usedAt IS NULL THEN 'medium' ELSE 'high' END AS severity, 'high' AS confidence,
  $tenantId AS tenantId, o.objectId AS objectId, coalesce(key.keyId, key.key) AS credentialId, usedAt, address,
  CASE WHEN key.displayName IS NULL THEN key.caption ELSE 'Key "' + key.displayName + '"' END AS credential,
  coalesce(actor, 'someone the logs do not show') AS actor, coalesce(subject.name, subject.caption) AS principal,
  CASE WHEN usedAt IS NULL THEN '' ELSE '; it signed in' + coalesce(' from ' + address, '') END AS use
ORDER BY tenantId, objectId, credentialId
