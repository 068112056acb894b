-- Every stated pair of ids, over all days and inventories: the only thing that identities are resolved from.
CREATE OR REPLACE TABLE stated_pair AS
WITH pair AS (
    SELECT tenant, left_type, left_id, right_type, right_id, basis, first_at, last_at, event_ids FROM id_pair
    UNION ALL
    SELECT tenant, object_type, object_id, 'appId', app_id, 'inventory', "at", "at", [event_key] FROM inventory
    WHERE object_type IN ('application', 'servicePrincipal')
    UNION ALL
    SELECT tenant, 'servicePrincipal', object_id, 'resourceId', managed_identity_resource_id, 'inventory', "at", "at", [event_key] FROM inventory
)
SELECT tenant, left_type, left_id, right_type, right_id, list_sort(list_distinct(list(basis))) AS bases,
       min(first_at) AS first_at, max(last_at) AS last_at,
       list_slice(list_sort(list_distinct(flatten(list(event_ids)))), 1, 5) AS event_ids
FROM pair WHERE left_id IS NOT NULL AND right_id IS NOT NULL
GROUP BY tenant, left_type, left_id, right_type, right_id;
