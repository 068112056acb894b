-- What the day's records state about identities: id pairs, objects, names, credentials, owners, grants.

CREATE OR REPLACE TABLE id_pair AS
WITH pair AS (
    SELECT day, tenant, 'servicePrincipal' AS left_type, service_principal_id AS left_id, 'appId' AS right_type,
           app_id AS right_id, 'signIn' AS basis, "at", event_key
    FROM sign_in WHERE home AND kind <> 'user'
    UNION ALL
    -- Not those of users: a user of this tenant may sign in to another one, and the id is then that tenant's.
    SELECT day, tenant, 'servicePrincipal', resource_service_principal_id, 'appId', resource_app_id, 'signInResource', "at", event_key
    FROM sign_in WHERE home AND kind <> 'user'
    UNION ALL
    SELECT day, tenant, 'servicePrincipal', service_principal_id, 'resourceId', managed_identity_resource_id, 'signIn', "at", event_key
    FROM sign_in WHERE home
    UNION ALL
    SELECT day, tenant, 'servicePrincipal', service_principal_id, 'assignedTo', assigned_resource_id, 'signIn', "at", event_key
    FROM sign_in WHERE home
    UNION ALL
    SELECT day, tenant, 'servicePrincipal', service_principal_id, 'appId', app_id, service, "at", event_key
    FROM activity WHERE home AND user_id IS NULL
    UNION ALL
    SELECT day, tenant, 'servicePrincipal', service_principal_id, 'resourceId', managed_identity_resource_id, service, "at", event_key
    FROM activity WHERE home AND user_id IS NULL
    UNION ALL
    -- The resource that got the token; that of a system-assigned identity is the identity.
    SELECT day, tenant, 'servicePrincipal', service_principal_id, 'assignedTo', token_resource_id, service, "at", event_key
    FROM activity WHERE home AND user_id IS NULL AND token_resource_id <> managed_identity_resource_id
    UNION ALL
    SELECT day, tenant, b.left_type, b.left_id, b.right_type, b.right_id, 'audit:' || b.basis, "at", event_key
    FROM (SELECT day, tenant, "at", event_key, unnest(bridges) AS b FROM change WHERE home)
    UNION ALL
    SELECT day, tenant, b.left_type, b.left_id, b.right_type, b.right_id, service || ':' || b.basis, "at", event_key
    FROM (SELECT day, tenant, service, "at", event_key, unnest(bridges) AS b FROM activity WHERE home AND outcome = 'success')
    UNION ALL
    SELECT day, tenant, 'servicePrincipal', service_principal_id, 'appId', app_id, 'risk', "at", event_key FROM risk WHERE home
)
SELECT day, tenant, left_type, left_id, right_type, right_id, basis, min("at") AS first_at, max("at") AS last_at,
       count(*) AS events, first_last(event_key, "at") AS event_ids
FROM pair WHERE left_id IS NOT NULL AND right_id IS NOT NULL
GROUP BY ALL;

-- Targets of operations that write twin records. All days together say which of them are alone under their id.
CREATE OR REPLACE TABLE twin_target AS
SELECT day, tenant, correlation_id, t.type, t.id, verb, list_filter(names, lambda n: n.object_id = t.id)[1].new AS new_name,
       min("at") AS "at", min_by(event_key, ("at", event_key)) AS event_key
FROM (SELECT day, tenant, correlation_id, "at", event_key, replace(string_split(operation, ' ')[1], 'remove', 'delete') AS verb, names,
             unnest(targets) AS t FROM change
      WHERE home AND operation IN ('update application', 'update service principal', 'delete application', 'remove service principal',
                                   'add application', 'add service principal', 'restore application', 'restore service principal',
                                   'update application - certificates and secrets management'))
WHERE t.id IS NOT NULL AND t.type IN ('Application', 'ServicePrincipal') AND correlation_id IS NOT NULL
GROUP BY ALL;

