-- Where ids as written lead: a service principal by its object id; an app id alone to the one service principal of its
-- identity, else to the identity itself.

CREATE OR REPLACE TABLE object AS
SELECT k.tenant, k.object_id, object_key(k.tenant, k.object_id) AS key, k.kind, k.described, k.first_at, k.last_at,
       k.owner_tenant_id, k.upn, n.name, l.created_at, l.deleted_at, l.restored_at, l.enabled, l.origin, l.origin_ids,
       m.app_id, m.identity_id, m.basis, m.confidence, m.event_ids AS basis_ids,
       CASE k.kind
           WHEN 'application' THEN 'DirectoryObject:AppRegistration'
           WHEN 'user' THEN 'DirectoryObject:User'
           WHEN 'servicePrincipal' THEN 'DirectoryObject:ServicePrincipal' || CASE
               -- An app id is unique in the world: those on the list are Microsoft's, whoever the record says owns them.
               WHEN k.owner_tenant_id IN (SELECT tenant FROM microsoft_tenant) OR m.app_id IN (SELECT app_id FROM first_party)
                   THEN ':MicrosoftOwned'
               WHEN k.agent OR m.app_id = k.object_id THEN ':AgentIdentity'
               WHEN k.managed THEN ':ManagedIdentity'
               ELSE '' END
           ELSE 'DirectoryObject' END AS labels
FROM object_kind k
JOIN life l USING (tenant, object_id)
LEFT JOIN object_name n USING (tenant, object_id)
LEFT JOIN member m ON m.tenant = k.tenant AND m.object_id = k.object_id AND m.object_type = k.kind;

CREATE OR REPLACE TABLE single_principal AS
SELECT tenant, identity_id, min(key) AS key FROM object
WHERE kind = 'servicePrincipal' AND identity_id IS NOT NULL
GROUP BY tenant, identity_id HAVING count(*) = 1;

-- Who a fold or baseline belongs to. `user_ref` is a user's object id; only users that are shown take part.
CREATE OR REPLACE TABLE shown_user AS
SELECT DISTINCT tenant, user_id FROM (
    SELECT tenant, user_id FROM sign_in_fold WHERE kind = 'user' AND (SELECT users FROM setting) = 'all'
    UNION ALL
    -- Actors: users who changed or own applications and service principals.
    SELECT c.tenant, c.actor_id FROM change_made c
    WHERE c.actor_type = 'user' AND (SELECT users FROM setting) = 'actors'
      AND len(list_filter(c.targets, lambda t: t.type IN ('Application', 'ServicePrincipal'))) > 0
    UNION ALL
    SELECT tenant, owner_id FROM owner_change WHERE (SELECT users FROM setting) = 'actors'
    UNION ALL
    SELECT tenant, unnest(owner_ids) FROM inventory WHERE (SELECT users FROM setting) = 'actors'
) WHERE user_id IS NOT NULL;

CREATE OR REPLACE TABLE principal AS
SELECT w.*, CASE WHEN w.user_id IS NOT NULL OR w.service_principal_id IS NOT NULL OR s.key IS NOT NULL THEN 'DirectoryObject' ELSE 'Identity' END AS label,
       CASE WHEN w.user_id IS NOT NULL THEN object_key(w.tenant, w.user_id)
            WHEN w.service_principal_id IS NOT NULL THEN object_key(w.tenant, w.service_principal_id)
            ELSE coalesce(s.key, w.tenant || '/app:' || w.app_id) END AS key
FROM (
    SELECT DISTINCT tenant, CASE WHEN kind = 'user' THEN user_id END AS user_id,
           CASE WHEN kind <> 'user' THEN service_principal_id END AS service_principal_id,
           CASE WHEN kind <> 'user' AND service_principal_id IS NULL THEN app_id END AS app_id FROM sign_in_fold
    UNION
    SELECT DISTINCT tenant, user_id, CASE WHEN user_id IS NULL THEN service_principal_id END,
           CASE WHEN user_id IS NULL AND user_principal_name IS NULL AND service_principal_id IS NULL THEN app_id END FROM activity_fold
) w
LEFT JOIN single_principal s ON s.tenant = w.tenant AND s.identity_id = 'app:' || w.app_id
WHERE w.user_id IS NOT NULL OR w.service_principal_id IS NOT NULL OR w.app_id IS NOT NULL;

CREATE OR REPLACE MACRO principal_id(user_id, service_principal_id, app_id) AS
    coalesce('user:' || user_id, 'sp:' || service_principal_id, 'app:' || app_id);
