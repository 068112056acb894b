-- One view per node label of graph/schema.py, named node_<Label>, with exactly its columns.

CREATE OR REPLACE VIEW node_Identity AS
WITH part AS (
    SELECT tenant, identity_id, any_value(app_id) AS app_id, max_by(name, (last_at, kind = 'servicePrincipal', name)) FILTER (name IS NOT NULL) AS name,
           list_sort(list_distinct(list(CASE kind WHEN 'application' THEN 'reg:' ELSE 'sp:' END || object_id))) AS object_ids,
           bool_or(contains(labels, 'MicrosoftOwned')) AS microsoft, bool_or(contains(labels, 'AgentIdentity')) AS agent,
           bool_or(contains(labels, 'ManagedIdentity')) AS managed, bool_or(kind = 'application') AS registered,
           max(owner_tenant_id) AS owner_tenant_id, min(created_at) AS created_at,
           CASE WHEN bool_and(deleted_at IS NOT NULL) THEN max(deleted_at) END AS deleted_at,
           min(first_at) AS first_at, max(last_at) AS last_at
    FROM object WHERE identity_id IS NOT NULL GROUP BY tenant, identity_id
), alone AS (
    -- App ids that acted although no object of theirs is known.
    SELECT tenant, identity_id, any_value(app_id) AS app_id, min(first_at) AS first_at, max(last_at) AS last_at FROM (
        SELECT tenant, 'app:' || app_id AS identity_id, app_id, first_at, last_at FROM bare_app
        UNION ALL
        SELECT tenant, 'app:' || app_id, app_id, "at", "at" FROM inventory WHERE object_id IS NULL AND app_id IS NOT NULL
    ) a WHERE NOT EXISTS (SELECT 1 FROM part p WHERE p.tenant = a.tenant AND p.identity_id = a.identity_id)
    GROUP BY tenant, identity_id
), ordered AS (
    SELECT tenant, identity_id, list(name ORDER BY first_at NULLS FIRST, name) AS names FROM (
        SELECT o.tenant, o.identity_id, n.name, min(coalesce(n.valid_from, n.valid_to)) AS first_at
        FROM name_interval n JOIN object o USING (tenant, object_id) WHERE o.identity_id IS NOT NULL GROUP BY o.tenant, o.identity_id, n.name
    ) GROUP BY tenant, identity_id
)
SELECT 'Identity' AS labels, p.tenant || '/' || p.identity_id AS key,
       coalesce(p.name, 'Identity ' || substr(regexp_extract(p.identity_id, ':(.*)', 1), 1, 8)) AS caption,
       p.first_at AS firstSeen, p.last_at AS lastSeen, p.tenant AS tenantId, p.identity_id AS identityId, p.app_id AS appId, p.name,
       list_filter(coalesce(o.names, []), lambda name: name IS DISTINCT FROM p.name) AS formerNames,
       list_filter(p.object_ids, lambda id: id <> p.identity_id) AS formerIds,
       CASE WHEN p.microsoft THEN 'microsoft' WHEN p.agent THEN 'agent' WHEN p.managed THEN 'managedIdentity'
            WHEN p.registered OR p.app_id IS NOT NULL THEN 'application' ELSE 'unknown' END AS kind,
       p.owner_tenant_id AS ownerTenantId, w.owner, w.tier, p.created_at AS createdAt, p.deleted_at AS deletedAt
FROM part p LEFT JOIN ordered o USING (tenant, identity_id)
LEFT JOIN owner_of w ON w.tenant = p.tenant AND w.identity_id = p.identity_id
UNION ALL
SELECT 'Identity', tenant || '/' || identity_id, 'Identity ' || substr(app_id, 1, 8), first_at, last_at, tenant, identity_id, app_id, NULL,
       [], [], 'unknown', NULL, w.owner, w.tier, NULL, NULL
FROM alone LEFT JOIN listed_owner w ON w.id = app_id;

CREATE OR REPLACE VIEW node_Application AS
SELECT DISTINCT 'Application' AS labels, a.app_id AS key, coalesce(f.name, shown_app(a.app_id)) AS caption,
       a.app_id AS appId, f.name, f.skeleton, CASE WHEN f.app_id IS NOT NULL THEN true END AS microsoftOwned
