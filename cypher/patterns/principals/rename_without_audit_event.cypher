/*
id: rename_without_audit_event
title: Rename without an audit event
description: >
  Sign-ins or inventories show two names of one object, one after the other, and the audit log, which is complete in
  between, holds no rename of any object of the identity. Either a record was kept from the log, or the name was changed
  in a way that the log does not show. Where a record says that the name was updated, and not to what, it cannot be decided.
  Applications that another tenant owns are left out: their publisher renames them without an event here.
severity: medium
maturity: stable
needs: [AuditLogs, AADServicePrincipalSignInLogs, AADManagedIdentitySignInLogs]
params:
  delay:
    default: PT1H
    reason: Sign-ins show a former name for up to an hour after a rename.
  settling:
    default: PT2H
    reason: Audit records may arrive two hours late; until then their absence says nothing.
fingerprint: [tenantId, objectId, day]
subject: subject
sentence: "{principal} was called \"{oldName}\" until {firstAt} and \"{newName}\" from {lastAt} on (known from {basis}), and {conclusion}."
disproof: >
  The rename is found in the portal's own audit log, which shows that the export has lost records.
attack: [T1036.005, T1562.008]
blind_spots:
  - A rename that is taken back before the next sign-in.
  - Applications that another tenant owns.
  - A rename from one application object to another name while its service principal keeps the old one.
false_positives:
  - An export of the audit log that loses records without leaving a gap.
references:
  - https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities
*/
MATCH (n:Name {tenantId: $tenantId})<-[named:NAMED]-(o:DirectoryObject)
WHERE named.basis IN ['signIn', 'inventory'] AND named.validFrom IS NOT NULL AND NOT o:MicrosoftOwned
WITH o, named, n ORDER BY named.validFrom, named.validTo, n.value
WITH o, collect({value: n.value, start: named.validFrom, stop: coalesce(named.validTo, named.validFrom),
  basis: named.basis, events: coalesce(named.eventIds, [])}) AS sightings
WHERE size(sightings) > 1
UNWIND range(1, size(sightings) - 1) AS place
WITH o, sightings[place - 1] AS before, sightings[place] AS after
WHERE toLower(trim(before.value)) <> toLower(trim(after.value))
OPTIONAL MATCH (o)-[:PART_OF]->(whole:Identity)
WITH coalesce(whole, o) AS subject, o, before, after
WHERE coalesce(subject.kind, 'unknown') <> 'microsoft'
  AND NOT EXISTS { MATCH (m:Application) WHERE m.appId = subject.appId AND m.microsoftOwned = true }
  // A rename of any object of the identity to the new name explains it. Sign-ins follow within the delay.
  AND NOT EXISTS {
    MATCH (subject)<-[:PART_OF*0..1]-(member:DirectoryObject)<-[:CHANGED]-(c:Change)-[became:RENAMED_TO]->(new:Name)
    WHERE became.objectKey = member.key AND toLower(trim(new.value)) = toLower(trim(after.value))
      AND c.at >= before.start - duration($delay) AND c.at <= after.start + duration($delay)
  }
  // The former name that shows once more while the new one spreads.
  AND NOT EXISTS {
    MATCH (subject)<-[:PART_OF*0..1]-(member:DirectoryObject)<-[:CHANGED]-(c:Change)-[was:RENAMED_FROM]->(former:Name)
    WHERE was.objectKey = member.key AND toLower(trim(former.value)) = toLower(trim(after.value))
      AND c.at >= after.start - duration($delay) AND c.at <= after.start
  }
WITH subject, o, before, after ORDER BY after.start, before.stop, o.objectId, after.value
// Of several objects of the identity that took on one name in the same time, the one that tells the time best counts.
WITH subject, collect({objectId: o.objectId, managed: o:ManagedIdentity, ownerTenantId: o.ownerTenantId, name: toLower(trim(after.value)),
  since: before.stop, until: after.start, before: before, after: after}) AS every
UNWIND every AS this
WITH subject, this WHERE none(q IN every WHERE q.objectId <> this.objectId AND q.name = this.name
  AND q.since >= this.since AND q.until <= this.until
  AND (q.since > this.since OR q.until < this.until OR q.objectId < this.objectId))
WITH subject, this, this.before AS before, this.after AS after
CALL (subject) {
  MATCH (subject)<-[:PART_OF*0..1]-(member)
  RETURN max(member.ownerTenantId) AS ownerTenantId, max(CASE WHEN member:AppRegistration THEN 1 ELSE 0 END) AS registered
}
WITH *, CASE WHEN registered = 1 OR this.managed THEN $tenantId ELSE coalesce(this.ownerTenantId, ownerTenantId) END AS owner
WHERE coalesce(owner, $tenantId) = $tenantId
WITH *, before.stop - duration($delay) AS since, after.start AS until
CALL (since, until) {
  OPTIONAL MATCH (l:LogSource {tenantId: $tenantId})
  WHERE l.source = 'AuditLogs' AND l.firstSeen <= since AND l.lastSeen >= until
  OPTIONAL MATCH (l)-[:HAS_GAP]->(g:Gap) WHERE g.start < until AND g.end > since
  WITH l, count(g) AS gaps
  RETURN max(CASE WHEN l IS NOT NULL AND gaps = 0 THEN 1 ELSE 0 END) = 1 AS covered
}
// A record that tells that the name was updated, and not to what, may be the rename.
CALL (subject, since, until) {
  MATCH (subject)<-[:PART_OF*0..1]-(member:DirectoryObject)<-[changed:CHANGED]-(c:Change)
  WHERE changed.nameUnshown AND c.at >= since AND c.at <= until + duration($delay)
  WITH DISTINCT c.eventId AS eventId ORDER BY eventId
  RETURN collect(eventId) AS unshown
}
WITH *, CASE WHEN owner IS NULL THEN 'ownedElsewhere'
    WHEN until + duration($settling) > $asOf THEN 'tooRecent'
    WHEN NOT covered THEN 'auditNotCovered'
    WHEN size(unshown) > 0 THEN 'noFullStatement' ELSE null END AS reason
WITH subject, this, before, after, reason, unshown ORDER BY after.start, after.value
WITH subject, this.objectId AS objectId, toString(date(after.start)) AS day, reason,
  head(collect(before.value)) AS oldName, head(collect(after.value)) AS newName, head(collect(after.basis)) AS source,
  min(before.stop) AS firstAt, min(after.start) AS lastAt,
  reduce(all = [], ids IN collect(before.events + after.events + unshown) | all + ids) AS evidence
RETURN CASE WHEN reason IS NULL THEN 'found' ELSE 'notDecidable' END AS verdict, reason, subject, firstAt, lastAt, evidence,
  'high' AS confidence, $tenantId AS tenantId, objectId, day, oldName, newName,
  CASE source WHEN 'signIn' THEN 'the names in sign-ins' ELSE 'inventories' END AS basis,
  coalesce('Application ' + subject.appId, 'Object ' + objectId) AS principal,
  CASE WHEN reason IS NULL THEN 'the audit log, complete in between, holds no rename'
    WHEN reason = 'ownedElsewhere' THEN 'no record says whether this tenant owns it'
    WHEN reason = 'noFullStatement' THEN 'a record of the audit log says that the name was updated, and not to what'
    ELSE 'the audit log does not cover the time in between' END AS conclusion
ORDER BY tenantId, objectId, day
