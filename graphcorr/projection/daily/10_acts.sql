-- What tokens can have led to: activities, and directory changes made by applications.
-- A token for ARM also serves the management operations of a vault (VaultGet, VaultPut …; log-facts 1.10).
CREATE OR REPLACE TEMP TABLE act AS
SELECT event_key AS act_id, 'activity' AS act_kind, home, day, tenant, "at", ip, token_id, token_issued_at,
       service_principal_id, user_id, user_principal_name, app_id,
       CASE WHEN service = 'keyVault' AND starts_with(lower(operation), 'vault') THEN 'arm' ELSE service END AS act_group
FROM activity
WHERE "at" IS NOT NULL AND NOT coalesce(platform, false) AND coalesce(outcome, '') <> 'challenge'
UNION ALL
SELECT event_key, 'change', home, day, tenant, "at", NULL, NULL, NULL, actor_id, NULL, NULL, actor_app_id, 'directory'
FROM change
WHERE "at" IS NOT NULL AND actor_type = 'app' AND actor_id IS NOT NULL;

-- A pair of sign-in and act shares at most one key: service principal with service principal, app id only where one
-- side states no service principal (never one kind of id for another).
CREATE OR REPLACE TEMP TABLE act_key AS
SELECT act_id, home, day, "at", ip, says_nothing(ip) AS any_address, token_id, token_issued_at,
       hash(tenant, act_group, unnest(list_filter([
           'user:' || user_id,
           CASE WHEN user_id IS NULL THEN 'upn:' || lower(user_principal_name) END,
           CASE WHEN user_id IS NULL THEN 'sp:' || service_principal_id END,
           CASE WHEN user_id IS NULL AND user_principal_name IS NULL AND service_principal_id IS NULL THEN 'app:' || app_id END,
           CASE WHEN user_id IS NULL AND user_principal_name IS NULL THEN 'noSp:' || app_id END
       ], lambda key: key IS NOT NULL))) AS link_key
FROM act;

CREATE OR REPLACE TEMP TABLE sign_in_key AS
SELECT * FROM (
    SELECT "row", sign_in_id, home, day, "at", ip, any_address, life,
           hash(tenant, act_group, unnest(list_filter(CASE
               WHEN kind = 'user' THEN ['user:' || user_id, 'upn:' || lower(user_principal_name)]
               WHEN service_principal_id IS NOT NULL THEN ['sp:' || service_principal_id, 'app:' || app_id]
               ELSE ['noSp:' || app_id] END, lambda key: key IS NOT NULL))) AS link_key
    FROM (
        SELECT s.rowid AS "row", s.event_key AS sign_in_id, s.home, s.day, s.tenant, s.kind, s."at", s.ip, s.service_principal_id, s.app_id,
               s.user_id, s.user_principal_name, says_nothing(s.ip) OR s.kind = 'managedIdentity' AS any_address,
               token_life(s.kind, v.name, s.app_owner_tenant_id, s.tenant) AS life, unnest(v.groups) AS act_group
        FROM sign_in s JOIN service v ON v.app_id = s.resource_app_id
        WHERE s."at" IS NOT NULL AND s.result_class = 'success' AND v.groups IS NOT NULL
          -- Most users do nothing that a log shows.
          AND (s.kind <> 'user' OR s.user_id IN (SELECT user_id FROM act)
               OR lower(s.user_principal_name) IN (SELECT lower(user_principal_name) FROM act))
    )
)
WHERE link_key IN (SELECT link_key FROM act_key);
