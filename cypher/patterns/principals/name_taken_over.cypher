/*
id: name_taken_over
title: Name taken over by another application
description: >
  An application or service principal is given a name that belonged to another identity until shortly before (or shortly
  after): the former bearer was renamed away or deleted, and the heir has another app id. Whoever goes by names takes the
  heir for the former one. Applications that have always had one name are left alone, and so is an identity that gets its
  own name back. An owner who deletes an application and creates it again is the business of `recreated_principal`.
severity: medium
maturity: stable
needs: [AuditLogs, AADServicePrincipalSignInLogs]
params:
  within:
    default: P30D
    reason: A name that has been free for longer than the audit log is commonly kept is used again by chance.
  overlap:
    default: P1D
    reason: The heir may take the name a little before the former bearer gives it up.
  settled:
    default: P7D
    reason: An owner who was added within the week before may belong to the same undertaking.
fingerprint: [tenantId, heirId, formerId, day]
subject: subject
sentence: "The name \"{name}\" of application {formerId}, {given}, was taken by {heirId} on {day}{actor}."
disproof: >
  The owner of both applications planned the change, and the heir does the work of the former one.
attack: [T1036.005]
blind_spots:
  - Names that differ in more than case and surrounding blanks; `look_alike_name` compares look-alikes with known names.
  - A former bearer whose rename or deletion is in no log.
false_positives:
  - A successor that is put in the place of an old application by its owner.
references:
  - https://attack.mitre.org/techniques/T1036/005/
*/
CALL () {
  // A record gave the name: creation or rename.
  MATCH (n:Name {tenantId: $tenantId})<-[got:NAMED]-(heir:DirectoryObject)
  WHERE got.changeId IS NOT NULL AND got.validFrom IS NOT NULL AND NOT heir:MicrosoftOwned
  RETURN n, heir, got.validFrom AS at, got.changeId AS changeId, coalesce(got.eventIds, []) AS events
  UNION ALL
  // Sign-ins that had shown another name before.
  MATCH (n:Name {tenantId: $tenantId})<-[got:NAMED]-(heir:DirectoryObject)-[before:NAMED]->(other:Name)
  WHERE got.basis = 'signIn' AND before.basis = 'signIn' AND before.validTo <= got.validFrom
    AND toLower(trim(other.value)) <> toLower(trim(n.value)) AND NOT heir:MicrosoftOwned
  RETURN DISTINCT n, heir, got.validFrom AS at, null AS changeId, coalesce(got.eventIds, []) AS events
}
// Other objects that bore the name before.
MATCH (n)<-[had:NAMED]-(former:DirectoryObject)
WHERE former.key <> heir.key AND (had.validFrom IS NULL OR had.validFrom < at) AND NOT former:MicrosoftOwned
WITH n, heir, at, changeId, events, former, had,
  CASE WHEN had.basis = 'audit' THEN had.validTo
    WHEN EXISTS {
      MATCH (former)-[later:NAMED]->(m:Name)
      WHERE later.validFrom >= had.validTo AND toLower(trim(m.value)) <> toLower(trim(n.value))
    } THEN had.validTo ELSE null END AS renamedAt
WITH *, coalesce(renamedAt, former.deletedAt) AS givenAt
WHERE givenAt <= at + duration($overlap) AND givenAt >= at - duration($within)
OPTIONAL MATCH (heir)-[:PART_OF]->(heirWhole:Identity)
OPTIONAL MATCH (former)-[:PART_OF]->(formerWhole:Identity)
WITH n, heir, at, changeId, events, former, had, renamedAt, givenAt, coalesce(heirWhole, heir) AS subject,
  coalesce(formerWhole, former) AS bearer
WHERE subject.key <> bearer.key
  // It gets back what was its own.
  AND NOT EXISTS {
    MATCH (subject)<-[:PART_OF*0..1]-(member:DirectoryObject)-[own:NAMED]->(n)
    WHERE own.validFrom < at OR (own.validFrom IS NULL AND own.validTo <= at)
  }
  // The platform creates the identity of a resource that is set up again.
  AND NOT (renamedAt IS NULL AND heir:ManagedIdentity AND former:ManagedIdentity)
