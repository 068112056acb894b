-- Keys that no record explains: absent from the full key list of every object that can carry them, with nothing missing of
-- the audit log from then until the key first appears (design 6, `origin`).

-- Complete key lists: of a new object, of a change that states the list before and after, of an inventory that states both
-- kinds of key with their ids.
CREATE OR REPLACE TABLE full_list AS
SELECT tenant, object_id, stated, "at", min(event_key) AS event_key FROM (
SELECT tenant, object_id, s.stated, "at", event_key
FROM lifecycle CROSS JOIN (SELECT unnest(['keys', 'federated']) AS stated) s WHERE lifecycle = 'created' AND "at" IS NOT NULL
UNION
SELECT tenant, object_id, stated, "at", event_key FROM key_statement WHERE whole AND "at" IS NOT NULL
UNION
SELECT tenant, object_id, s.stated, "at", event_key FROM (SELECT *, unnest(full_lists) AS stated FROM inventory) s
WHERE "at" IS NOT NULL AND object_id IS NOT NULL
  AND len(list_filter(keys, lambda k: CASE s.stated WHEN 'keys' THEN k.kind <> 'federated' AND k.key_id IS NULL
                                      ELSE k.kind = 'federated' AND k.federated_id IS NULL END)) = 0
) GROUP BY tenant, object_id, stated, "at";

-- Which identities a credential belongs to: who used it, on what it was listed.
CREATE OR REPLACE TABLE credential_identity AS
WITH bearer AS (
    SELECT u.tenant, n.strong, u.service_principal_id AS object_id, u.app_id FROM credential_use u JOIN credential_name n USING (tenant, credential)
    UNION
    SELECT tenant, strong, object_id, NULL FROM holding
)
SELECT DISTINCT b.tenant, b.strong, coalesce(o.identity_id, CASE WHEN b.object_id IS NULL THEN 'app:' || b.app_id END) AS identity_id
FROM bearer b LEFT JOIN object o ON o.tenant = b.tenant AND o.object_id = b.object_id;

CREATE OR REPLACE TABLE credential_origin AS
WITH asked AS (
    SELECT c.tenant, c.strong, c.first_at, CASE WHEN c.federated_id IS NOT NULL AND c.key_id IS NULL THEN 'federated' ELSE 'keys' END AS stated,
           c.key_id IS NOT NULL OR c.federated_id IS NOT NULL AS named
    FROM credential c WHERE c.origin <> 'added'
), carrier AS (
    -- Objects that could carry it: those that lived when it appeared. Federated credentials are kept by application objects.
    SELECT a.*, i.identity_id, o.object_id, o.kind, w.object_id IS NOT NULL AS here, e.object_id IS NOT NULL AS elsewhere
    FROM asked a JOIN credential_identity i USING (tenant, strong)
    LEFT JOIN object o ON o.tenant = a.tenant AND o.identity_id = i.identity_id AND o.kind IN ('application', 'servicePrincipal')
        AND coalesce(o.deleted_at > a.first_at, true)
    LEFT JOIN owned_here w ON w.tenant = o.tenant AND w.object_id = o.object_id
    LEFT JOIN owned_elsewhere e ON e.tenant = o.tenant AND e.object_id = o.object_id
), statement AS (
    SELECT c.*, f."at" AS since, f.event_key FROM carrier c
    ASOF LEFT JOIN full_list f ON f.tenant = c.tenant AND f.object_id = c.object_id AND f.stated = c.stated AND f."at" < c.first_at
), told AS (
    SELECT s.*, EXISTS (
               -- Its list of keys changed in a way that the record does not tell.
               SELECT 1 FROM key_statement h WHERE h.tenant = s.tenant AND h.object_id = s.object_id AND NOT h.whole
                  AND h.stated IN ('hidden', s.stated) AND coalesce(h."at" > s.since AND h."at" <= s.first_at, true)) AS hidden
    FROM statement s
), identity AS (
    SELECT tenant, strong, identity_id, any_value(first_at) AS first_at, bool_and(named) AS named, bool_or(elsewhere) AS elsewhere,
           bool_and(here) AND count(*) FILTER (kind = 'application') > 0 AND (any_value(stated) = 'federated' OR count(*) FILTER (kind = 'servicePrincipal') > 0)
               AND bool_and((since IS NOT NULL OR stated = 'federated' AND kind = 'servicePrincipal') AND NOT hidden) AS whole,
           min(since) AS since, list(event_key) FILTER (event_key IS NOT NULL) AS event_ids
    FROM told GROUP BY tenant, strong, identity_id
), judged AS (
    SELECT i.*, settled(i.first_at, n.as_of) AS settled,
           EXISTS (SELECT 1 FROM audited c WHERE c.tenant = i.tenant AND c.since <= i.since AND c.until >= i.first_at) AS covered
    FROM identity i JOIN newest n USING (tenant)
)
SELECT tenant, strong,
       CASE WHEN bool_or(elsewhere) THEN 'ownedElsewhere'
            WHEN bool_or(NOT named OR NOT whole OR first_at IS NULL) THEN 'noFullStatement'
            WHEN bool_or(NOT covered) THEN 'auditNotCovered'
            WHEN bool_or(NOT settled) THEN 'tooRecent' END AS reason,
       list_slice(list_sort(list_distinct(flatten(list(event_ids)))), 1, 5) AS event_ids
FROM judged GROUP BY tenant, strong;
