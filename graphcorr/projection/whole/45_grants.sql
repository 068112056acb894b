-- Permissions and roles.

CREATE OR REPLACE TABLE granted AS
WITH resolved AS (
    SELECT g.*, coalesce(g.resource_app_id, r.app_id) AS app_id FROM grant_change g
    LEFT JOIN object r ON r.tenant = g.tenant AND r.object_id = g.resource_service_principal_id
), valued AS (
    -- The id of a permission gives way to its value once any record states both.
    SELECT app_id, permission_id, kind, min(value) AS value FROM resolved
    WHERE kind IN ('application', 'delegated') AND app_id IS NOT NULL AND value IS NOT NULL
    GROUP BY app_id, permission_id, kind HAVING count(DISTINCT value) = 1
), grants AS (
    SELECT g.* REPLACE (coalesce(g.value, v.value) AS value), coalesce(g.app_id, g.resource_service_principal_id) AS api
    FROM resolved g LEFT JOIN valued v ON v.app_id = g.app_id AND v.permission_id = g.permission_id AND v.kind = g.kind
)
SELECT tenant, change, "at", event_key, act, grantee_id, grantee_type, consent_type, scope, value, permission_id, api AS resource_app_id,
       CASE WHEN kind IN ('application', 'delegated') THEN kind END AS kind,
       CASE kind WHEN 'directoryRole' THEN 'DirectoryRole' WHEN 'azureRole' THEN 'AzureRole' ELSE 'Permission' END AS label,
       CASE kind WHEN 'directoryRole' THEN coalesce(permission_id, value)
                 WHEN 'azureRole' THEN coalesce(permission_id, value) || coalesce(scope, '')
                 ELSE coalesce(api, '') || '/' || kind || '/' || coalesce(value, permission_id) END AS permission_key,
       -- Which permission, and of whom, is not told apart from others.
       kind = 'application' AND (value IS NULL OR app_id IS NULL OR grantee_id IS NULL) AS vague
FROM grants
WHERE coalesce(value, permission_id) IS NOT NULL;