-- Every directory object that is described or mentioned. `described`: a record is about the object itself.
CREATE OR REPLACE TABLE object_seen AS
WITH seen AS (
    SELECT day, tenant, service_principal_id AS object_id, 'servicePrincipal' AS kind, true AS described, "at",
           CASE WHEN kind = 'managedIdentity' THEN true END AS managed, agent_type IS NOT NULL AS agent,
           app_owner_tenant_id AS owner_tenant_id, NULL AS upn, kind = 'servicePrincipal' AS signs_in
    FROM sign_in WHERE home AND kind <> 'user'
    UNION ALL
    SELECT day, tenant, resource_service_principal_id, 'servicePrincipal', true, "at", NULL, false, resource_owner_tenant_id, NULL, false
    FROM sign_in WHERE home AND kind <> 'user'
    UNION ALL
    SELECT day, tenant, user_id, 'user', true, "at", NULL, false, NULL, user_principal_name, false FROM user_sign_in
    UNION ALL
    SELECT day, tenant, service_principal_id, 'servicePrincipal', true, "at", CASE WHEN managed_identity_resource_id IS NOT NULL THEN true END,
           false, NULL, NULL, false
    FROM activity WHERE home AND user_id IS NULL
    UNION ALL
    SELECT day, tenant, user_id, 'user', true, "at", NULL, false, NULL, user_principal_name, false FROM activity WHERE home
    UNION ALL
    SELECT day, tenant, actor_id, CASE actor_type WHEN 'user' THEN 'user' ELSE 'servicePrincipal' END, true, "at",
           CASE WHEN actor_type = 'app' THEN actor_managed_identity END, false, NULL,
           CASE actor_type WHEN 'user' THEN actor_name END, false
    FROM change WHERE home
    UNION ALL
    SELECT day, tenant, t.id, CASE t.type WHEN 'Application' THEN 'application' WHEN 'ServicePrincipal' THEN 'servicePrincipal'
           WHEN 'User' THEN 'user' WHEN 'Group' THEN 'group' WHEN 'Policy' THEN 'policy' WHEN 'Device' THEN 'device'
           WHEN 'Role' THEN 'role' ELSE 'unknown' END, true, "at",
           CASE WHEN t.type = 'ServicePrincipal' THEN managed_identity END, false,
           CASE WHEN t.type IN ('ServicePrincipal', 'Application') AND lifecycle = 'created' THEN app_owner_tenant_id END,
           CASE t.type WHEN 'User' THEN t.user_principal_name END, false
    FROM (SELECT day, tenant, "at", managed_identity, lifecycle, app_owner_tenant_id, unnest(targets) AS t FROM change WHERE home)
    UNION ALL
    SELECT day, tenant, o.owner_id, CASE o.owner_type WHEN 'User' THEN 'user' WHEN 'ServicePrincipal' THEN 'servicePrincipal' ELSE 'unknown' END,
           false, "at", NULL, false, NULL, NULL, false
    FROM (SELECT day, tenant, "at", unnest(owners) AS o FROM change WHERE home)
    UNION ALL
    SELECT day, tenant, g.grantee_id, CASE g.grantee_type WHEN 'User' THEN 'user' WHEN 'ServicePrincipal' THEN 'servicePrincipal' ELSE 'unknown' END,
           false, "at", NULL, false, NULL, NULL, false
    FROM (SELECT day, tenant, "at", unnest(grants) AS g FROM change WHERE home
          UNION ALL SELECT day, tenant, "at", unnest(grants) FROM activity WHERE home)
)
SELECT day, tenant, object_id, kind, bool_or(described) AS described, min("at") AS first_at, max("at") AS last_at,
       bool_or(managed) AS managed, bool_or(agent) AS agent, max(owner_tenant_id) AS owner_tenant_id, max_by(upn, ("at", upn)) AS upn,
       bool_or(signs_in) AS signs_in
FROM seen WHERE object_id IS NOT NULL
GROUP BY day, tenant, object_id, kind;

