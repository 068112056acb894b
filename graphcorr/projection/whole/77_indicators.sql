-- Threat intelligence that covers an address of the tenant. What covers none is not shown: feeds are large.

-- The newest row of an indicator says what holds; one that was revoked or deleted was a mistake at all times.
CREATE OR REPLACE TABLE indicator AS
WITH version AS (
    -- From a list, an indicator has no tenant and holds for all; from a workspace it holds for its tenant.
    SELECT * EXCLUDE (tenant), CASE WHEN tenant_id IS NULL AND workspace_id IS NULL THEN NULL ELSE tenant END AS tenant,
           tenant_id IS NULL AND workspace_id IS NULL AS for_all
    FROM indicator_version
), newest AS (
    SELECT *, rank() OVER (PARTITION BY tenant, source, indicator_id ORDER BY "at" DESC NULLS LAST) AS place
    FROM version WHERE for_all OR tenant IS NOT NULL
)
SELECT tenant, source, indicator_id, value, min("at") AS first_at, max("at") AS last_at,
       CASE WHEN bool_and(valid_from IS NOT NULL) THEN min(valid_from) END AS valid_from,
       CASE WHEN bool_and(valid_until IS NOT NULL) THEN max(valid_until) END AS valid_until,
       max(confidence) AS confidence, min(description) AS description
FROM newest WHERE place = 1
GROUP BY tenant, source, indicator_id, value
HAVING value <> '' AND bool_and(active IS DISTINCT FROM false);

CREATE OR REPLACE TABLE indicated AS
SELECT DISTINCT a.tenant, a.ip, a.tenant || '/' || fold_key([i.source, i.indicator_id, i.value]) AS key,
       i.indicator_id, i.value, i.first_at, i.last_at, i.valid_from, i.valid_until, i.confidence, i.description
FROM indicator i JOIN covered c USING (value)
JOIN (SELECT DISTINCT tenant, value AS ip FROM mentioned WHERE what = 'address') a ON a.ip = c.ip AND (i.tenant IS NULL OR i.tenant = a.tenant);

CREATE OR REPLACE VIEW node_Indicator AS
SELECT DISTINCT 'Indicator' AS labels, key, value || coalesce(' (' || description || ')', '') AS caption,
       first_at AS firstSeen, last_at AS lastSeen, tenant AS tenantId, indicator_id AS indicatorId, value,
       valid_from AS validFrom, valid_until AS validTo, confidence AS score, description
FROM indicated;

CREATE OR REPLACE VIEW edge_INDICATES AS
SELECT 'Indicator' AS fromLabel, key AS fromKey, 'IPAddress' AS toLabel, ip AS toKey, NULL AS extra,
       valid_from AS validFrom, valid_until AS validTo
FROM indicated;
