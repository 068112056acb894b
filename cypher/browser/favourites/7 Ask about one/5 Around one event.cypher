// 5 Around one event
// The node of an event id from a finding, and what is next to it. An event inside a folded sign-in or activity is found
// if it is its first, its last or an unexplained one. Empty = the newest change, else the newest sign-in.
// Set the parameters first (favourite "Set the parameters"), then type over one:
// :param eventId => 'Directory_…'
CALL () {
  CALL () {
    MATCH (event:Change) WHERE $eventId <> '' AND event.eventId = $eventId
    RETURN event
    UNION
    MATCH (event:SignIn|Activity)
    WHERE $eventId <> '' AND ($eventId IN event.sampleIds OR $eventId IN event.unexplainedIds)
    RETURN event
    UNION
    MATCH (event:SignIn|Activity)-[:LED_TO]-(linked)
    WHERE $eventId <> '' AND EXISTS { (event)-[led:LED_TO]-(linked) WHERE $eventId IN led.eventIds }
    RETURN DISTINCT event LIMIT 4
    UNION
    MATCH (event:Change) WHERE $eventId = ''
    RETURN event ORDER BY event.at DESC, event.key LIMIT 1
  }
  MATCH path = (event)--()
  RETURN path, 1 AS tier LIMIT 60
  UNION ALL
  MATCH (signIn:SignIn) WHERE $eventId = ''
  WITH signIn ORDER BY signIn.lastSeen DESC, signIn.key LIMIT 1
  MATCH path = (signIn)--()
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
