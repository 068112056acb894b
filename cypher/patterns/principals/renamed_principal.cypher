/*
id: renamed_principal
title: Renamed principal
description: >
  An application or service principal whose name changed: old name, new name, when, by whom, and how that is known. One
  finding for the application and the service principal of one operation. Detection that goes by display names loses
  sight of an identity at this moment.
severity: low
maturity: stable
needs: [AuditLogs, AADServicePrincipalSignInLogs, AADManagedIdentitySignInLogs]
params:
  around:
    default: P7D
    reason: New keys, owners and grants within a week before or after a rename are read as one undertaking.
fingerprint: [tenantId, operationId, objectId, day]
subject: subject
sentence: "{principal} was renamed from \"{oldName}\" to \"{newName}\" by {actor}{place}; known from {basis}.{around}"
disproof: >
  The owner of the application announced the new name, and the keys, owners and grants around it are theirs.
attack: [T1036.005, T1098]
blind_spots:
  - A rename that is taken back between two sign-ins, while the audit log is not loaded, is not seen.
  - Names of applications that another tenant owns change without an event here.
false_positives:
  - A product that gets a new name.
references: []
*/
CALL () {
  // Renames that an audit record states, with the exact time.
  MATCH (old:Name)<-[was:RENAMED_FROM]-(c:Change {tenantId: $tenantId})-[became:RENAMED_TO]->(new:Name)
  WHERE was.objectKey = became.objectKey AND coalesce(c.result, 'success') = 'success'
    AND toLower(trim(old.value)) <> toLower(trim(new.value))
  MATCH (o:DirectoryObject) WHERE o.key = became.objectKey AND (o:AppRegistration OR o:ServicePrincipal)
    AND NOT o:MicrosoftOwned
  OPTIONAL MATCH (o)-[:PART_OF]->(whole:Identity)
  OPTIONAL MATCH (a)-[:MADE]->(c)
  OPTIONAL MATCH (c)-[:FROM]->(ip:IPAddress)
  WITH coalesce(whole, o) AS subject, c, o, a, ip, old.value AS oldName, new.value AS newName
  ORDER BY c.at, c.eventId
  RETURN subject, coalesce(c.correlationId, c.eventId) AS operationId, null AS day, min(o.objectId) AS objectId,
    head(collect(oldName)) AS oldName, head(collect(newName)) AS newName,
    min(c.at) AS firstAt, max(c.at) AS lastAt, collect(c.eventId) AS evidence,
    coalesce(max(a.userPrincipalName), max(a.name), max(a.caption)) AS actor, max(ip.address) AS address,
    'the audit log' AS basis, 'exact' AS confidence, max(o.ownerTenantId) AS objectOwner
  UNION ALL
  // Two names of one object in time, and no record that says it was renamed.
  MATCH (o:DirectoryObject {tenantId: $tenantId})-[named:NAMED]->(n:Name)
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
  // Sign-ins show a new name late, never early: any rename to it since the old name was first seen explains it.
  WHERE NOT EXISTS {
    MATCH (subject)<-[:PART_OF*0..1]-(member:DirectoryObject)<-[:CHANGED]-(c:Change)-[became:RENAMED_TO]->(new:Name)
    WHERE became.objectKey = member.key AND new.value = after.value
      AND c.at >= before.start AND c.at <= after.start + duration('PT1H')
  }
  // The former name that shows once more while the new one spreads.
  AND NOT EXISTS {
    MATCH (subject)<-[:PART_OF*0..1]-(member:DirectoryObject)<-[:CHANGED]-(c:Change)-[was:RENAMED_FROM]->(former:Name)
    WHERE was.objectKey = member.key AND former.value = after.value
      AND c.at >= after.start - duration('PT1H') AND c.at <= after.start
  }
  WITH subject, o, before, after ORDER BY after.start, o.objectId
  // Of several objects of the identity that took on one name in the same time, the one that tells the time best counts.
  WITH subject, collect({objectId: o.objectId, ownerTenantId: o.ownerTenantId, name: toLower(trim(after.value)),
    since: before.stop, until: after.start, before: before, after: after}) AS every
  UNWIND every AS this
  WITH subject, this WHERE none(q IN every WHERE q.objectId <> this.objectId AND q.name = this.name
    AND q.since >= this.since AND q.until <= this.until
    AND (q.since > this.since OR q.until < this.until OR q.objectId < this.objectId))
  WITH subject, this, this.before AS before, this.after AS after ORDER BY after.start, this.objectId
  RETURN subject, null AS operationId, toString(date(after.start)) AS day, min(this.objectId) AS objectId,
    head(collect(before.value)) AS oldName, after.value AS newName,
    max(before.stop) AS firstAt, min(after.start) AS lastAt,
    reduce(all = [], ids IN collect(before.events + after.events) | all + ids) AS evidence,
    null AS actor, null AS address,
    CASE max(after.basis) WHEN 'signIn' THEN 'the names in sign-ins' ELSE 'inventories' END AS basis,
    'high' AS confidence, max(this.ownerTenantId) AS objectOwner
}
WITH *, coalesce(objectOwner, subject.ownerTenantId, $tenantId) AS owner
WHERE coalesce(subject.kind, 'unknown') <> 'microsoft'
  AND NOT EXISTS { MATCH (m:Application) WHERE m.appId = subject.appId AND m.microsoftOwned = true }