FROM (
    SELECT app_id FROM object UNION SELECT value FROM mentioned WHERE what = 'application' UNION SELECT app_id FROM inventory
    UNION SELECT unnest(list_transform(list_filter(ids, lambda id: starts_with(id, 'appId:')), lambda id: substr(id, 7))) FROM conflict
    -- What a name in the logs looks like.
    UNION SELECT app_id FROM first_party JOIN name_skeleton USING (skeleton)
) a LEFT JOIN first_party f USING (app_id)
WHERE a.app_id IS NOT NULL;

CREATE OR REPLACE VIEW node_DirectoryObject AS
SELECT labels, key,
       coalesce(name, upn, CASE kind WHEN 'application' THEN 'Application object ' WHEN 'servicePrincipal' THEN 'Service principal '
           WHEN 'user' THEN 'User ' ELSE 'Object ' END || substr(object_id, 1, 8)) AS caption,
       first_at AS firstSeen, last_at AS lastSeen, tenant AS tenantId, object_id AS objectId, app_id AS appId, identity_id AS identityId,
       CASE WHEN kind = 'user' THEN NULL ELSE name END AS name, kind, upn AS userPrincipalName, enabled, owner_tenant_id AS ownerTenantId,
       created_at AS createdAt, deleted_at AS deletedAt, restored_at AS restoredAt,
       CASE WHEN p.object_id IS NOT NULL AND p.reason IS NULL THEN 'absent' ELSE origin END AS origin,
       CASE WHEN p.object_id IS NOT NULL AND p.reason IS NULL THEN p.event_ids ELSE origin_ids END AS originEventIds,
       CASE WHEN origin = 'unknown' THEN p.reason END AS originReason, k.listed_at AS keysListedAt,
       NOT described AS placeholder
FROM object LEFT JOIN object_origin p USING (tenant, object_id)
LEFT JOIN (SELECT tenant, object_id, max("at") AS listed_at FROM full_list WHERE stated = 'keys' GROUP BY tenant, object_id) k USING (tenant, object_id)
WHERE kind <> 'user' OR (tenant, object_id) IN (SELECT tenant, user_id FROM shown_user)
   OR (tenant, object_id) IN (SELECT tenant, user_id FROM activity_fold)
   OR (tenant, object_id) IN (SELECT tenant, actor_id FROM change_made)
   OR (tenant, object_id) IN (SELECT tenant, target_id FROM change_target)
   OR (tenant, object_id) IN (SELECT tenant, owner_id FROM owner_change)
   OR (tenant, object_id) IN (SELECT tenant, grantee_id FROM grant_change);

CREATE OR REPLACE VIEW node_Name AS
SELECT 'Name' AS labels, n.tenant || '/' || n.name AS key, n.name AS caption, min(n.valid_from) AS firstSeen, max(n.valid_to) AS lastSeen,
       n.tenant AS tenantId, n.name AS value, any_value(s.skeleton) AS skeleton
FROM (
    SELECT tenant, name, valid_from, valid_to FROM name_interval
    UNION ALL SELECT tenant, unnest([old_name, new_name]), "at", "at" FROM rename
) n JOIN name_skeleton s USING (name) GROUP BY n.tenant, n.name;

