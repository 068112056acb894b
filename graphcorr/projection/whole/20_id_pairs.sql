-- Every stated pair of ids, over all days and inventories: the only thing that identities are resolved from.
CREATE OR REPLACE TABLE stated_pair AS
WITH twin AS (
    -- One directory operation writes a record about the application object and one about its service principal, which do
    -- the same thing. A correlation id with more of either is a batch and pairs nobody, and so is one that gives two names.
    SELECT tenant, min(id) FILTER (type = 'Application') AS application_id, min(id) FILTER (type = 'ServicePrincipal') AS service_principal_id,
           min("at") AS first_at, max("at") AS last_at, first_five(event_key, "at") AS event_ids
    FROM twin_target GROUP BY tenant, correlation_id
    HAVING count(DISTINCT id) FILTER (type = 'Application') = 1 AND count(DISTINCT id) FILTER (type = 'ServicePrincipal') = 1
       AND list_has_any(list(verb) FILTER (type = 'Application'), list(verb) FILTER (type = 'ServicePrincipal'))
       AND coalesce(list_has_any(list(new_name) FILTER (type = 'Application' AND new_name IS NOT NULL),
                                 list(new_name) FILTER (type = 'ServicePrincipal' AND new_name IS NOT NULL)), true)
), pair AS (
    SELECT tenant, left_type, left_id, right_type, right_id, basis, first_at, last_at, event_ids FROM id_pair
    UNION ALL
    SELECT tenant, 'application', application_id, 'servicePrincipal', service_principal_id, 'auditTwin', first_at, last_at, event_ids FROM twin
    UNION ALL
    SELECT tenant, object_type, object_id, 'appId', app_id, 'inventory', "at", "at", [event_key] FROM inventory
    WHERE object_type IN ('application', 'servicePrincipal')
    UNION ALL
    SELECT tenant, 'servicePrincipal', object_id, 'resourceId', managed_identity_resource_id, 'inventory', "at", "at", [event_key] FROM inventory
), of_its_own AS (
    -- A managed identity that is a resource of its own is assigned to any other resource that is stated with it.
    SELECT DISTINCT tenant, left_id FROM pair WHERE right_type = 'resourceId' AND is_user_assigned(right_id)
), placed AS (
    SELECT p.* REPLACE (CASE WHEN right_type = 'resourceId' AND o.left_id IS NOT NULL AND NOT is_user_assigned(right_id)
                             THEN 'assignedTo' ELSE right_type END AS right_type)
    FROM pair p LEFT JOIN of_its_own o USING (tenant, left_id)
)
SELECT tenant, left_type, left_id, right_type, right_id, list_sort(list_distinct(list(basis))) AS bases,
       min(first_at) AS first_at, max(last_at) AS last_at,
       list_slice(list_sort(list_distinct(flatten(list(event_ids)))), 1, 5) AS event_ids
FROM placed WHERE left_id IS NOT NULL AND right_id IS NOT NULL
GROUP BY tenant, left_type, left_id, right_type, right_id;
