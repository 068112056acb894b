-- Directory objects: what kind each id is, when it lived, what it is called.

CREATE OR REPLACE TABLE witness AS
SELECT tenant, object_id, kind, described, first_at, last_at, managed, agent, owner_tenant_id, upn, signs_in FROM object_seen
UNION ALL
SELECT tenant, object_id, CASE object_type WHEN 'application' THEN 'application' ELSE 'servicePrincipal' END, true, "at", "at",
       CASE WHEN principal_type = 'ManagedIdentity' OR managed_identity_resource_id IS NOT NULL THEN true END,
       coalesce(principal_type = 'AgentIdentity', false), owner_tenant_id, NULL, false
FROM inventory WHERE object_id IS NOT NULL AND object_type IN ('application', 'servicePrincipal')
UNION ALL
SELECT tenant, unnest(owner_ids), 'unknown', false, "at", "at", NULL, false, NULL, NULL, false FROM inventory
UNION ALL
SELECT tenant, object_id, 'application', false, "at", "at", NULL, false, NULL, NULL, false
FROM inventory WHERE object_type = 'federatedIdentityCredential'
UNION ALL
-- What is stated with the Azure resource that it is, is a managed identity.
SELECT tenant, left_id, left_type, false, first_at, last_at, CASE WHEN right_type IN ('resourceId', 'assignedTo') THEN true END, false, NULL, NULL, false
FROM id_pair WHERE left_type IN ('application', 'servicePrincipal')
UNION ALL
SELECT tenant, right_id, right_type, false, first_at, last_at, NULL, false, NULL, NULL, false
FROM id_pair WHERE right_type IN ('application', 'servicePrincipal')
UNION ALL
SELECT tenant, object_id, CASE object_type WHEN 'Application' THEN 'application' WHEN 'ServicePrincipal' THEN 'servicePrincipal' ELSE 'unknown' END,
       false, "at", "at", NULL, false, NULL, NULL, false
FROM owner_change
UNION ALL
SELECT tenant, service_principal_id, 'servicePrincipal', true, "at", "at", NULL, false, NULL, NULL, false
FROM risk_seen WHERE service_principal_id IS NOT NULL;

CREATE OR REPLACE TABLE object_kind AS
SELECT tenant, object_id, bool_or(described) AS described, min(first_at) AS first_at, max(last_at) AS last_at,
       coalesce(bool_or(managed), false) AS managed, bool_or(agent) AS agent, bool_or(signs_in) AS signs_in, max(owner_tenant_id) AS owner_tenant_id,
       max_by(upn, (last_at, upn)) FILTER (upn IS NOT NULL) AS upn,
       list_sort(list_distinct(list(kind) FILTER (kind <> 'unknown'))) AS kinds,
       CASE WHEN count(DISTINCT kind) FILTER (kind <> 'unknown') = 1 THEN max(kind) FILTER (kind <> 'unknown') ELSE 'unknown' END AS kind
FROM witness WHERE object_id IS NOT NULL
GROUP BY tenant, object_id;

CREATE OR REPLACE TABLE lifecycle AS
SELECT tenant, t.id AS object_id, lifecycle, enabled, "at", event_key
FROM (SELECT tenant, lifecycle, enabled, "at", event_key, unnest(targets) AS t FROM change_made
      WHERE coalesce(result, 'success') = 'success' AND (lifecycle IS NOT NULL OR enabled IS NOT NULL))
WHERE t.type IN ('Application', 'ServicePrincipal');

