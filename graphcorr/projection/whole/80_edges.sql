-- One view per edge type of graph/schema.py, named edge_<TYPE>: ends (label of the node kind, key), properties, and
-- `extra`, what tells several edges between the same ends apart. The exporter builds the key.

CREATE OR REPLACE VIEW edge_PART_OF AS
SELECT 'DirectoryObject' AS fromLabel, key AS fromKey, 'Identity' AS toLabel, tenant || '/' || identity_id AS toKey, NULL AS extra,
       basis, confidence, basis_ids AS eventIds
FROM object WHERE identity_id IS NOT NULL;

CREATE OR REPLACE TABLE app_of_object AS
SELECT o.key, o.kind, p.right_id AS app_id, array_to_string(p.bases, '+') AS basis, p.first_at, p.last_at, p.event_ids
FROM stated_pair p JOIN object o ON o.tenant = p.tenant AND o.object_id = p.left_id AND o.kind = p.left_type
WHERE p.right_type = 'appId' AND EXISTS (SELECT 1 FROM node_Application a WHERE a.key = p.right_id);

CREATE OR REPLACE VIEW edge_INSTANCE_OF AS
SELECT 'DirectoryObject' AS fromLabel, key AS fromKey, 'Application' AS toLabel, app_id AS toKey, NULL AS extra, basis,
       first_at AS firstSeen, last_at AS lastSeen, event_ids AS eventIds FROM app_of_object WHERE kind = 'servicePrincipal';

CREATE OR REPLACE VIEW edge_REGISTERED_AS AS
SELECT 'DirectoryObject' AS fromLabel, key AS fromKey, 'Application' AS toLabel, app_id AS toKey, NULL AS extra, basis,
       first_at AS firstSeen, last_at AS lastSeen, event_ids AS eventIds FROM app_of_object WHERE kind = 'application';

CREATE OR REPLACE VIEW edge_NAMED AS
SELECT 'DirectoryObject' AS fromLabel, o.key AS fromKey, 'Name' AS toLabel, n.tenant || '/' || n.name AS toKey,
       n.basis || moment(n.valid_from) || '-' || moment(n.valid_to) || coalesce(n.change_id, '') AS extra,
       n.basis, n.valid_from AS validFrom, n.valid_to AS validTo, n.change_id AS changeId, n.event_ids AS eventIds
FROM name_interval n JOIN object o USING (tenant, object_id) WHERE o.kind IN ('application', 'servicePrincipal');

CREATE OR REPLACE VIEW edge_HAS_CREDENTIAL AS
SELECT 'DirectoryObject' AS fromLabel, o.key AS fromKey, 'Credential' AS toLabel, h.tenant || '/' || h.strong AS toKey,
       h.basis || moment(h.valid_from) || coalesce(h.change_id, '') AS extra,
       h.basis, h.valid_from AS validFrom, h.valid_to AS validTo, h.change_id AS changeId, h.event_ids AS eventIds
FROM holding h JOIN object o USING (tenant, object_id) WHERE o.kind IN ('application', 'servicePrincipal');

CREATE OR REPLACE VIEW edge_CARRIED AS
SELECT 'Activity' AS fromLabel, c.fold AS fromKey, c.label AS toLabel, c.permission_key AS toKey, NULL AS extra, c.first_at AS firstAt, c.last_at AS lastAt,
       coalesce(o.origin, 'unknown') AS origin, o.event_ids AS originEventIds,
       CASE WHEN o.origin IS NULL THEN 'noFullStatement' ELSE o.reason END AS originReason
FROM carried_by c LEFT JOIN carried_origin o USING (tenant, holder_id, permission_key);

-- Where principals were seen from and what they reached, by whom they are.
CREATE OR REPLACE VIEW baseline AS
WITH either AS (
    SELECT day, tenant, kind, service_principal_id, app_id, user_id, 'IPAddress' AS target_label, ip AS target_key,
           first_success, last_success, first_failure, last_failure, count
    FROM seen_from
    UNION ALL
    SELECT day, tenant, kind, service_principal_id, app_id, user_id, target_label,
           CASE target_label WHEN 'Resource' THEN tenant || target ELSE target END,
           first_success, last_success, first_failure, last_failure, count
    FROM reached
), named AS (
    SELECT *, CASE WHEN kind = 'user' THEN user_id ELSE service_principal_id END AS id FROM either
    WHERE kind <> 'user' OR target_label = 'Resource' OR (tenant, user_id) IN (SELECT (tenant, user_id) FROM shown_user)
)
SELECT n.*, coalesce(p.label, 'DirectoryObject') AS label, coalesce(object_key(n.tenant, n.id), p.key) AS key
FROM named n LEFT JOIN bare_principal p ON n.id IS NULL AND n.kind <> 'user' AND p.tenant = n.tenant AND p.app_id = n.app_id
WHERE coalesce(n.id, p.key) IS NOT NULL;

