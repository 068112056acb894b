-- Credentials and their lives, from every witness. A thumbprint alone gives way to the key id once a record states both.

-- Azure names a user-assigned identity by its Azure id, the directory by its service principal.
CREATE OR REPLACE TABLE azure_identity AS
SELECT tenant, right_id AS resource_id, min(left_id) AS object_id FROM stated_pair
WHERE left_type = 'servicePrincipal' AND right_type = 'resourceId' GROUP BY tenant, right_id HAVING count(DISTINCT left_id) = 1;

-- A list of federated credentials names the application by one of its ids, or the managed identity.
CREATE OR REPLACE TABLE listed_key AS
SELECT tenant, object_id, object_type, "at", event_key,
       coalesce('key:' || k.key_id, 'fic:' || k.federated_id, 'fic:' || object_id || '/' || bounded(lower(k.display_name)), 'thumb:' || k.thumbprint) AS credential,
       k.kind, k.key_id, k.federated_id, k.thumbprint, bounded(k.issuer) AS issuer, bounded(k.subject) AS subject, bounded(k.display_name) AS display_name, k.start_at, k.expires_at
FROM (
    SELECT i.tenant, coalesce(i.object_id, a.object_id, m.object_id, i.managed_identity_resource_id) AS object_id,
           CASE WHEN i.object_type <> 'federatedIdentityCredential' THEN i.object_type WHEN m.object_id IS NOT NULL THEN 'servicePrincipal'
                WHEN i.managed_identity_resource_id IS NULL THEN 'application' END AS object_type,
           i."at", i.event_key, unnest(i.keys) AS k
    FROM inventory i
    LEFT JOIN (SELECT tenant, app_id, min(object_id) AS object_id FROM object WHERE kind = 'application' AND app_id IS NOT NULL
               GROUP BY tenant, app_id HAVING count(*) = 1) a
        ON i.object_type = 'federatedIdentityCredential' AND a.tenant = i.tenant AND a.app_id = i.app_id
    LEFT JOIN azure_identity m
        ON i.object_type = 'federatedIdentityCredential' AND m.tenant = i.tenant AND m.resource_id = i.managed_identity_resource_id
) WHERE object_id IS NOT NULL OR k.federated_id IS NOT NULL;

CREATE OR REPLACE TABLE credential_moved AS
SELECT c.* REPLACE (coalesce(i.object_id, c.object_id) AS object_id,
                    CASE WHEN i.object_id IS NULL THEN c.object_type ELSE 'ServicePrincipal' END AS object_type,
                    CASE WHEN starts_with(c.credential, 'fic:' || i.resource_id || '/')
                         THEN 'fic:' || i.object_id || substr(c.credential, length('fic:' || i.resource_id) + 1) ELSE c.credential END AS credential)
FROM credential_change c LEFT JOIN azure_identity i ON i.tenant = c.tenant AND i.resource_id = c.object_id;

CREATE OR REPLACE TABLE thumb_of AS
SELECT tenant, thumbprint, min(key_id) AS key_id FROM (
    SELECT tenant, thumbprint, key_id FROM credential_use WHERE thumbprint IS NOT NULL AND key_id IS NOT NULL
    UNION SELECT tenant, thumbprint, key_id FROM listed_key WHERE thumbprint IS NOT NULL AND key_id IS NOT NULL
) GROUP BY tenant, thumbprint HAVING count(DISTINCT key_id) = 1;

-- Azure writes names in any case.
CREATE OR REPLACE TABLE fic_of AS
SELECT tenant, object_id || '/' || lower(display_name) AS named, min(federated_id) AS federated_id FROM (
    SELECT tenant, object_id, display_name, federated_id FROM credential_moved WHERE federated_id IS NOT NULL AND display_name IS NOT NULL
    UNION SELECT tenant, object_id, display_name, federated_id FROM listed_key WHERE federated_id IS NOT NULL AND display_name IS NOT NULL
) GROUP BY tenant, object_id || '/' || lower(display_name) HAVING count(DISTINCT federated_id) = 1;

-- Keys that Microsoft's detections name: nothing else may know of them.
CREATE OR REPLACE TABLE risk_key AS
SELECT tenant, risk_id, 'key:' || key_id AS credential, key_id, "at", event_key
FROM (SELECT tenant, risk_id, "at", event_key, unnest(key_ids) AS key_id FROM risk_seen);

-- The strongest id of each credential id that occurs.
CREATE OR REPLACE TABLE credential_name AS
SELECT i.tenant, i.credential, coalesce('key:' || t.key_id, 'fic:' || f.federated_id, i.credential) AS strong
FROM (
    SELECT tenant, credential FROM credential_moved UNION SELECT tenant, credential FROM credential_use
    UNION SELECT tenant, credential FROM listed_key UNION SELECT tenant, credential FROM risk_key
) i
LEFT JOIN thumb_of t ON t.tenant = i.tenant AND i.credential = 'thumb:' || t.thumbprint
LEFT JOIN fic_of f ON f.tenant = i.tenant AND i.credential = 'fic:' || f.named
WHERE i.credential IS NOT NULL;

-- Keys that sign tokens (SAML), beside those that prove who signs in.
CREATE OR REPLACE TABLE signing_key AS
SELECT DISTINCT tenant, n.strong FROM credential_moved c JOIN credential_name n USING (tenant, credential) WHERE c.signs;

CREATE OR REPLACE TABLE credential_witness AS
SELECT c.tenant, n.strong, c.kind, c.key_id, c.federated_id, NULL AS thumbprint, c.issuer, c.subject, c.display_name,
       c."at", c.change AS what, c.event_key, NULL::TIMESTAMPTZ AS used_from, NULL::TIMESTAMPTZ AS used_to, NULL::TIMESTAMPTZ AS expires_at