// What else happened to any object of the identity.
CALL (subject, firstAt, lastAt) {
  OPTIONAL MATCH (subject)<-[:PART_OF*0..1]-(member:DirectoryObject)<-[:CHANGED]-(c:Change)
  WHERE c.at >= firstAt - duration($around) AND c.at <= lastAt + duration($around)
    AND coalesce(c.result, 'success') = 'success'
  OPTIONAL MATCH (c)-[added:ADDED]->(thing) WHERE added.objectKey = member.key
  OPTIONAL MATCH (c)-[:GRANTED]->(granted)
  RETURN
    collect(DISTINCT CASE WHEN thing:Credential THEN c.eventId END) AS keyEvents,
    collect(DISTINCT CASE WHEN thing:DirectoryObject THEN c.eventId END) AS ownerEvents,
    collect(DISTINCT CASE WHEN granted IS NOT NULL THEN c.eventId END) AS grantEvents
}
WITH *, CASE WHEN owner <> $tenantId THEN 'lead' ELSE 'found' END AS verdict,
  size(keyEvents) + size(ownerEvents) + size(grantEvents) > 0 AS more
RETURN verdict, CASE verdict WHEN 'lead' THEN 'renamedByPublisher' ELSE null END AS reason,
  subject, firstAt, lastAt, evidence + keyEvents + ownerEvents + grantEvents AS evidence,
  CASE WHEN verdict = 'lead' THEN 'info' WHEN more THEN 'high' ELSE 'low' END AS severity, confidence,
  $tenantId AS tenantId, operationId, objectId, day, oldName, newName, address, basis,
  size(keyEvents) AS credentialChanges, size(ownerEvents) AS ownerChanges, size(grantEvents) AS grantChanges,
  CASE verdict WHEN 'lead' THEN 'its publisher' ELSE coalesce(actor, 'someone the logs do not show') END AS actor,
  coalesce('Application ' + subject.appId, 'Object ' + objectId) AS principal,
  coalesce(' from ' + address, '') AS place,
  CASE WHEN more THEN ' Around it:' +
    CASE WHEN size(keyEvents) > 0 THEN ' new credential.' ELSE '' END +
    CASE WHEN size(ownerEvents) > 0 THEN ' new owner.' ELSE '' END +
    CASE WHEN size(grantEvents) > 0 THEN ' new permission or role.' ELSE '' END ELSE '' END AS around
ORDER BY tenantId, operationId, objectId, day
