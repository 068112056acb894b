-- What may be the same thing again without being the same identity: shown, never joined.

-- An object that went, and the next new one of its kind under its app id, else under its name.
CREATE OR REPLACE TABLE recreated AS
WITH new AS (
    SELECT o.tenant, o.kind, o.object_id, o.key, o.app_id, coalesce(o.created_at, o.first_at) AS born, o.created_at IS NOT NULL AS known, n.name
    FROM object o LEFT JOIN (
        SELECT tenant, object_id, min_by(name, (coalesce(valid_from, valid_to), name)) AS name FROM name_interval GROUP BY tenant, object_id
    ) n USING (tenant, object_id)
    WHERE o.kind IN ('application', 'servicePrincipal')
), by_app AS (
    SELECT tenant, kind, app_id, born, min(key) AS key FROM new WHERE app_id IS NOT NULL AND born IS NOT NULL GROUP BY ALL
), by_name AS (
    -- An object that is only seen later need not be new.
    SELECT tenant, kind, name, born, min(key) AS key FROM new WHERE known AND name IS NOT NULL GROUP BY ALL
), gone AS (
    SELECT tenant, kind, key, app_id, name, deleted_at FROM object WHERE kind IN ('application', 'servicePrincipal') AND deleted_at IS NOT NULL
)
SELECT g.key AS former, a.key AS present, 'appId' AS basis
-- What is first seen in the record of its own deletion is no successor.
FROM gone g ASOF JOIN by_app a ON a.tenant = g.tenant AND a.kind = g.kind AND a.app_id = g.app_id AND a.born > g.deleted_at
UNION ALL
SELECT g.key, n.key, 'name'
FROM gone g ASOF JOIN by_name n ON n.tenant = g.tenant AND n.kind = g.kind AND n.name = g.name AND n.born >= g.deleted_at;

CREATE OR REPLACE VIEW edge_RECREATED_AS AS
SELECT 'DirectoryObject' AS fromLabel, former AS fromKey, 'DirectoryObject' AS toLabel, present AS toKey, NULL AS extra,
       array_to_string(list_sort(list(basis)), '+') AS basis
FROM recreated WHERE former <> present GROUP BY former, present;

-- Living objects of different identities that bear one name, and objects of which no record states the name that were
-- shown under it. Many objects of one name are shown as a chain, not each with each.
CREATE OR REPLACE TABLE namesake AS
WITH bearer AS (
    SELECT tenant, name, key, identity_id, 'name' AS basis FROM object
    WHERE kind IN ('application', 'servicePrincipal') AND name IS NOT NULL AND deleted_at IS NULL
    UNION
    SELECT o.tenant, s.name, o.key, o.identity_id, 'shownName' FROM object o JOIN shown_name s USING (tenant, object_id)
    WHERE o.kind IN ('application', 'servicePrincipal') AND o.name IS NULL AND o.deleted_at IS NULL
), placed AS (
    SELECT *, row_number() OVER (PARTITION BY tenant, name ORDER BY identity_id, key) AS place, count(*) OVER (PARTITION BY tenant, name) AS bearers
    FROM bearer
)
SELECT l.key AS left_key, r.key AS right_key, CASE WHEN l.basis = 'name' AND r.basis = 'name' THEN 'name' ELSE 'shownName' END AS basis
FROM placed l JOIN placed r ON r.tenant = l.tenant AND r.name = l.name AND r.place > l.place AND (l.bearers <= 10 OR r.place = l.place + 1)
WHERE l.identity_id IS DISTINCT FROM r.identity_id;

CREATE OR REPLACE VIEW edge_SAME_NAME_AS AS
SELECT 'DirectoryObject' AS fromLabel, left_key AS fromKey, 'DirectoryObject' AS toLabel, right_key AS toKey, NULL AS extra, min(basis) AS basis
FROM namesake GROUP BY left_key, right_key;
