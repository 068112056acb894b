// 2 The credentials of a principal
// Its keys, who added and removed them, the sign-ins that used them and from where. Where it has none: its objects.
// Any name it ever had, an application id or an object id; empty = the one with most changes.
// Set the parameters first (favourite "Set the parameters"), then type over one:
// :param principal => 'billing-sync'
CALL () {
  CALL () {
    MATCH (who:Identity)
    WHERE $principal <> '' AND (toLower(who.appId) = toLower($principal) OR who.identityId = $principal
      OR any(name IN who.name + coalesce(who.formerNames, []) WHERE toLower(name) = toLower($principal))
      OR EXISTS { (who)<-[:PART_OF]-(part) WHERE part.objectId = toLower($principal) })
    RETURN who LIMIT 5
    UNION
    MATCH (who:User)
    WHERE $principal <> '' AND (who.objectId = toLower($principal) OR toLower(who.name) = toLower($principal)
      OR toLower(who.userPrincipalName) = toLower($principal))
    RETURN who LIMIT 5
    UNION
    MATCH (who:Identity)
    WHERE $principal = ''
    RETURN who
    ORDER BY COUNT { (who)<-[:PART_OF]-()<-[:CHANGED]-(:Change) } DESC, COUNT { (who)<-[:PART_OF]-() } DESC, who.key
    LIMIT 1
  }
  MATCH (who)<-[:PART_OF*0..1]-(part)

  MATCH (part)-[:HAS_CREDENTIAL]->(key:Credential)
  WITH DISTINCT key, part
  CALL (key, part) {
    MATCH path = (key)<-[:HAS_CREDENTIAL]-(part) RETURN path
    UNION
    MATCH path = (key)<-[:ADDED|REMOVED]-()<-[:MADE|PERFORMED*0..1]-() RETURN path LIMIT 10
    UNION
    MATCH path = (key)<-[:USED]-(signIn:SignIn)-[:FROM]->()
    RETURN path ORDER BY signIn.firstSeen, signIn.key LIMIT 6
  }
  RETURN path, 1 AS tier
  UNION ALL
  CALL () {
    MATCH (who:Identity)
    WHERE $principal <> '' AND (toLower(who.appId) = toLower($principal) OR who.identityId = $principal
      OR any(name IN who.name + coalesce(who.formerNames, []) WHERE toLower(name) = toLower($principal))
      OR EXISTS { (who)<-[:PART_OF]-(part) WHERE part.objectId = toLower($principal) })
    RETURN who LIMIT 5
    UNION
    MATCH (who:User)
    WHERE $principal <> '' AND (who.objectId = toLower($principal) OR toLower(who.name) = toLower($principal)
      OR toLower(who.userPrincipalName) = toLower($principal))
    RETURN who LIMIT 5
    UNION
    MATCH (who:Identity)
    WHERE $principal = ''
    RETURN who
    ORDER BY COUNT { (who)<-[:PART_OF]-()<-[:CHANGED]-(:Change) } DESC, COUNT { (who)<-[:PART_OF]-() } DESC, who.key
    LIMIT 1
  }
  MATCH (who)<-[:PART_OF*0..1]-(part)

  MATCH path = (who)<-[:PART_OF*0..1]-(part)
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
