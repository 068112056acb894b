/*
id: rename_around_credential_change
title: Rename around a change of credentials or power
description: >
  An application or service principal was renamed within days of a new key, a new owner, a new permission or role, or its
  first sign-in from a network that it had never used. The steps are told in the order of their times; a name that is
  taken back belongs to the rename that gave it away. Rules that go by display names lose the identity between the steps.
severity: medium
maturity: stable
needs: [AuditLogs, AADServicePrincipalSignInLogs]
params:
  around:
    default: P7D
    reason: A rename, a key and its first use that belong to one undertaking lie within about a week.
  baseline:
    default: P7D
    reason: An address says something only against the places an identity has used for a week before.
  delay:
    default: PT1H
    reason: Sign-ins show a former name for up to an hour after a rename.
  places:
    default: 3
    reason: A workload that came from more networks than this moves anyway; one more of them says nothing.
fingerprint: [tenantId, operationId, objectId, day]
subject: subject
sentence: "{principal} was renamed from \"{oldName}\" to \"{newName}\" by {actor}, close to {what}. In order: {steps}."
disproof: >
  The owner of the application planned the new name together with these changes, and every new key is used from the
  workload's own addresses.
attack: [T1036.005, T1098.001]
blind_spots:
  - A rename more than a week away from the other steps.
  - First uses of an address by a workload that has been signing in for less than a week, or from many networks.
  - A rename that is taken back between two sign-ins, while the audit log is not loaded.
false_positives:
  - A product that gets a new name in the week in which its yearly key is renewed.
references:
  - https://attack.mitre.org/techniques/T1098/001/
*/
CALL () {
  // Renames that an audit record states; the records of one operation are one rename.
  MATCH (old:Name)<-[was:RENAMED_FROM]-(c:Change {tenantId: $tenantId})-[became:RENAMED_TO]->(new:Name)
  WHERE was.objectKey = became.objectKey AND coalesce(c.result, 'success') = 'success' AND c.at IS NOT NULL
    AND toLower(trim(old.value)) <> toLower(trim(new.value))
  MATCH (o:DirectoryObject) WHERE o.key = became.objectKey AND (o:AppRegistration OR o:ServicePrincipal)
    AND NOT o:MicrosoftOwned
  OPTIONAL MATCH (o)-[:PART_OF]->(whole:Identity)
  OPTIONAL MATCH (c)<-[:MADE]-(a)
  WITH coalesce(whole, o) AS subject, c, o, a, old.value AS oldName, new.value AS newName ORDER BY c.at, c.eventId
  RETURN subject, coalesce(c.correlationId, c.eventId) AS operationId, null AS day, min(o.objectId) AS objectId,
    head(collect(oldName)) AS oldName, head(collect(newName)) AS newName, min(c.at) AS start, max(c.at) AS stop,
    collect(c.eventId) AS events, coalesce(max(a.userPrincipalName), max(a.name), max(a.caption)) AS actor,
    max(o.ownerTenantId) AS objectOwner
  UNION ALL
  // Two names of one object in time, and no record that says it was renamed.
  MATCH (n:Name {tenantId: $tenantId})<-[named:NAMED]-(o:DirectoryObject)
  WHERE named.basis IN ['signIn', 'inventory'] AND named.validFrom IS NOT NULL AND NOT o:MicrosoftOwned
  WITH o, named, n ORDER BY named.validFrom, named.validTo, n.value
  WITH o, collect({value: n.value, start: named.validFrom, stop: coalesce(named.validTo, named.validFrom),
    events: coalesce(named.eventIds, [])}) AS sightings
  WHERE size(sightings) > 1
  UNWIND range(1, size(sightings) - 1) AS place
  WITH o, sightings[place - 1] AS before, sightings[place] AS after
  WHERE toLower(trim(before.value)) <> toLower(trim(after.value))
  OPTIONAL MATCH (o)-[:PART_OF]->(whole:Identity)
  WITH coalesce(whole, o) AS subject, o, before, after
  WHERE NOT EXISTS {
    MATCH (subject)<-[:PART_OF*0..1]-(member:DirectoryObject)<-[:CHANGED]-(c:Change)-[became:RENAMED_TO]->(new:Name)
    WHERE became.objectKey = member.key AND new.value = after.value
      AND c.at >= before.start - duration($delay) AND c.at <= after.start + duration($delay)
  } AND NOT EXISTS {
    MATCH (subject)<-[:PART_OF*0..1]-(member:DirectoryObject)<-[:CHANGED]-(c:Change)-[was:RENAMED_FROM]->(former:Name)
    WHERE was.objectKey = member.key AND former.value = after.value
      AND c.at >= after.start - duration($delay) AND c.at <= after.start
  }
  WITH subject, o, before, after ORDER BY after.start, o.objectId
  RETURN subject, null AS operationId, toString(date(after.start)) AS day, min(o.objectId) AS objectId,
    head(collect(before.value)) AS oldName, after.value AS newName, max(before.stop) AS start, min(after.start) AS stop,
    reduce(all = [], ids IN collect(before.events + after.events) | all + ids) AS events,
    null AS actor, max(o.ownerTenantId) AS objectOwner
}
WITH * WHERE coalesce(subject.kind, 'unknown') <> 'microsoft'
  AND NOT EXISTS { MATCH (m:Application) WHERE m.appId = subject.appId AND m.microsoftOwned = true }
