/*
id: high_risk_consent
title: Consent to high-risk permissions
description: >
  An application was given permissions that the risk list calls high – application permissions, delegated permissions for
  everybody, or a consent by an administrator – by identity, actor and day. The records of one consent are one finding.
severity: high
maturity: stable
needs: [AuditLogs]
params: {}
fingerprint: [tenantId, principalId, actorId, day]
subject: subject
sentence: "{actor} gave {principal} {permissions}{how} on {day}{remark}."
disproof: >
  The application's owner asked for these permissions, and an administrator reviewed them.
attack: [T1098.003, T1528]
blind_spots:
  - Permissions that neither the built-in nor the operator's risk list names.
  - Consent of a single user to permissions on that user's own data.
  - Roles of the directory and of Azure; `grant_then_use` looks at those.
false_positives:
  - Backup, migration and security products, which need such permissions.
references:
  - https://learn.microsoft.com/graph/permissions-reference
*/
MATCH (power:Permission) WHERE power.risk = 'high'
MATCH (power)<-[given:GRANTED]-(c:Change)
WHERE c.tenantId = $tenantId AND c.at IS NOT NULL AND coalesce(c.result, 'success') = 'success'
  AND (given.consentType IN ['application', 'allPrincipals'] OR power.kind = 'application' OR c.adminConsent = true)
MATCH (c)-[:CHANGED]->(grantee:DirectoryObject) WHERE NOT grantee:User AND NOT grantee:AppRegistration
OPTIONAL MATCH (grantee)-[:PART_OF]->(whole:Identity)
OPTIONAL MATCH (c)<-[:MADE]-(by)
WITH coalesce(whole, grantee) AS subject, grantee, by, c, power, given ORDER BY power.value, power.key, c.at, c.eventId
WITH subject, by, toString(date(c.at)) AS day, min(grantee.objectId) AS objectId, min(c.at) AS firstAt, max(c.at) AS lastAt,
  collect(DISTINCT c.eventId) AS evidence, collect(DISTINCT coalesce(power.value, power.caption)) AS permissions,
  max(CASE WHEN power.kind = 'application' THEN 1 ELSE 0 END) AS asApplication,
  max(CASE WHEN given.consentType = 'allPrincipals' THEN 1 ELSE 0 END) AS forAll, max(grantee.ownerTenantId) AS granteeOwner
WITH *, coalesce(granteeOwner, subject.ownerTenantId, $tenantId) AS owner
RETURN 'found' AS verdict, null AS reason, subject, firstAt, lastAt, evidence,
  CASE WHEN asApplication = 1 OR forAll = 1 THEN 'high' ELSE 'medium' END AS severity, 'exact' AS confidence,
  $tenantId AS tenantId, coalesce(subject.appId, objectId) AS principalId, by.objectId AS actorId, day, permissions,
  coalesce(subject.name, subject.caption) AS principal,
  coalesce(by.userPrincipalName, by.name, by.caption, 'Someone the logs do not show') AS actor,
  CASE WHEN asApplication = 1 THEN ' as an application' WHEN forAll = 1 THEN ' on behalf of everybody'
    ELSE ' by an administrator\'s consent' END AS how,
  CASE WHEN owner <> $tenantId THEN '; the application belongs to tenant ' + owner ELSE '' END AS remark
ORDER BY tenantId, principalId, actorId, day
