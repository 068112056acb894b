/*
id: name_mismatch_at_sign_in
title: Sign-in under a name that was not valid
description: >
  A sign-in shows a name that, by the audit log, neither the service principal nor its application object had at that
  time, longer after the last rename than a new name needs to spread. Either a rename is missing from the audit log, or
  the record of the sign-in is not what it claims to be. Where only the application object was renamed it is a lead: its
  service principal follows as a rule, but may bear a name of its own.
severity: medium
maturity: stable
needs: [AuditLogs, AADServicePrincipalSignInLogs]
params:
  delay:
    default: PT1H
    reason: Sign-ins show a former name for up to an hour after a rename.
fingerprint: [tenantId, objectId, day]
subject: subject
sentence: "{principal} signed in as \"{shownName}\" until {lastAt}, although the audit log says that it has been called \"{validName}\" since {since}{remark}."
disproof: >
  The rename is found in the portal's own audit log, or the log of sign-ins is known to lag behind by more than an hour.
attack: [T1036.005, T1562.008]
blind_spots:
  - Names that no record of a creation or rename states; `rename_without_audit_event` compares sign-ins with sign-ins.
  - A name that another object of the same identity had at the time.
  - Applications that another tenant owns, which are renamed without an event here.
false_positives:
  - A rename that a sign-in server learns of late.
references: []
*/
// Names by the audit log, from the record of a creation or rename on.
MATCH (valid:Name {tenantId: $tenantId})<-[named:NAMED]-(o:DirectoryObject)
WHERE named.basis = 'audit' AND named.validFrom IS NOT NULL AND NOT o:MicrosoftOwned
OPTIONAL MATCH (o)-[:PART_OF]->(whole:Identity)
WITH coalesce(whole, o) AS subject, o, valid, named
WHERE coalesce(subject.kind, 'unknown') <> 'microsoft'
  AND NOT EXISTS { MATCH (m:Application) WHERE m.appId = subject.appId AND m.microsoftOwned = true }
MATCH (subject)<-[:PART_OF*0..1]-(p:ServicePrincipal)-[shown:NAMED]->(other:Name)
WHERE shown.basis = 'signIn' AND toLower(trim(other.value)) <> toLower(trim(valid.value))
  AND shown.validTo > named.validFrom + duration($delay)
  AND (named.validTo IS NULL OR shown.validFrom < named.validTo)
WITH subject, o, p, valid, named, shown, other,
  CASE WHEN shown.validFrom > named.validFrom + duration($delay) THEN shown.validFrom
    ELSE named.validFrom + duration($delay) END AS wrongFrom
// Another object of the identity, or the same one at another time, had the name by the audit log.
WHERE NOT EXISTS {
  MATCH (subject)<-[:PART_OF*0..1]-(member:DirectoryObject)-[own:NAMED]->(same:Name)
  WHERE own.basis = 'audit' AND toLower(trim(same.value)) = toLower(trim(other.value))
    AND (own.validFrom IS NULL OR own.validFrom <= wrongFrom + duration($delay))
    AND (own.validTo IS NULL OR own.validTo + duration($delay) > wrongFrom)
}
CALL (subject) {
  MATCH (subject)<-[:PART_OF*0..1]-(member)
  RETURN max(member.ownerTenantId) AS ownerTenantId, max(CASE WHEN member:AppRegistration THEN 1 ELSE 0 END) AS registered
}
WITH *, CASE WHEN registered = 1 OR p:ManagedIdentity THEN $tenantId ELSE coalesce(p.ownerTenantId, ownerTenantId) END AS owner
WHERE coalesce(owner, $tenantId) = $tenantId
// A rename may be in a hole of the audit log.
CALL (named, wrongFrom) {
  WITH named.validFrom AS since, wrongFrom AS until
  OPTIONAL MATCH (l:LogSource {tenantId: $tenantId})
  WHERE l.source = 'AuditLogs' AND l.firstSeen <= since AND l.lastSeen >= until
  OPTIONAL MATCH (l)-[:HAS_GAP]->(g:Gap) WHERE g.start < until AND g.end > since
  WITH l, count(g) AS gaps
  RETURN max(CASE WHEN l IS NOT NULL AND gaps = 0 THEN 1 ELSE 0 END) = 1 AS covered
}
WITH *, CASE WHEN owner IS NULL THEN 'ownedElsewhere' WHEN NOT covered THEN 'auditNotCovered' ELSE null END AS reason
// The records of one operation state the valid name twice.
WITH * ORDER BY named.validFrom, named.key, wrongFrom
WITH subject, p.objectId AS objectId, toString(date(wrongFrom)) AS day, reason, shown, other.value AS shownName,
  head(collect(valid.value)) AS validName, max(named.validFrom) AS since, min(wrongFrom) AS firstAt,
  collect(named.changeId) AS changes, max(CASE WHEN o.objectId = p.objectId THEN 1 ELSE 0 END) = 1 AS ofPrincipal
WITH *, CASE WHEN firstAt > shown.validTo THEN firstAt ELSE shown.validTo END AS lastAt ORDER BY firstAt, shownName
RETURN CASE WHEN reason IS NOT NULL THEN 'notDecidable' WHEN ofPrincipal THEN 'found' ELSE 'lead' END AS verdict,
  CASE WHEN reason IS NULL AND NOT ofPrincipal THEN 'applicationObjectOnly' ELSE reason END AS reason,
  subject, firstAt, lastAt, CASE WHEN reason IS NULL AND ofPrincipal THEN 'medium' ELSE 'low' END AS severity,
  coalesce(shown.eventIds, []) + changes AS evidence, 'high' AS confidence,
  $tenantId AS tenantId, objectId, day, shownName, validName, since,
  coalesce('Application ' + subject.appId, 'Object ' + objectId) AS principal,
  CASE WHEN reason IS NOT NULL THEN ' (the logs cannot tell: ' + reason + ')' WHEN ofPrincipal THEN ''
    ELSE '; that was its application object alone' END AS remark
ORDER BY tenantId, objectId, day