FROM credential_moved c JOIN credential_name n USING (tenant, credential)
UNION ALL
SELECT l.tenant, n.strong, l.kind, l.key_id, l.federated_id, l.thumbprint, l.issuer, l.subject, l.display_name,
       l."at", 'listed', l.event_key, NULL, NULL, l.expires_at
FROM listed_key l JOIN credential_name n USING (tenant, credential)
UNION ALL
SELECT u.tenant, n.strong,
       CASE WHEN u.thumbprint IS NOT NULL OR u.credential_type = 'certificate' THEN 'certificate'
            WHEN u.federated_id IS NOT NULL THEN 'federated'
            WHEN u.credential_type = 'clientSecret' THEN 'secret' END,
       u.key_id, u.federated_id, u.thumbprint, NULL, NULL, NULL, u.first_at, 'used', u.event_ids[1], u.first_used, u.last_used, NULL
FROM credential_use u JOIN credential_name n USING (tenant, credential)
UNION ALL
SELECT r.tenant, n.strong, NULL, r.key_id, NULL, NULL, NULL, NULL, NULL, r."at", 'reported', r.event_key, NULL, NULL, NULL
FROM risk_key r JOIN credential_name n USING (tenant, credential);

-- One record removes what a credential trusted and adds what it trusts now, in this order.
CREATE OR REPLACE TABLE credential AS
SELECT tenant, strong, tenant || '/' || strong AS key,
       -- What the directory says of a key weighs more than what a sign-in hints at.
       coalesce(max(kind) FILTER (what <> 'used'), max(kind)) AS kind,
       max(key_id) AS key_id, max(thumbprint) AS thumbprint, max(federated_id) AS federated_id,
       -- What it trusts now.
       max_by(issuer, ("at" IS NOT NULL, "at", what <> 'removed', subject, issuer)) FILTER (coalesce(issuer, subject) IS NOT NULL) AS issuer,
       max_by(subject, ("at" IS NOT NULL, "at", what <> 'removed', subject, issuer)) FILTER (coalesce(issuer, subject) IS NOT NULL) AS subject,
       max_by(display_name, ("at", display_name)) FILTER (display_name IS NOT NULL) AS display_name,
       min("at") AS first_at, greatest(max("at"), max(used_to)) AS last_at,
       min("at") FILTER (what = 'added') AS added_at,
       -- Unless a later record shows it again.
       CASE WHEN max_by(what, ("at", in_order(event_key), what <> 'removed')) FILTER ("at" IS NOT NULL AND (what = 'added' OR listed)) = 'removed'
            THEN max("at") FILTER (what = 'removed') END AS removed_at,
       min(used_from) AS first_used, max(used_to) AS last_used, max(expires_at) AS expires_at,
       CASE WHEN bool_or(what = 'added') THEN 'added'
            WHEN bool_or(listed) THEN 'listed' ELSE 'unknown' END AS origin,
       CASE origin WHEN 'added' THEN first_five_where(event_key, "at", what = 'added') WHEN 'listed' THEN first_five_where(event_key, "at", listed) END AS origin_ids
FROM (SELECT *, what IN ('kept', 'removed', 'listed', 'renamed') AS listed FROM credential_witness) GROUP BY tenant, strong;

-- On which object a credential was held, and when. One interval per addition; without one, from an unknown time.
CREATE OR REPLACE TABLE holding AS
WITH event AS (
    SELECT DISTINCT c.tenant, c.object_id, n.strong, c.change, c."at", c.event_key
    FROM credential_moved c JOIN credential_name n USING (tenant, credential)
    WHERE c."at" IS NOT NULL AND c.object_type IN ('Application', 'ServicePrincipal')
), told AS (
    SELECT *, lag(change) OVER (PARTITION BY tenant, object_id, strong ORDER BY "at", in_order(event_key), change <> 'removed', change) AS after FROM event
), edge AS (
    SELECT *, lag(change) OVER w AS before,
           min("at") FILTER (change = 'removed') OVER (w ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS removed_at
    -- A list that shows a removed key again tells that it was added again, and not when.
    FROM (SELECT * REPLACE (CASE WHEN change IN ('added', 'removed') THEN change WHEN after = 'removed' THEN 'back' END AS change) FROM told)
    WHERE change IS NOT NULL
    WINDOW w AS (PARTITION BY tenant, object_id, strong ORDER BY "at", in_order(event_key), change <> 'removed', change)
)
SELECT tenant, object_id, strong, 'audit' AS basis, "at" AS valid_from, removed_at AS valid_to,
       CASE WHEN change = 'added' THEN event_key END AS change_id, [event_key] AS event_ids
FROM edge WHERE change IN ('added', 'back') AND before IS DISTINCT FROM 'added' AND before IS DISTINCT FROM 'back'
UNION ALL
SELECT tenant, object_id, strong, 'audit', NULL, "at", NULL, [event_key] FROM edge WHERE change = 'removed' AND before IS NULL
UNION ALL
SELECT tenant, object_id, strong, 'audit', NULL, NULL, NULL, first_five(event_key, "at") FROM event e
WHERE change IN ('kept', 'renamed') AND NOT EXISTS (
    SELECT 1 FROM edge x WHERE x.tenant = e.tenant AND x.object_id = e.object_id AND x.strong = e.strong)
GROUP BY tenant, object_id, strong
UNION ALL
SELECT l.tenant, l.object_id, n.strong, 'inventory', min(l."at"), max(l."at"), NULL, first_five(l.event_key, l."at")
FROM listed_key l JOIN credential_name n USING (tenant, credential)
WHERE l.object_id IS NOT NULL AND l.object_type IN ('application', 'servicePrincipal')
GROUP BY l.tenant, l.object_id, n.strong;