CREATE OR REPLACE VIEW edge_SEEN_FROM AS
SELECT label AS fromLabel, key AS fromKey, target_label AS toLabel, target_key AS toKey, NULL AS extra,
       min(first_success) AS firstSuccess, max(last_success) AS lastSuccess, min(first_failure) AS firstFailure, max(last_failure) AS lastFailure,
       count(DISTINCT day) AS days, sum(count)::BIGINT AS count
FROM baseline WHERE target_label = 'IPAddress' GROUP BY label, key, target_label, target_key;

CREATE OR REPLACE VIEW edge_REACHED AS
SELECT label AS fromLabel, key AS fromKey, target_label AS toLabel, target_key AS toKey, NULL AS extra,
       min(first_success) AS firstSuccess, max(last_success) AS lastSuccess, min(first_failure) AS firstFailure, max(last_failure) AS lastFailure,
       count(DISTINCT day) AS days, sum(count)::BIGINT AS count
FROM baseline WHERE target_label <> 'IPAddress' GROUP BY label, key, target_label, target_key;

CREATE OR REPLACE VIEW edge_ISSUED AS
SELECT 'SignIn' AS fromLabel, t.sign_in_fold AS fromKey, 'Token' AS toLabel, t.tenant || '/' || t.token_id AS toKey, NULL AS extra,
       list_sort(list_distinct(list(t.sign_in_id))) AS eventIds
FROM token t WHERE NOT t.sign_in_of_user OR (t.tenant, t.sign_in_user_id) IN (SELECT (tenant, user_id) FROM shown_user)
GROUP BY t.sign_in_fold, t.tenant, t.token_id;

CREATE OR REPLACE VIEW edge_USED_FOR AS
SELECT 'Token' AS fromLabel, tenant || '/' || token_id AS fromKey, 'Activity' AS toLabel, fold AS toKey, NULL AS extra, min(event_ids) AS eventIds
FROM (SELECT tenant, token_id, event_ids, unnest(activity_folds) AS fold FROM token) GROUP BY tenant, token_id, fold;

CREATE OR REPLACE TABLE credential_act AS
SELECT CASE c.act WHEN 'change' THEN 'Change' ELSE 'Activity' END AS fromLabel, coalesce(a.fold, c.event_key) AS fromKey,
       'Credential' AS toLabel, c.tenant || '/' || n.strong AS toKey, c.object_id AS extra, object_key(c.tenant, c.object_id) AS objectKey, c.change, min(c.issuer) AS issuer, min(c.subject) AS subject,
       min(s."at") AS lastSuccess, min(s.ids) AS lastSuccessIds
FROM credential_moved c JOIN credential_name n USING (tenant, credential)
LEFT JOIN act_fold a ON c.act = 'activity' AND a.event_key = c.event_key
LEFT JOIN success_before s ON c.act = 'change' AND c.change = 'added' AND s.event_key = c.event_key AND s.strong = n.strong AND s.object_id = c.object_id
GROUP BY ALL;

CREATE OR REPLACE TABLE owner_act AS
SELECT 'Change' AS fromLabel, event_key AS fromKey, 'DirectoryObject' AS toLabel, object_key(tenant, owner_id) AS toKey, object_id AS extra,
       object_key(tenant, object_id) AS objectKey, change, NULL AS issuer, NULL AS subject, NULL AS lastSuccess, NULL AS lastSuccessIds
FROM owner_change;

CREATE OR REPLACE VIEW edge_ADDED AS
SELECT DISTINCT * EXCLUDE (change) FROM credential_act WHERE change = 'added'
UNION ALL SELECT DISTINCT * EXCLUDE (change) FROM owner_act WHERE change = 'added';

CREATE OR REPLACE VIEW edge_REMOVED AS
SELECT DISTINCT * EXCLUDE (change, lastSuccess, lastSuccessIds) FROM credential_act WHERE change = 'removed'
UNION ALL SELECT DISTINCT * EXCLUDE (change, lastSuccess, lastSuccessIds) FROM owner_act WHERE change = 'removed';

CREATE OR REPLACE TABLE grant_act AS
SELECT CASE g.act WHEN 'change' THEN 'Change' ELSE 'Activity' END AS fromLabel, coalesce(a.fold, g.event_key) AS fromKey,
       g.label AS toLabel, g.permission_key AS toKey, g.change, max(g.consent_type) AS consentType
FROM granted g LEFT JOIN act_fold a ON g.act = 'activity' AND a.event_key = g.event_key
GROUP BY ALL;

CREATE OR REPLACE VIEW edge_GRANTED AS
SELECT fromLabel, fromKey, toLabel, toKey, NULL AS extra, consentType FROM grant_act WHERE change IN ('added', 'granted');

CREATE OR REPLACE VIEW edge_REVOKED AS
SELECT fromLabel, fromKey, toLabel, toKey, NULL AS extra, consentType FROM grant_act WHERE change IN ('removed', 'revoked');

CREATE OR REPLACE VIEW edge_RENAMED_FROM AS
SELECT DISTINCT 'Change' AS fromLabel, event_key AS fromKey, 'Name' AS toLabel, tenant || '/' || old_name AS toKey, object_id AS extra,
       object_key(tenant, object_id) AS objectKey