WITH * ORDER BY start, operationId, objectId, newName
WITH subject, collect({operationId: operationId, day: day, objectId: objectId, oldName: oldName, newName: newName,
  start: start, stop: stop, events: events, actor: actor, objectOwner: objectOwner}) AS every
// Of several objects of the identity that took on one name in the same time, the one that tells the time best counts.
WITH subject, [r IN every WHERE r.operationId IS NOT NULL OR none(q IN every WHERE q.objectId <> r.objectId
  AND toLower(trim(q.newName)) = toLower(trim(r.newName)) AND q.start >= r.start AND q.stop <= r.stop
  AND (q.start > r.start OR q.stop < r.stop OR q.objectId < r.objectId))] AS renames
UNWIND range(0, size(renames) - 1) AS place
WITH subject, renames[place] AS this,
  [r IN renames[..place] WHERE toLower(trim(r.oldName)) = toLower(trim(renames[place].newName))
    AND r.stop + duration($around) >= renames[place].start] AS undone,
  [r IN renames[place + 1..] WHERE toLower(trim(r.newName)) = toLower(trim(renames[place].oldName))
    AND renames[place].stop + duration($around) >= r.start] AS backs
// Taking a name back is told with the rename that gave it away.
WHERE size(undone) = 0
WITH subject, this, head(backs) AS back,
  this.start - duration($around) AS since, coalesce(head(backs).stop, this.stop) + duration($around) AS until