-- Runs of one name in the sign-ins of an object, in time order.
CREATE OR REPLACE TABLE name_run AS
WITH sighting AS (
    SELECT day, tenant, service_principal_id AS object_id, service_principal_name AS name, "at", event_key
    FROM sign_in WHERE home AND kind <> 'user' AND service_principal_id IS NOT NULL AND service_principal_name IS NOT NULL AND "at" IS NOT NULL
), several AS (
    SELECT day, tenant, object_id FROM sighting GROUP BY day, tenant, object_id HAVING min(name) <> max(name)
), marked AS (
    SELECT *, name IS DISTINCT FROM lag(name) OVER w AS starts FROM sighting SEMI JOIN several USING (day, tenant, object_id)
    WINDOW w AS (PARTITION BY day, tenant, object_id ORDER BY "at", event_key)
), numbered AS (
    SELECT * EXCLUDE (starts), sum(starts::INT) OVER (PARTITION BY day, tenant, object_id ORDER BY "at", event_key) AS run FROM marked
    UNION ALL
    SELECT *, 1 FROM sighting ANTI JOIN several USING (day, tenant, object_id)
)
SELECT day, tenant, object_id, name, 'signIn' AS basis, min("at") AS first_at, max("at") AS last_at, first_last(event_key, "at") AS event_ids
FROM numbered GROUP BY day, tenant, object_id, name, run;

CREATE OR REPLACE TABLE rename AS
SELECT day, tenant, n.object_id, n.object_type, bounded(n.old) AS old_name, bounded(n.new) AS new_name, "at", event_key
FROM (SELECT day, tenant, "at", event_key, unnest(names) AS n FROM change WHERE home AND coalesce(result, 'success') = 'success')
WHERE n.old IS DISTINCT FROM n.new;

-- What targets were shown as: no witness of a name (it may be the former one, or an app id), a hint where there is none.
-- Nor are detections: they state several times, and not of which one their name is.
CREATE OR REPLACE TABLE shown_name AS
WITH shown AS (
    SELECT day, tenant, t.id AS object_id, t.display_name AS name, "at"
    FROM (SELECT day, tenant, "at", unnest(targets) AS t FROM change WHERE home)
    WHERE t.type IN ('Application', 'ServicePrincipal')
    UNION ALL
    SELECT day, tenant, service_principal_id, name, "at" FROM risk WHERE home
)
SELECT day, tenant, object_id, bounded(name) AS name, min("at") AS first_at
FROM shown
WHERE object_id IS NOT NULL AND name <> '' AND NOT regexp_matches(name, '^[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}$')
GROUP BY day, tenant, object_id, bounded(name);

CREATE OR REPLACE TABLE credential_change AS
WITH asked AS (
    -- What was asked for may stand in the record of the start alone.
    SELECT day, tenant, correlation_id, c.object_id, c.federated_name, max(c.issuer) AS issuer, max(c.subject) AS subject
    FROM (SELECT day, tenant, correlation_id, unnest(credentials) AS c FROM activity WHERE home)
    WHERE c.issuer IS NOT NULL AND c.federated_name IS NOT NULL GROUP BY ALL
)
SELECT made.day, made.tenant, c.object_type, c.object_id, c.change,
       coalesce('key:' || c.key_id, 'fic:' || c.federated_id, 'fic:' || c.object_id || '/' || bounded(lower(c.federated_name)),
                'fic:' || c.object_id || '/' || trusted(c.issuer, c.subject, c.audiences)) AS credential,
       c.kind, c.key_id, c.federated_id, bounded(coalesce(c.issuer, a.issuer)) AS issuer, bounded(coalesce(c.subject, a.subject)) AS subject,
       bounded(coalesce(c.display_name, c.federated_name)) AS display_name, coalesce(lower(c.usage) = 'sign', false) AS signs, "at", event_key, act
FROM (
    SELECT day, tenant, "at", event_key, 'change' AS act, NULL AS correlation_id, unnest(credentials) AS c
    FROM change WHERE home AND coalesce(result, 'success') = 'success'
    UNION ALL
    SELECT day, tenant, "at", event_key, 'activity', correlation_id, unnest(credentials) FROM activity WHERE home AND outcome = 'success'
) made
LEFT JOIN asked a ON a.day = made.day AND a.tenant = made.tenant AND a.correlation_id = made.correlation_id
    AND a.object_id = c.object_id AND a.federated_name = c.federated_name