OPTIONAL MATCH (c:Change) WHERE c.eventId = changeId
OPTIONAL MATCH (c)<-[:MADE]-(a)
WITH *, coalesce(c.lifecycle = 'created', false) AS made
CALL (bearer, a, at) {
  // Owners and creators of the former bearer, who were so before all this began.
  OPTIONAL MATCH (bearer)<-[:PART_OF*0..1]-(member:DirectoryObject)<-[owns:OWNS]-(owner)
  WHERE owns.validFrom <= at - CASE owns.basis WHEN 'inventory' THEN duration('PT0S') ELSE duration($settled) END
  WITH bearer, a, at, collect(owner.key) AS owners
  OPTIONAL MATCH (bearer)<-[:PART_OF*0..1]-(member:DirectoryObject)<-[:CHANGED]-(born:Change)<-[:MADE]-(creator)
  WHERE born.lifecycle = 'created' AND born.at <= at - duration($settled)
  WITH a, owners, collect(creator.key) AS creators
  RETURN size(owners) + size(creators) > 0 AS ownersKnown, coalesce(a.key IN owners OR a.key IN creators, false) AS byOwner
}
WITH *, renamedAt IS NULL AND made AS recreated
WHERE NOT (recreated AND byOwner)
CALL (former, renamedAt) {
  OPTIONAL MATCH (former)<-[:CHANGED]-(d:Change) WHERE d.lifecycle IN ['deleted', 'hardDeleted'] AND renamedAt IS NULL
  WITH d ORDER BY d.at, d.eventId
  RETURN collect(d.eventId) AS deletions
}
WITH *, CASE WHEN recreated AND NOT ownersKnown THEN 'ownerUnknown' ELSE null END AS lead
WITH * ORDER BY at, heir.objectId, givenAt, former.objectId, n.value
WITH subject, bearer, toString(date(at)) AS day, min(at) AS takenAt, max(givenAt) AS givenAt,
  min(heir.objectId) AS heirObjectId, min(former.objectId) AS formerObjectId, head(collect(n.value)) AS name,
  max(CASE WHEN renamedAt IS NULL THEN 0 ELSE 1 END) = 1 AS renamedAway,
  max(CASE WHEN byOwner THEN 1 ELSE 0 END) = 1 AS byOwner,
  max(CASE WHEN lead IS NULL THEN 1 ELSE 0 END) = 1 AS firm,
  max(coalesce(a.userPrincipalName, a.name, a.caption)) AS actor,
  reduce(all = [], ids IN collect(events + coalesce(had.eventIds, []) + deletions) | all + ids) AS evidence
WITH *, CASE WHEN subject.appId IS NULL OR bearer.appId IS NULL THEN 'noAppId'
  WHEN firm THEN null ELSE 'ownerUnknown' END AS reason
RETURN CASE WHEN reason IS NULL THEN 'found' WHEN reason = 'noAppId' THEN 'notDecidable' ELSE 'lead' END AS verdict, reason, subject,
  CASE WHEN givenAt < takenAt THEN givenAt ELSE takenAt END AS firstAt,
  CASE WHEN givenAt < takenAt THEN takenAt ELSE givenAt END AS lastAt, evidence,
  CASE WHEN reason IS NOT NULL THEN 'info' WHEN byOwner THEN 'low' ELSE 'medium' END AS severity, 'exact' AS confidence,
  $tenantId AS tenantId, coalesce(subject.appId, heirObjectId) AS heirId, coalesce(bearer.appId, formerObjectId) AS formerId,
  day, name, CASE WHEN renamedAway THEN 'which was renamed' ELSE 'which was deleted' END AS given,
  coalesce(' by ' + actor, '') + CASE WHEN byOwner THEN ', an owner of the former one' ELSE '' END AS actor
ORDER BY tenantId, heirId, formerId, day
