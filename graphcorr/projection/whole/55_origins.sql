-- Spans in which nothing of the audit log can be missing, full statements about objects, and what both prove: an object or
-- permission that no record explains (design 6, `origin`).

-- From an end of a gap (or the first record) to the next gap (or the last record).
CREATE OR REPLACE TABLE audited AS
WITH source AS (
    SELECT tenant, first_at, last_at FROM log_source WHERE source = 'AuditLogs' AND scope = '' AND first_at IS NOT NULL
), hole AS (
    SELECT tenant, start, "end" FROM gap WHERE source = 'AuditLogs' AND scope = ''
), start AS (
    SELECT tenant, first_at AS since FROM source UNION SELECT tenant, "end" FROM hole
)
SELECT s.tenant, s.since, least(any_value(c.last_at), min(h.start)) AS until
FROM start s JOIN source c USING (tenant) LEFT JOIN hole h ON h.tenant = s.tenant AND h."end" > s.since
GROUP BY s.tenant, s.since
HAVING s.since <= least(any_value(c.last_at), coalesce(min(h.start), any_value(c.last_at)));

-- How late a record may be before its absence says anything (log-facts 3.3).
CREATE OR REPLACE MACRO settled(moment, newest) AS moment + INTERVAL 2 HOUR <= newest;

-- Objects of another tenant's application, and those whose keys another service manages.
CREATE OR REPLACE TABLE owned_elsewhere AS
SELECT tenant, object_id, contains(labels, 'ManagedIdentity') AS managed FROM object
WHERE contains(labels, 'MicrosoftOwned') OR contains(labels, 'AgentIdentity') OR contains(labels, 'ManagedIdentity') OR owner_tenant_id <> tenant;

-- Objects that are known to be this tenant's own.
CREATE OR REPLACE TABLE owned_here AS
SELECT o.tenant, o.object_id FROM object o LEFT JOIN owned_elsewhere e USING (tenant, object_id)
WHERE coalesce(e.managed, true)
  AND (e.managed OR o.owner_tenant_id = o.tenant OR o.kind = 'application'
       OR EXISTS (SELECT 1 FROM object r WHERE r.tenant = o.tenant AND r.identity_id = o.identity_id AND r.kind = 'application'));

-- Inventories that hold every object of a kind. A page of an export cannot tell that: the operator declares it.
CREATE OR REPLACE TABLE full_inventory AS
SELECT i.tenant, i.object_type AS kind, i."at", min(i.event_key) AS event_key FROM inventory i
JOIN complete c ON c.source = i.source AND c.scope IS NULL
    AND i."at" >= coalesce(c.since, i."at") AND i."at" <= coalesce(c.until, i."at")
WHERE i.object_type IN ('application', 'servicePrincipal') AND i."at" IS NOT NULL
GROUP BY i.tenant, i.object_type, i."at";

CREATE OR REPLACE TABLE object_origin AS
WITH asked AS (
    SELECT o.tenant, o.object_id, o.kind, o.first_at, n.as_of FROM object o JOIN newest n USING (tenant)
    WHERE o.kind IN ('application', 'servicePrincipal') AND o.origin <> 'created'
      AND NOT EXISTS (SELECT 1 FROM lifecycle l WHERE l.tenant = o.tenant AND l.object_id = o.object_id AND l.lifecycle IN ('created', 'restored'))
), stated AS (
    -- The last full inventory before its first record does not hold it.
    SELECT a.tenant, a.object_id, max_by(f.event_key, f."at") AS event_key, max(f."at") AS since, any_value(a.first_at) AS until
    FROM asked a JOIN full_inventory f ON f.tenant = a.tenant AND f.kind = a.kind AND f."at" < a.first_at
    GROUP BY a.tenant, a.object_id
    UNION ALL
    -- An inventory tells when it was created.
    SELECT i.tenant, i.object_id, min(i.event_key), min(i.created_at) - INTERVAL 1 HOUR, min(i.created_at) + INTERVAL 1 HOUR
    FROM inventory i SEMI JOIN asked a ON a.tenant = i.tenant AND a.object_id = i.object_id
    WHERE i.created_at IS NOT NULL GROUP BY i.tenant, i.object_id
), judged AS (
    SELECT s.*, settled(s.until, a.as_of) AS settled,
           EXISTS (SELECT 1 FROM audited c WHERE c.tenant = s.tenant AND c.since <= s.since AND c.until >= s.until) AS covered
    FROM stated s JOIN asked a USING (tenant, object_id)
)
SELECT a.tenant, a.object_id,
       CASE WHEN bool_or(NOT e.managed) THEN 'ownedElsewhere'
            WHEN any_value(w.object_id) IS NULL OR count(j.object_id) = 0 THEN 'noFullStatement'
            WHEN count(*) FILTER (j.covered) = 0 THEN 'auditNotCovered'
            WHEN count(*) FILTER (j.covered AND j.settled) = 0 THEN 'tooRecent' END AS reason,
       list_sort(list_distinct(list(j.event_key) FILTER (j.covered AND j.settled))) AS event_ids
