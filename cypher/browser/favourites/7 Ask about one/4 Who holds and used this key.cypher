// 4 Who holds and used this key
// One credential by key id, thumbprint or display name: its holder, the changes that added and removed it, the sign-ins
// that used it. Empty = the newest key that was used; where no key is known: the newest changes.
// Set the parameters first (favourite "Set the parameters"), then type over one:
// :param keyId => 'prod secret'
CALL () {
  CALL () {
    MATCH (key:Credential)
    WHERE $keyId <> '' AND (key.keyId = toLower($keyId) OR key.thumbprint = toUpper($keyId)
      OR toLower(key.displayName) = toLower($keyId))
    RETURN key LIMIT 5
    UNION
    MATCH (key:Credential) WHERE $keyId = ''
    RETURN key ORDER BY key.firstUsed IS NULL, key.addedAt IS NULL, key.addedAt DESC, key.key LIMIT 1
  }
  MATCH path = (key)<-[:HAS_CREDENTIAL|ADDED|REMOVED|USED]-()-[:PART_OF|MADE|SIGNED_IN|FROM*0..1]-()
  RETURN path, 1 AS tier LIMIT 80
  UNION ALL
  MATCH (change:Change) WHERE $keyId = ''
  WITH change ORDER BY change.at DESC, change.key LIMIT 40
  MATCH path = (change)-[:MADE|CHANGED]-()
  RETURN path, 2 AS tier
  UNION ALL
  MATCH path = (:LogSource)
  RETURN path, 9 AS tier LIMIT 50
  UNION ALL
  MATCH path = (:DirectoryObject)
  RETURN path, 10 AS tier LIMIT 50
}
WITH tier, collect(path) AS paths ORDER BY tier LIMIT 1
UNWIND paths AS path
RETURN path