WHERE c.object_id IS NOT NULL;

-- What the directory states of the whole list of an object's keys or federated credentials: the list before and after a
-- change (`whole`; one side alone may be the changed key only), or that it changed without saying how. What a record only
-- mentions, another record of the same operation may show.
CREATE OR REPLACE TABLE key_statement AS
WITH keyed AS (
    SELECT day, tenant, "at", event_key, correlation_id, s.object_id, s.stated, s.before AND s.after AS whole, coalesce(s.mentioned, false) AS mentioned
    FROM (SELECT day, tenant, "at", event_key, correlation_id, unnest(key_statements) AS s FROM change
          WHERE home AND coalesce(result, 'success') = 'success')
)
SELECT day, tenant, object_id, stated, whole, "at", event_key FROM keyed k
WHERE NOT (mentioned AND EXISTS (
    SELECT 1 FROM keyed t WHERE t.day = k.day AND t.tenant = k.tenant AND t.correlation_id = k.correlation_id AND t.stated = k.stated AND NOT t.mentioned))
UNION ALL
SELECT day, tenant, t.id, 'hidden', false, "at", event_key
FROM (SELECT day, tenant, "at", event_key, unnest(targets) AS t FROM change
      WHERE home AND coalesce(result, 'success') = 'success' AND coalesce(len(key_statements), 0) = 0
        AND operation IN ('update application - certificates and secrets management', 'add service principal credentials',
                          'create application - certificates and secrets management', 'remove service principal credentials'))
WHERE t.id IS NOT NULL AND t.type IN ('Application', 'ServicePrincipal');

CREATE OR REPLACE TABLE credential_use AS
SELECT day, tenant, credential_id(key_id, federated_credential_id, thumbprint) AS credential, service_principal_id, app_id,
       max(key_id) AS key_id, max(thumbprint) AS thumbprint, max(federated_credential_id) AS federated_id,
       max(credential_type) AS credential_type, min("at") AS first_at, max("at") AS last_at,
       min("at") FILTER (result_class = 'success') AS first_used, max("at") FILTER (result_class = 'success') AS last_used,
       first_last(event_key, "at") AS event_ids
FROM sign_in WHERE home AND credential_id(key_id, federated_credential_id, thumbprint) IS NOT NULL
GROUP BY day, tenant, credential_id(key_id, federated_credential_id, thumbprint), service_principal_id, app_id;

CREATE OR REPLACE TABLE owner_change AS
SELECT day, tenant, o.change, o.object_type, o.object_id, o.owner_type, o.owner_id, "at", event_key
FROM (SELECT day, tenant, "at", event_key, unnest(owners) AS o FROM change WHERE home AND coalesce(result, 'success') = 'success')
WHERE o.object_id IS NOT NULL;

CREATE OR REPLACE TABLE grant_change AS
SELECT day, tenant, g.change, g.kind, g.grantee_type, g.grantee_id, g.resource_app_id, g.resource_service_principal_id, bounded(g.value) AS value,
       g.permission_id, g.scope, g.consent_type, g.principal_id, "at", event_key, act
FROM (
    SELECT day, tenant, "at", event_key, 'change' AS act, unnest(grants) AS g FROM change WHERE home AND coalesce(result, 'success') = 'success'
    UNION ALL
    SELECT day, tenant, "at", event_key, 'activity', unnest(grants) FROM activity WHERE home AND outcome = 'success'
);

CREATE OR REPLACE TABLE change_made AS
SELECT day, tenant, event_key, "at", operation, raw_operation, result, correlation_id, admin_consent, actor_type, actor_id, actor_name,
       actor_app_id, actor_ip, actor_ip_basis, lifecycle, enabled,
       list_distinct(list_transform(list_filter(targets, lambda t: t.id IS NOT NULL), lambda t: {'type': t.type, 'id': t.id})) AS targets,
       len(list_filter(grants, lambda g: g.grantee_id IS NOT NULL)) > 0 AS has_grantee,
       list_distinct(list_transform(list_filter(grants, lambda g: g.grantee_id IS NOT NULL), lambda g: g.grantee_id)) AS grantees
