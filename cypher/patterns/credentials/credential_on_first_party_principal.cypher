/*
id: credential_on_first_party_principal
title: Credential on a principal of Microsoft
description: >
  A key or federated credential was added to the service principal of an application that Microsoft owns. Microsoft's
  own applications need none from a customer; such a key lets its holder act with their permissions. Ownership is known
  by tenant id and app id, never by name.
severity: high
maturity: stable
needs: [AuditLogs]
params: {}
fingerprint: [tenantId, objectId, credentialId]
subject: subject
sentence: "{credential} was added to {principal}, an application of Microsoft, by {actor} at {firstAt}{use}."
disproof: >
  Documentation of Microsoft asks for a key on exactly this service principal, and its owner followed it.
attack: [T1098.001]
blind_spots:
  - An application of Microsoft that neither its owner tenant nor the list of first-party applications shows.
  - A key that was on the principal before the audit log begins.
false_positives:
  - Hybrid set-ups that upload a certificate to a service principal of Microsoft, as Exchange hybrid did for years.
references:
  - https://attack.mitre.org/techniques/T1098/001/
*/
MATCH (key:Credential {tenantId: $tenantId})<-[added:ADDED]-(c:Change)-[:CHANGED]->(o:ServicePrincipal)
WHERE o.key = added.objectKey AND coalesce(c.result, 'success') = 'success'
  AND (o:MicrosoftOwned OR EXISTS { MATCH (o)-[:INSTANCE_OF]->(app:Application) WHERE app.microsoftOwned = true })
OPTIONAL MATCH (o)-[:PART_OF]->(whole:Identity)
OPTIONAL MATCH (c)<-[:MADE]-(a)
WITH key, o, coalesce(whole, o) AS subject, c, a ORDER BY c.at, c.eventId
WITH key, o, subject, collect(DISTINCT c.eventId) AS changeEvents, min(c.at) AS addedAt, head(collect(a)) AS actor
CALL (key, addedAt) {
  OPTIONAL MATCH (key)<-[:USED]-(s:SignIn) WHERE s.resultClass = 'success'
  WITH s ORDER BY s.firstSeen, s.key
  RETURN min(s.firstSeen) AS usedAt, head(collect(s.address)) AS address, coalesce(head(collect(s.sampleIds)), []) AS uses
}
// Microsoft's services look after each other's principals; one that was given a key itself is no such service any more.
CALL (actor) {
  OPTIONAL MATCH (actor)<-[:CHANGED]-(before:Change)-[e:ADDED]->(:Credential) WHERE e.objectKey = actor.key
  WITH actor, count(before) AS rekeyings
  OPTIONAL MATCH (actor)-[:INSTANCE_OF]->(app:Application) WHERE app.microsoftOwned = true
  WITH actor, rekeyings, count(app) AS apps
  RETURN max(CASE WHEN rekeyings = 0 AND (apps > 0 OR actor:MicrosoftOwned) THEN 1 ELSE 0 END) = 1 AS platform
}
WITH *, CASE WHEN platform THEN 'lead' ELSE 'found' END AS verdict
RETURN verdict, CASE verdict WHEN 'lead' THEN 'addedByMicrosoft' ELSE null END AS reason, subject,
  addedAt AS firstAt, coalesce(usedAt, addedAt) AS lastAt, changeEvents + uses AS evidence,
  CASE WHEN verdict = 'lead' THEN 'info' WHEN usedAt IS NULL THEN 'high' ELSE 'critical' END AS severity, 'exact' AS confidence,
  $tenantId AS tenantId, o.objectId AS objectId, coalesce(key.keyId, key.federatedId, key.thumbprint, key.key) AS credentialId,
  usedAt, address, CASE WHEN key.displayName IS NULL THEN key.caption ELSE 'Key "' + key.displayName + '"' END AS credential,
  coalesce(actor.userPrincipalName, actor.name, actor.caption, 'someone the logs do not show') AS actor,
  coalesce(subject.name, subject.caption) AS principal,
  CASE WHEN usedAt IS NULL THEN '' ELSE ', and signed in' + coalesce(' from ' + address, '') END AS use
ORDER BY tenantId, objectId, credentialId