FROM rename WHERE old_name IS NOT NULL AND new_name IS NOT NULL;

CREATE OR REPLACE VIEW edge_RENAMED_TO AS
SELECT DISTINCT 'Change' AS fromLabel, event_key AS fromKey, 'Name' AS toLabel, tenant || '/' || new_name AS toKey, object_id AS extra,
       object_key(tenant, object_id) AS objectKey
FROM rename WHERE old_name IS NOT NULL AND new_name IS NOT NULL;

-- Held permissions: from a grant to the revocation that follows it; one that was revoked first of all was held before.
CREATE OR REPLACE VIEW edge_HOLDS AS
WITH step AS (
    SELECT *, lag(gone) OVER w AS before_gone,
           min("at") FILTER (gone) OVER (w ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS gone_at
    FROM (SELECT DISTINCT tenant, grantee_id, label, permission_key, change IN ('removed', 'revoked') AS gone, "at", event_key, consent_type
          FROM granted WHERE grantee_id IS NOT NULL)
    WINDOW w AS (PARTITION BY tenant, grantee_id, label, permission_key ORDER BY "at", in_order(event_key))
)
SELECT 'DirectoryObject' AS fromLabel, object_key(tenant, grantee_id) AS fromKey, label AS toLabel, permission_key AS toKey,
       moment("at") || event_key AS extra, "at" AS validFrom, gone_at AS validTo,
       'audit' AS basis, event_key AS changeId, consent_type AS consentType
FROM step WHERE NOT gone
UNION ALL
SELECT 'DirectoryObject', object_key(tenant, grantee_id), label, permission_key, 'before' || event_key, NULL, "at", 'audit', NULL, consent_type
FROM step WHERE gone AND before_gone IS NULL AND "at" IS NOT NULL;

CREATE OR REPLACE VIEW edge_OWNS AS
SELECT 'DirectoryObject' AS fromLabel, object_key(tenant, owner_id) AS fromKey, 'DirectoryObject' AS toLabel, object_key(tenant, object_id) AS toKey,
       'audit' || moment("at") || event_key AS extra, "at" AS validFrom, gone_at AS validTo, 'audit' AS basis, event_key AS changeId
FROM (
    SELECT *, min("at") FILTER (change = 'removed') OVER (w ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS gone_at
    FROM (SELECT DISTINCT tenant, owner_id, object_id, change, "at", event_key FROM owner_change)
    WINDOW w AS (PARTITION BY tenant, owner_id, object_id ORDER BY "at", in_order(event_key))
) WHERE change = 'added'
UNION ALL
SELECT 'DirectoryObject', object_key(tenant, owner_id), 'DirectoryObject', object_key(tenant, object_id), 'inventory', min("at"), max("at"), 'inventory', NULL
FROM (SELECT tenant, object_id, "at", unnest(owner_ids) AS owner_id FROM inventory WHERE object_id IS NOT NULL AND object_type <> 'federatedIdentityCredential')
GROUP BY tenant, owner_id, object_id;

CREATE OR REPLACE TABLE of_azure AS
SELECT p.right_type, 'DirectoryObject' AS fromLabel, o.key AS fromKey, 'Resource' AS toLabel, p.tenant || p.right_id AS toKey, NULL AS extra,
       array_to_string(p.bases, '+') AS basis, p.event_ids AS eventIds
FROM stated_pair p JOIN object o ON o.tenant = p.tenant AND o.object_id = p.left_id
WHERE p.left_type = 'servicePrincipal' AND p.right_type IN ('resourceId', 'assignedTo') AND contains(o.labels, 'ManagedIdentity');

CREATE OR REPLACE VIEW edge_REPRESENTS AS SELECT * EXCLUDE (right_type) FROM of_azure WHERE right_type = 'resourceId';
CREATE OR REPLACE VIEW edge_ASSIGNED_TO AS SELECT * EXCLUDE (right_type) FROM of_azure WHERE right_type = 'assignedTo';

CREATE OR REPLACE VIEW edge_BETWEEN AS
SELECT DISTINCT 'Conflict' AS fromLabel, key AS fromKey, CASE WHEN starts_with(id, 'appId:') THEN 'Application' ELSE 'DirectoryObject' END AS toLabel,
       CASE WHEN starts_with(id, 'appId:') THEN substr(id, 7) ELSE object_key(tenant, regexp_extract(id, ':(.*)', 1)) END AS toKey, NULL AS extra
FROM (SELECT key, tenant, unnest(ids) AS id FROM conflict);

CREATE OR REPLACE VIEW edge_WITHIN AS
SELECT 'Resource' AS fromLabel, tenant || resource_id AS fromKey, 'Resource' AS toLabel, tenant || parent_id AS toKey, NULL AS extra
FROM resource WHERE parent_id <> '';

CREATE OR REPLACE VIEW edge_HAS_GAP AS
SELECT DISTINCT 'LogSource' AS fromLabel, fold_key([tenant, source, scope]) AS fromKey, 'Gap' AS toLabel,
       fold_key([tenant, source, scope, moment(start), kind]) AS toKey, NULL AS extra
FROM gap;