CALL (subject, since, until) {
  // New keys. The platform renews the certificate of a managed identity: its name is the identity's own client id.
  MATCH (subject)<-[:PART_OF*0..1]-(member:DirectoryObject)<-[:CHANGED]-(c:Change)-[added:ADDED]->(thing)
  WHERE added.objectKey = member.key AND c.at >= since AND c.at <= until AND coalesce(c.result, 'success') = 'success'
    AND NOT (member:ManagedIdentity AND toLower(coalesce(thing.displayName, '')) = 'cn=' + coalesce(member.appId, '?'))
  RETURN c.at AS at, CASE WHEN thing:Credential THEN 'key' ELSE 'owner' END AS kind,
    CASE WHEN thing:Credential THEN 'new key' ELSE 'new owner' END AS text, c.eventId AS id
  UNION ALL
  MATCH (subject)<-[:PART_OF*0..1]-(member:DirectoryObject)-[held:HOLDS]->(power)
  WHERE held.validFrom >= since AND held.validFrom <= until AND held.changeId IS NOT NULL
  RETURN held.validFrom AS at, 'power' AS kind, 'new permission or role ' + coalesce(power.caption, power.key) AS text,
    held.changeId AS id
  UNION ALL
  // The first success in a network, of an identity that has stayed in few of them for a while.
  MATCH (subject)<-[:PART_OF*0..1]-(member)-[seen:SEEN_FROM]->(ip:IPAddress)
  WHERE seen.firstSuccess IS NOT NULL
  WITH subject, since, until, coalesce(ip.network, ip.address) AS network, seen.firstSuccess AS at,
    ip.address AS address
  ORDER BY at, address
  WITH subject, since, until, network, head(collect({at: at, address: address})) AS first
  WITH subject, since, until, collect({network: network, at: first.at, address: first.address}) AS firsts
  UNWIND firsts AS one
  WITH subject, one, [f IN firsts WHERE f.at + duration($baseline) <= one.at] AS known, [f IN firsts WHERE f.at < one.at] AS earlier
  WHERE size(known) > 0 AND size(earlier) <= $places AND one.at >= since AND one.at <= until
  MATCH (subject)<-[:PART_OF*0..1]-(member)-[:SIGNED_IN]->(s:SignIn)
  WHERE s.firstSeen = one.at AND s.address = one.address AND s.resultClass = 'success'
  RETURN one.at AS at, 'address' AS kind, 'first sign-in from ' + one.address AS text, head(s.sampleIds) AS id
}
WITH subject, this, back, at, kind, text, id ORDER BY at, kind, text, id
WITH subject, this, back, collect({at: at, kind: kind, text: text, id: id}) AS companions
CALL (subject) {
  MATCH (subject)<-[:PART_OF*0..1]-(member)
  WITH member.createdAt AS createdAt, member.ownerTenantId AS ownerTenantId
  RETURN min(createdAt) AS createdAt, max(ownerTenantId) AS ownerTenantId
}
WITH *, [x IN companions | x.kind] AS kinds,
  [{at: this.stop, text: 'renamed to "' + this.newName + '"'}]
    + CASE WHEN back IS NULL THEN [] ELSE [{at: back.stop, text: 'renamed back to "' + back.newName + '"'}] END AS names
WITH *, CASE WHEN coalesce(this.objectOwner, ownerTenantId, $tenantId) <> $tenantId THEN 'renamedByPublisher'
  WHEN createdAt >= this.start - duration($around) THEN 'setUp' ELSE null END AS reason
UNWIND names + companions AS step
WITH subject, this, back, companions, kinds, reason, step ORDER BY step.at, step.text
WITH subject, this, back, companions, kinds, reason, collect(DISTINCT step.text) AS steps, min(step.at) AS firstStep,
  max(step.at) AS lastAt
RETURN CASE WHEN reason IS NULL THEN 'found' ELSE 'lead' END AS verdict, reason, subject,
  CASE WHEN this.start < firstStep THEN this.start ELSE firstStep END AS firstAt, lastAt,
  this.events + coalesce(back.events, []) + [x IN companions | x.id] AS evidence,
  CASE WHEN reason IS NOT NULL THEN 'info' WHEN 'key' IN kinds THEN 'high'
    WHEN 'owner' IN kinds OR 'power' IN kinds THEN 'medium' ELSE 'low' END AS severity,
  CASE WHEN this.operationId IS NULL THEN 'high' ELSE 'exact' END AS confidence,
  $tenantId AS tenantId, this.operationId AS operationId, this.objectId AS objectId, this.day AS day,
  this.oldName AS oldName, this.newName AS newName, back IS NOT NULL AS renamedBack, steps,
  coalesce('Application ' + subject.appId, 'Object ' + this.objectId) AS principal,
  coalesce(this.actor, 'someone the logs do not show') AS actor,
  [x IN ['key', 'owner', 'power', 'address'] WHERE x IN kinds |
    CASE x WHEN 'key' THEN 'a new key' WHEN 'owner' THEN 'a new owner' WHEN 'power' THEN 'a new permission or role'
      ELSE 'a first sign-in from another network' END] AS what
ORDER BY tenantId, operationId, objectId, day
