/*
id: look_alike_name
title: Name that looks like a trusted one
description: >
  An application or service principal bears a name that looks like that of one of Microsoft's own applications, or of a
  privileged application of another owner: equal once case, blanks, invisible characters, letters of other alphabets and
  confusable digits are folded. Whoever reads the name in a portal or an alert takes one for the other.
severity: medium
maturity: stable
needs: [AuditLogs, AADServicePrincipalSignInLogs]
params: {}
fingerprint: [tenantId, principalId, modelAppId]
subject: subject
sentence: "{principal} is called \"{name}\", which looks like \"{model}\" ({whose}, application {modelAppId}){remark}."
disproof: >
  The owner of the application chose the name for a reason of its own, and nobody takes it for the other.
attack: [T1036.005]
blind_spots:
  - Microsoft's applications that neither the built-in list nor the operator's list names.
  - Names that are similar but not equal once folded, such as an added word.
false_positives:
  - An application of one's own that was named after the service that it talks to.
references:
  - https://attack.mitre.org/techniques/T1036/005/
*/
CALL () {
  // Microsoft's own, by the list.
  MATCH (a:Application) WHERE a.skeleton IS NOT NULL AND a.microsoftOwned = true
  MATCH (n:Name) WHERE n.skeleton = a.skeleton
  RETURN n, a.appId AS modelAppId, a.name AS model, null AS modelOwner, 'Microsoft' AS whose
  UNION ALL
  // Service principals of this tenant with high-risk permissions or roles.
  MATCH (power:Permission|DirectoryRole|AzureRole)<-[:HOLDS]-(m:ServicePrincipal)-[:NAMED]->(known:Name)
  WHERE power.risk = 'high' AND m.tenantId = $tenantId AND m.appId IS NOT NULL AND NOT m:MicrosoftOwned
  WITH DISTINCT m, known
  MATCH (n:Name) WHERE n.skeleton = known.skeleton
  RETURN n, m.appId AS modelAppId, known.value AS model, coalesce(m.ownerTenantId, $tenantId) AS modelOwner,
    'privileged' AS whose
}
WITH n, modelAppId, model, modelOwner, whose WHERE n.tenantId = $tenantId
MATCH (n)<-[named:NAMED]-(o:DirectoryObject)
WHERE coalesce(o.appId, '') <> modelAppId AND NOT o:MicrosoftOwned
OPTIONAL MATCH (o)-[:PART_OF]->(whole:Identity)
WITH coalesce(whole, o) AS subject, o, named, n, modelAppId, model, modelOwner, whose
WHERE coalesce(subject.kind, 'unknown') <> 'microsoft'
  AND NOT EXISTS { MATCH (x:Application) WHERE x.appId = subject.appId AND x.microsoftOwned = true }
CALL (subject) {
  MATCH (subject)<-[:PART_OF*0..1]-(member)
  RETURN max(member.ownerTenantId) AS ownerTenantId, max(CASE WHEN member:AppRegistration THEN 1 ELSE 0 END) AS registered
}
WITH *, CASE WHEN registered = 1 OR o:ManagedIdentity THEN $tenantId ELSE coalesce(o.ownerTenantId, ownerTenantId) END AS owner
// Two applications of one owner may share a name.
WHERE owner IS NULL OR modelOwner IS NULL OR owner <> modelOwner
WITH * ORDER BY named.validFrom, named.key, n.value, model, o.objectId
WITH subject, modelAppId, whose, max(owner) AS owner, head(collect(model)) AS model, head(collect(n.value)) AS name,
  min(o.objectId) AS objectId, min(coalesce(named.validFrom, named.validTo)) AS firstAt,
  max(coalesce(named.validTo, o.lastSeen, named.validFrom)) AS lastAt,
  reduce(all = [], ids IN collect(coalesce(named.eventIds, [])) | all + ids) AS evidence
RETURN CASE WHEN owner IS NULL THEN 'notDecidable' ELSE 'found' END AS verdict,
  CASE WHEN owner IS NULL THEN 'ownedElsewhere' ELSE null END AS reason, subject, firstAt, lastAt, evidence[..20] AS evidence,
  'high' AS confidence, $tenantId AS tenantId, coalesce(subject.appId, objectId) AS principalId, modelAppId, name, model,
  CASE whose WHEN 'Microsoft' THEN 'one of Microsoft\'s own' ELSE 'a privileged one of another owner' END AS whose,
  coalesce('Application ' + subject.appId, 'Object ' + objectId) AS principal,
  CASE WHEN owner IS NULL THEN '; no record says who owns it' WHEN owner = $tenantId THEN '; it belongs to this tenant'
    ELSE '; it belongs to tenant ' + owner END AS remark
ORDER BY tenantId, principalId, modelAppId