CREATE OR REPLACE VIEW node_Credential AS
SELECT CASE kind WHEN 'secret' THEN 'Credential:Secret' WHEN 'certificate' THEN 'Credential:Certificate'
            WHEN 'federated' THEN 'Credential:FederatedCredential' ELSE 'Credential' END AS labels, key,
       coalesce(display_name, CASE kind WHEN 'secret' THEN 'Secret ' WHEN 'certificate' THEN 'Certificate ' WHEN 'federated' THEN 'Federated credential '
                ELSE 'Credential ' END || substr(coalesce(key_id, federated_id, thumbprint, ''), 1, 8)) AS caption,
       first_at AS firstSeen, last_at AS lastSeen, tenant AS tenantId, key_id AS keyId, thumbprint, federated_id AS federatedId,
       issuer, subject, CASE WHEN kind = 'federated' AND issuer IS NOT NULL AND (SELECT count(*) FROM listed_issuer) > 0
            THEN issuer IN (SELECT issuer FROM listed_issuer) END AS issuerDeclared, display_name AS displayName, added_at AS addedAt, first_used AS firstUsed, last_used AS lastUsed,
       removed_at AS removedAt, expires_at AS expiresAt,
       CASE WHEN (tenant, strong) IN (SELECT tenant, strong FROM signing_key) THEN true END AS signing,
       CASE WHEN o.strong IS NOT NULL AND o.reason IS NULL THEN 'absent' ELSE origin END AS origin,
       CASE WHEN o.strong IS NOT NULL AND o.reason IS NULL THEN o.event_ids ELSE origin_ids END AS originEventIds,
       CASE WHEN origin = 'unknown' THEN CASE WHEN o.strong IS NULL THEN 'noFullStatement' ELSE o.reason END END AS originReason
FROM credential LEFT JOIN credential_origin o USING (tenant, strong);

CREATE OR REPLACE VIEW node_IPAddress AS
SELECT 'IPAddress' AS labels, ip AS key, ip AS caption, ip AS address, scope, network, purpose, declared FROM address;

-- Resources and their parents inside the same provider.
CREATE OR REPLACE TABLE resource AS
WITH RECURSIVE own AS (
    SELECT tenant, resource_id, min(first_at) AS first_at, max(last_at) AS last_at FROM (
        SELECT tenant, resource_id, first_at, last_at FROM activity_fold
        UNION ALL SELECT tenant, managed_identity_resource_id, first_at, last_at FROM activity_fold
        UNION ALL SELECT tenant, resource_id, first_at, last_at FROM workflow_run
        UNION ALL SELECT tenant, right_id, first_at, last_at FROM stated_pair WHERE right_type IN ('resourceId', 'assignedTo')
    ) WHERE resource_id IS NOT NULL GROUP BY tenant, resource_id
), up AS (
    SELECT tenant, resource_id, first_at, last_at FROM own
    UNION
    SELECT tenant, regexp_replace(resource_id, CASE WHEN regexp_matches(resource_id, '/providers/[^/]+/[^/]+/[^/]+$')
               THEN '/providers/[^/]+/[^/]+/[^/]+$' ELSE '/[^/]+/[^/]+$' END, ''), first_at, last_at
    FROM up WHERE regexp_matches(resource_id, '^/subscriptions/[^/]+/.+/')
)
SELECT tenant, resource_id, min(first_at) AS first_at, max(last_at) AS last_at,
       CASE WHEN regexp_matches(resource_id, '^/subscriptions/[^/]+/.+/') THEN
            regexp_replace(resource_id, CASE WHEN regexp_matches(resource_id, '/providers/[^/]+/[^/]+/[^/]+$')
               THEN '/providers/[^/]+/[^/]+/[^/]+$' ELSE '/[^/]+/[^/]+$' END, '') END AS parent_id
FROM up WHERE resource_id <> '' GROUP BY tenant, resource_id;

CREATE OR REPLACE VIEW node_Resource AS
-- A resource whose name is a GUID reads `subscription 5c8f24eb`.
SELECT 'Resource' AS labels, tenant || resource_id AS key,
       regexp_extract(regexp_replace(resource_id, '([^/]+?)s?/([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$', '\1 \2'), '([^/]+)$', 1) AS caption, first_at AS firstSeen, last_at AS lastSeen,
       tenant AS tenantId, resource_id AS resourceId,
       CASE WHEN contains(resource_id, '/providers/') THEN
                -- Behind the provider, types and names alternate.
                array_to_string(list_filter(string_split(regexp_extract(resource_id, '.*/providers/(.*)$', 1), '/'),
                                            lambda part, place: place = 1 OR place % 2 = 0), '/')
            WHEN regexp_matches(resource_id, '^/subscriptions/[^/]+$') THEN 'subscription'
            WHEN contains(resource_id, '/resourcegroups/') THEN 'resourcegroup' END AS type,
       regexp_extract(resource_id, '([^/]+)$', 1) AS name
FROM resource;

