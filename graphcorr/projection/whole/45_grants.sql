-- Permissions and roles, and who was made a target of what.

CREATE OR REPLACE TABLE granted AS
WITH grants AS (
    SELECT g.*, coalesce(g.resource_app_id, r.app_id, g.resource_service_principal_id) AS api
    FROM grant_change g LEFT JOIN object r ON r.tenant = g.tenant AND r.object_id = g.resource_service_principal_id
)
SELECT tenant, change, "at", event_key, act, grantee_id, grantee_type, consent_type, scope, value, permission_id, api AS resource_app_id,
       CASE WHEN kind IN ('application', 'delegated') THEN kind END AS kind,
       CASE kind WHEN 'directoryRole' THEN 'DirectoryRole' WHEN 'azureRole' THEN 'AzureRole' ELSE 'Permission' END AS label,
       CASE kind WHEN 'directoryRole' THEN coalesce(permission_id, value)
                 WHEN 'azureRole' THEN coalesce(permission_id, value) || coalesce(scope, '')
                 ELSE coalesce(api, '') || '/' || kind || '/' || coalesce(value, permission_id) END AS permission_key
FROM grants
WHERE coalesce(value, permission_id) IS NOT NULL;

-- What a change was done to; for a grant the grantee, never the resource that exposes the permission.
CREATE OR REPLACE TABLE change_target AS
SELECT tenant, event_key, "at", t.id AS target_id, t.type FROM (
    SELECT tenant, event_key, "at", has_grantee, grantees, unnest(targets) AS t FROM change_made
) WHERE NOT has_grantee OR list_contains(grantees, t.id)
UNION
SELECT tenant, event_key, "at", unnest(grantees), NULL FROM change_made
WHERE has_grantee AND NOT list_has_any(grantees, coalesce(list_transform(targets, lambda t: t.id), []));