CREATE OR REPLACE TABLE life AS
WITH listed AS (
    SELECT tenant, object_id, min(created_at) AS created_at, arg_max_null(deleted_at, ("at", deleted_at)) FILTER ("at" IS NOT NULL) AS deleted_at,
           max("at") FILTER (deleted_at IS NULL) AS alive_at, first_five(event_key, "at") AS listed_ids
    FROM inventory WHERE object_id IS NOT NULL GROUP BY tenant, object_id
), restored AS (
    SELECT tenant, object_id, max("at") AS restored_at FROM lifecycle WHERE lifecycle = 'restored' GROUP BY tenant, object_id
), event AS (
    SELECT tenant, object_id, min("at") FILTER (lifecycle = 'created') AS created_event,
           first_five_where(event_key, "at", lifecycle = 'created') AS created_ids, any_value(restored_at) AS restored_at,
           max("at") FILTER (lifecycle IN ('deleted', 'hardDeleted') AND "at" < restored_at) AS left_event,
           -- The first since it was last known to be alive: the permanent deletion follows the first one by weeks.
           min("at") FILTER (lifecycle IN ('deleted', 'hardDeleted')
               AND coalesce("at" > restored_at, true) AND coalesce("at" > alive_at, true)) AS deleted_event
    FROM lifecycle LEFT JOIN restored USING (tenant, object_id) LEFT JOIN listed USING (tenant, object_id) GROUP BY tenant, object_id
), state AS (
    SELECT tenant, object_id, max_by(enabled, ("at", enabled)) AS enabled FROM (
        SELECT tenant, object_id, enabled, "at" FROM lifecycle WHERE enabled IS NOT NULL AND "at" IS NOT NULL
        UNION ALL SELECT tenant, object_id, enabled, "at" FROM inventory WHERE enabled IS NOT NULL AND "at" IS NOT NULL
    ) GROUP BY tenant, object_id
)
SELECT o.tenant, o.object_id, coalesce(e.created_event, l.created_at) AS created_at,
       coalesce(e.deleted_event, CASE WHEN coalesce(e.restored_at < l.deleted_at, true) THEN l.deleted_at END) AS deleted_at,
       e.restored_at, e.left_event AS left_at, s.enabled,
       CASE WHEN e.created_event IS NOT NULL THEN 'created' WHEN l.object_id IS NOT NULL THEN 'listed' ELSE 'unknown' END AS origin,
       coalesce(e.created_ids, l.listed_ids) AS origin_ids
FROM object_kind o LEFT JOIN event e USING (tenant, object_id) LEFT JOIN listed l USING (tenant, object_id) LEFT JOIN state s USING (tenant, object_id);

-- Names in time. Audit renames give exact instants; sign-ins and inventories give observed intervals.
CREATE OR REPLACE TABLE name_interval AS
WITH step AS (
    SELECT *, lead("at") OVER w AS next_at, lag(new_name) OVER w AS before_name, lag("at") OVER w AS before_at
    FROM (SELECT DISTINCT tenant, object_id, old_name, new_name, "at", event_key FROM rename WHERE "at" IS NOT NULL)
    WINDOW w AS (PARTITION BY tenant, object_id ORDER BY "at", in_order(event_key))
), sighting AS (
    SELECT tenant, object_id, name, basis, first_at, last_at, event_ids FROM name_run
    UNION ALL
    SELECT tenant, object_id, name, 'inventory', "at", "at", [event_key] FROM inventory
    WHERE object_id IS NOT NULL AND name IS NOT NULL AND "at" IS NOT NULL AND object_type IN ('application', 'servicePrincipal')
), marked AS (
    SELECT *, name IS DISTINCT FROM lag(name) OVER w AS starts FROM sighting
    WINDOW w AS (PARTITION BY tenant, object_id, basis ORDER BY first_at, last_at, name)
), numbered AS (
    SELECT *, sum(starts::INT) OVER (PARTITION BY tenant, object_id, basis ORDER BY first_at, last_at, name) AS run FROM marked
)
SELECT tenant, object_id, new_name AS name, 'audit' AS basis, "at" AS valid_from, next_at AS valid_to, event_key AS change_id, [event_key] AS event_ids
FROM step WHERE new_name IS NOT NULL
UNION ALL
-- A former name that no record started: since before the first record, or since some time after the record before.
SELECT tenant, object_id, old_name, 'audit', before_at, "at", NULL, [event_key]
FROM step WHERE old_name IS NOT NULL AND old_name IS DISTINCT FROM before_name
UNION ALL
SELECT tenant, object_id, name, basis, min(first_at), max(last_at), NULL,
       first_and_last(min_by(event_ids[1], (first_at, event_ids[1])), max_by(event_ids[-1], (last_at, event_ids[-1])))
FROM numbered GROUP BY tenant, object_id, basis, name, run;

-- The latest name. A rename in the audit log is the newer truth for as long as sign-ins may still show the former name.
CREATE OR REPLACE TABLE object_name AS
SELECT tenant, object_id, max_by(name, (seen_at, from_audit, name)) AS name
FROM (
    SELECT *, basis = 'audit' AND valid_from IS NOT NULL AS from_audit,
           CASE WHEN basis = 'audit' THEN coalesce(valid_from + INTERVAL 1 HOUR, valid_to) ELSE valid_to END AS seen_at
    FROM name_interval
)
GROUP BY tenant, object_id;