CREATE OR REPLACE VIEW node_Operation AS
SELECT DISTINCT 'Operation' AS labels, service || '/' || operation AS key, operation AS caption, service, operation AS name FROM activity_fold;

CREATE OR REPLACE TABLE shown_token AS
SELECT * FROM (
    SELECT tenant, token_id, min(first_at) AS first_at, max(last_at) AS last_at, min(issued_at) AS issued_at,
           list_distinct(flatten(list(ips))) AS ips, max(sign_in_ip) AS sign_in_ip, max(sign_in_id) AS sign_in_id, bool_or(of_user) AS of_user
    FROM token GROUP BY tenant, token_id
) WHERE worth_a_node(ips, sign_in_ip, sign_in_id, of_user);

CREATE OR REPLACE VIEW node_Token AS
SELECT 'Token' AS labels, tenant || '/' || token_id AS key, 'Token ' || substr(token_id, 1, 8) AS caption,
       first_at AS firstSeen, last_at AS lastSeen, tenant AS tenantId, token_id AS tokenId, issued_at AS issuedAt
FROM shown_token;

CREATE OR REPLACE VIEW node_Permission AS
WITH permission AS (
    SELECT permission_key, resource_app_id, kind, value, max(permission_id) AS permission_id FROM (
        SELECT permission_key, resource_app_id, kind, value, permission_id, label FROM granted
        UNION ALL SELECT DISTINCT permission_key, resource_app_id, kind, value, NULL, label FROM carried_by
    ) WHERE label = 'Permission' GROUP BY permission_key, resource_app_id, kind, value
)
SELECT 'Permission' AS labels, permission_key AS key, coalesce(value, 'Permission ' || substr(permission_id, 1, 8)) AS caption,
       resource_app_id AS resourceAppId, kind, value, permission_id AS permissionId,
       risk_of(kind, value, permission_id, resource_app_id) AS risk
FROM permission;

CREATE OR REPLACE VIEW node_DirectoryRole AS
SELECT 'DirectoryRole' AS labels, key, coalesce(name, 'Role ' || substr(key, 1, 8)) AS caption, key AS templateId, name,
       risk_of('directoryRole', name, key, NULL) AS risk
FROM (SELECT permission_key AS key, coalesce(max(value), any_value(l.name)) AS name
      FROM granted LEFT JOIN listed_role l ON l.id = permission_key WHERE label = 'DirectoryRole' GROUP BY permission_key);

CREATE OR REPLACE VIEW node_AzureRole AS
SELECT 'AzureRole' AS labels, key, coalesce(name, 'Azure role ' || substr(role_id, 1, 8)) AS caption,
       role_id AS roleDefinitionId, name, scope, risk_of('azureRole', name, role_id, NULL) AS risk
FROM (SELECT permission_key AS key, max(permission_id) AS role_id, coalesce(max(value), any_value(l.name)) AS name, max(scope) AS scope
      FROM granted LEFT JOIN listed_role l ON l.id = permission_id WHERE label = 'AzureRole' GROUP BY permission_key);

CREATE OR REPLACE VIEW node_Conflict AS
SELECT 'Conflict' AS labels, c.key, c.reason AS caption, NULL AS firstSeen, NULL AS lastSeen, c.tenant AS tenantId, c.kind, c.reason, c.event_ids AS eventIds
FROM conflict c;

CREATE OR REPLACE VIEW node_LogSource AS
SELECT 'LogSource' AS labels, fold_key([tenant, source, scope]) AS key, source || CASE WHEN scope = '' THEN '' ELSE ' ' || regexp_extract(scope, '([^/]+)$', 1) END AS caption,
       first_at AS firstSeen, last_at AS lastSeen, tenant AS tenantId, source, scope, events AS eventCount, bytes, duplicates, p50 AS delayP50, p95 AS delayP95, declared
FROM log_source;

CREATE OR REPLACE VIEW node_Gap AS
SELECT DISTINCT 'Gap' AS labels, fold_key([tenant, source, scope, moment(start), kind]) AS key, kind || ' in ' || source AS caption,
       start AS firstSeen, "end" AS lastSeen, tenant AS tenantId, source, scope, start, "end", kind
FROM gap;