FROM change WHERE home;

-- What a change was done to; for a grant the grantee, never the resource that exposes the permission.
CREATE OR REPLACE TABLE change_target AS
WITH unshown AS (
    SELECT DISTINCT day, event_key, n.object_id
    FROM (SELECT day, event_key, unnest(names) AS n FROM change WHERE home AND coalesce(result, 'success') = 'success')
    WHERE n.old IS NULL AND n.new IS NULL
)
SELECT c.day, tenant, c.event_key, "at", t.id AS target_id, t.type, CASE WHEN u.object_id IS NOT NULL THEN true END AS name_unshown FROM (
    SELECT day, tenant, event_key, "at", has_grantee, grantees, unnest(targets) AS t FROM change_made
) c LEFT JOIN unshown u ON u.day = c.day AND u.event_key = c.event_key AND u.object_id = t.id
WHERE NOT has_grantee OR list_contains(grantees, t.id)
UNION
SELECT day, tenant, event_key, "at", unnest(grantees), NULL, NULL FROM change_made
WHERE has_grantee AND NOT list_has_any(grantees, coalesce(list_transform(targets, lambda t: t.id), []));

-- Application ids and addresses that the graph has a node for.
CREATE OR REPLACE TABLE mentioned AS
SELECT day, tenant, 'application' AS what, app_id AS value FROM sign_in_fold WHERE app_id IS NOT NULL
UNION SELECT day, tenant, 'application', resource_app_id FROM sign_in_fold WHERE resource_app_id IS NOT NULL
UNION SELECT day, tenant, 'application', app_id FROM user_sign_in WHERE app_id IS NOT NULL
UNION SELECT day, tenant, 'application', resource_app_id FROM user_sign_in WHERE resource_app_id IS NOT NULL
UNION SELECT day, tenant, 'application', app_id FROM activity_fold WHERE app_id IS NOT NULL
UNION SELECT day, tenant, 'address', ip FROM sign_in_fold WHERE ip IS NOT NULL
UNION SELECT day, tenant, 'address', ip FROM user_sign_in WHERE ip IS NOT NULL
UNION SELECT day, tenant, 'address', ip FROM activity_fold WHERE ip IS NOT NULL
UNION SELECT day, tenant, 'address', actor_ip FROM change_made WHERE actor_ip IS NOT NULL;

-- The activity folds that carried grants or credentials, so that their edges start at the fold.
CREATE OR REPLACE TABLE act_fold AS
SELECT s.day, s.event_key, s.fold::VARCHAR AS fold FROM activity_state s JOIN activity a ON a.rowid = s."row"
WHERE len(a.grants) > 0 OR len(a.credentials) > 0;

-- Roles and scopes in the tokens of each fold.
CREATE OR REPLACE TABLE carried AS
WITH alike AS (
    SELECT s.day, s.fold, a.roles, a.scopes, a.wids, min(s."at") AS first_at, max(s."at") AS last_at
    FROM activity_state s JOIN activity a ON a.rowid = s."row"
    WHERE len(a.roles) > 0 OR len(a.scopes) > 0 OR len(a.wids) > 0 GROUP BY s.day, s.fold, a.roles, a.scopes, a.wids
), one AS (
    SELECT day, fold, first_at, last_at, 'application' AS kind, unnest(roles) AS value FROM alike
    UNION ALL SELECT day, fold, first_at, last_at, 'delegated', unnest(scopes) FROM alike
    UNION ALL SELECT day, fold, first_at, last_at, 'directoryRole', lower(unnest(wids)) FROM alike
)
SELECT day, fold::VARCHAR AS fold, kind, bounded(value) AS value, min(first_at) AS first_at, max(last_at) AS last_at
FROM one WHERE value <> '' GROUP BY day, fold, kind, bounded(value);
