// 3 Who used this address
// Everything that came from one address and who did it. Empty = the address with most principals; where no log states an
// address: the newest changes.
// Set the parameters first (favourite "Set the parameters"), then type over one:
// :param address => '198.51.100.11'
CALL () {
  CALL () {
    MATCH (ip:IPAddress) WHERE $address <> '' AND ip.address = toLower($address)
    RETURN ip
    UNION
    MATCH (ip:IPAddress) WHERE $address = ''
    CALL (ip) {
      MATCH (ip)<-[:FROM]-()<-[:SIGNED_IN|PERFORMED|MADE]-(principal)
      RETURN count(DISTINCT principal) AS principals
    }
    RETURN ip ORDER BY principals DESC, ip.key LIMIT 1
  }
  MATCH (ip)<-[:FROM]-(event)
  WITH ip, event ORDER BY event:Change DESC, event.lastSeen DESC, event.key LIMIT 50
  MATCH path = (ip)<-[:FROM]-(event)<-[:SIGNED_IN|PERFORMED|MADE*0..1]-()
  RETURN path, 1 AS tier
  UNION ALL
  MATCH (change:Change) WHERE $address = ''
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
