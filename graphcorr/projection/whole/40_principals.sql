-- Where ids as written lead: a service principal by its object id; an app id alone to the one service principal of its
-- identity, else to the identity itself.

CREATE OR REPLACE TABLE object AS
SELECT k.tenant, k.object_id, object_key(k.tenant, k.object_id) AS key, k.kind, k.described, k.first_at, k.last_at,
       k.signs_in, k.owner_tenant_id, k.upn, n.name, l.created_at, l.deleted_at, l.restored_at, l.enabled, l.origin, l.origin_ids,
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

-- Only users that are shown take part.
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

-- An app id that acted without a service principal stands for the one of its identity, else for the identity itself.
CREATE OR REPLACE TABLE bare_principal AS
SELECT DISTINCT tenant, app_id, CASE WHEN s.key IS NULL THEN 'Identity' ELSE 'DirectoryObject' END AS label,
       coalesce(s.key, tenant || '/app:' || app_id) AS key
FROM bare_app LEFT JOIN (SELECT tenant, substr(identity_id, 5) AS app_id, key FROM single_principal WHERE starts_with(identity_id, 'app:')) s
    USING (tenant, app_id);