FROM asked a LEFT JOIN owned_here w USING (tenant, object_id) LEFT JOIN owned_elsewhere e USING (tenant, object_id)
LEFT JOIN judged j USING (tenant, object_id)
GROUP BY a.tenant, a.object_id;

-- Roles and scopes in tokens, and whether a grant explains them. Who holds what: the service principal of the client its
-- application permissions and the scopes that were consented to it, a user the roles in a token of his own.
CREATE OR REPLACE TABLE carried_by AS
WITH holder AS (
    SELECT f.tenant, f.fold, f.user_id, coalesce(f.service_principal_id, s.object_id) AS service_principal_id,
           f.user_id IS NOT NULL OR f.user_principal_name IS NOT NULL AS of_user, v.app_id AS api
    FROM activity_fold f
    LEFT JOIN (SELECT tenant, app_id, min(object_id) AS object_id FROM object WHERE kind = 'servicePrincipal'
               GROUP BY tenant, app_id HAVING count(*) = 1) s
        ON f.service_principal_id IS NULL AND s.tenant = f.tenant AND s.app_id = f.app_id
    LEFT JOIN service v ON v.name = CASE WHEN f.service = 'keyVault' AND starts_with(lower(f.operation), 'vault') THEN 'arm' ELSE f.service END
)
SELECT h.tenant, c.fold, c.first_at, c.last_at, c.kind, CASE WHEN c.kind <> 'directoryRole' THEN c.value END AS value,
       CASE c.kind WHEN 'directoryRole' THEN 'DirectoryRole' ELSE 'Permission' END AS label, h.api AS resource_app_id,
       CASE c.kind WHEN 'directoryRole' THEN lower(c.value) ELSE coalesce(h.api, '') || '/' || c.kind || '/' || c.value END AS permission_key,
       CASE WHEN h.of_user AND c.kind <> 'delegated' THEN h.user_id ELSE h.service_principal_id END AS holder_id
FROM carried c JOIN holder h USING (fold);

CREATE OR REPLACE TABLE carried_origin AS
WITH held AS (
    SELECT tenant, holder_id, permission_key, any_value(kind) AS kind, any_value(resource_app_id) AS api, min(first_at) AS first_at
    FROM carried_by WHERE holder_id IS NOT NULL GROUP BY tenant, holder_id, permission_key
), explained AS (
    SELECT h.tenant, h.holder_id, h.permission_key, bool_or(g.change IN ('added', 'granted')) AS added,
           first_five_where(g.event_key, g."at", g.change IN ('added', 'granted')) AS added_ids, first_five(g.event_key, g."at") AS listed_ids
    FROM held h JOIN granted g ON g.tenant = h.tenant AND g.grantee_id = h.holder_id AND g.permission_key = h.permission_key
    GROUP BY h.tenant, h.holder_id, h.permission_key
), judged AS (
    -- A new service principal holds nothing. Directory roles may come through a group, scopes from beyond the directory.
    SELECT h.*, l.created_ids, coalesce(contains(o.labels, 'ServicePrincipal') AND NOT contains(o.labels, 'MicrosoftOwned'), false) AS here,
           EXISTS (SELECT 1 FROM audited c WHERE c.tenant = h.tenant AND c.since <= l.created_event AND c.until >= h.first_at) AS covered,
           settled(h.first_at, n.as_of) AS settled,
           EXISTS (SELECT 1 FROM granted g WHERE g.tenant = h.tenant AND g.vague AND coalesce(g.grantee_id, h.holder_id) = h.holder_id
                     AND coalesce(g."at" <= h.first_at, true)) AS vague
    FROM held h JOIN newest n USING (tenant)
    LEFT JOIN object o ON o.tenant = h.tenant AND o.object_id = h.holder_id
    LEFT JOIN (
        SELECT tenant, object_id, min("at") AS created_event, first_five(event_key, "at") AS created_ids FROM lifecycle
        WHERE lifecycle = 'created' AND "at" IS NOT NULL GROUP BY tenant, object_id
    ) l ON l.tenant = h.tenant AND l.object_id = h.holder_id AND l.created_event <= h.first_at
), reasoned AS (
    SELECT j.*, e.added, e.added_ids, e.listed_ids,
           CASE WHEN j.kind <> 'application' OR j.created_ids IS NULL OR j.vague OR NOT j.here THEN 'noFullStatement' WHEN NOT j.covered THEN 'auditNotCovered' WHEN NOT j.settled THEN 'tooRecent' END AS why
    FROM judged j LEFT JOIN explained e USING (tenant, holder_id, permission_key)
)
SELECT tenant, holder_id, permission_key,
       CASE WHEN added THEN 'added' WHEN why IS NULL THEN 'absent' WHEN listed_ids IS NOT NULL THEN 'listed' ELSE 'unknown' END AS origin,
       CASE WHEN added THEN added_ids WHEN why IS NULL THEN created_ids ELSE listed_ids END AS event_ids,
       CASE WHEN added IS DISTINCT FROM true AND listed_ids IS NULL THEN why END AS reason
FROM reasoned;
