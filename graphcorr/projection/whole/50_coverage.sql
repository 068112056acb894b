-- What was delivered, where it is silent, and how far "nothing seen" can be believed (design 8, log-facts 7.1).

CREATE OR REPLACE TABLE delivered AS
SELECT tenant, source, scope, min(first_at) AS first_at, max(last_at) AS last_at, sum(events)::BIGINT AS events,
       sum(bytes)::BIGINT AS bytes, sum(duplicates)::BIGINT AS duplicates
FROM delivery GROUP BY tenant, source, scope;

CREATE OR REPLACE TABLE newest AS
SELECT tenant, min(first_at) AS oldest, max(last_at) AS as_of FROM delivered GROUP BY tenant;

-- Percentiles from the histogram: the middle of the bucket in which the rank falls.
CREATE OR REPLACE TABLE delay AS
WITH bucket AS (
    SELECT tenant, source, scope, delay_bucket, sum(events) AS events FROM delivery WHERE delay_bucket IS NOT NULL
    GROUP BY tenant, source, scope, delay_bucket
), cumulated AS (
    SELECT *, sum(events) OVER (PARTITION BY tenant, source, scope ORDER BY delay_bucket) AS upto,
           sum(events) OVER (PARTITION BY tenant, source, scope) AS total FROM bucket
)
SELECT tenant, source, scope,
       (exp(min(delay_bucket) FILTER (upto >= 0.5 * total) / 16.0) - 1)::BIGINT AS p50,
       (exp(min(delay_bucket) FILTER (upto >= 0.95 * total) / 16.0) - 1)::BIGINT AS p95
FROM cumulated GROUP BY tenant, source, scope;

-- A declaration extends what is covered, never beyond the newest event. Of an inventory it says another thing (55_origins).
CREATE OR REPLACE TABLE declared AS
SELECT n.tenant, c.source, coalesce(c.scope, d.scope, '') AS scope,
       coalesce(c.since, n.oldest) AS since, least(coalesce(c.until, n.as_of), n.as_of) AS until
FROM complete c CROSS JOIN newest n
LEFT JOIN delivered d ON d.tenant = n.tenant AND d.source = c.source AND c.scope IS NULL
WHERE c.source NOT IN (SELECT source FROM loader_source WHERE inventory) AND (c.scope IS NULL OR EXISTS (
    SELECT 1 FROM delivered x WHERE x.tenant = n.tenant AND (x.source = c.source AND x.scope = c.scope OR (SELECT count(*) FROM newest) = 1)));

CREATE OR REPLACE TABLE log_source AS
SELECT tenant, source, scope,
       least(d.first_at, c.since) AS first_at, greatest(d.last_at, c.until) AS last_at,
       coalesce(d.events, 0) AS events, coalesce(d.bytes, 0) AS bytes, coalesce(d.duplicates, 0) AS duplicates,
       y.p50, y.p95, c.since IS NOT NULL AS declared
FROM delivered d
FULL JOIN (SELECT tenant, source, scope, min(since) AS since, max(until) AS until FROM declared WHERE since <= until GROUP BY ALL) c
    USING (tenant, source, scope)
LEFT JOIN delay y USING (tenant, source, scope);

CREATE OR REPLACE TABLE hourly AS
SELECT tenant, source, scope, hour, sum(events) AS events, min(first_at) AS first_at, max(last_at) AS last_at
FROM delivery WHERE hour IS NOT NULL GROUP BY tenant, source, scope, hour;

-- What an hour of the day brings on other days.
CREATE OR REPLACE TABLE usual AS
SELECT h.tenant, h.source, h.scope, extract('hour' FROM h.hour) AS hour_of_day, sum(h.events) / greatest(max(s.days) - 1, 1) AS mean
FROM hourly h JOIN (
    SELECT tenant, source, scope, date_diff('day', min(hour), max(hour)) + 1 AS days FROM hourly GROUP BY tenant, source, scope
) s USING (tenant, source, scope)
GROUP BY h.tenant, h.source, h.scope, extract('hour' FROM h.hour);

-- Runs of hours without an event, what would have been expected in them, and whether somebody vouches for the silence.
CREATE OR REPLACE TABLE silent AS
WITH run AS (
    SELECT tenant, source, scope, hour + INTERVAL 1 HOUR AS from_hour, lead(hour) OVER w AS to_hour, last_at AS start, lead(first_at) OVER w AS "end"
    FROM hourly WINDOW w AS (PARTITION BY tenant, source, scope ORDER BY hour)
)
SELECT r.tenant, r.source, r.scope, r.from_hour, r.to_hour, r.start, r."end",
       coalesce((SELECT sum(u.mean) FROM usual u,
                     (SELECT extract('hour' FROM unnest(generate_series(r.from_hour, r.to_hour - INTERVAL 1 HOUR, INTERVAL 1 HOUR))) AS hour_of_day) h
                 WHERE u.tenant = r.tenant AND u.source = r.source AND u.scope = r.scope AND u.hour_of_day = h.hour_of_day), 0) AS expected
FROM run r WHERE r.to_hour > r.from_hour;

-- Missing hour blobs of a source from which hardly an event was expected in an hour in which another category of the same
-- export delivered: hours without events have no blob.
CREATE OR REPLACE TABLE quiet_blob AS
WITH missing AS (
    SELECT tenant, source, scope, start, "end", unnest(generate_series(start, "end" - INTERVAL 1 HOUR, INTERVAL 1 HOUR)) AS hour
    FROM input_gap WHERE kind = 'missingBlob' AND source IN (SELECT source FROM entra_source)
)
SELECT m.tenant, m.source, m.scope, m.start FROM missing m
LEFT JOIN usual u ON u.tenant = m.tenant AND u.source = m.source AND u.scope = m.scope AND u.hour_of_day = extract('hour' FROM m.hour)
GROUP BY m.tenant, m.source, m.scope, m.start
HAVING max(coalesce(u.mean, 0)) < 3 AND bool_and(EXISTS (
    SELECT 1 FROM hourly o WHERE o.tenant = m.tenant AND o.source <> m.source AND o.hour = m.hour AND o.source IN (SELECT source FROM entra_source)));

CREATE OR REPLACE TABLE gap AS
WITH vouched AS (
    -- Another category of the same export delivered on every day of the silence.
    SELECT s.tenant, s.source, s.scope, s.from_hour
    FROM silent s
    JOIN delivery o ON o.tenant = s.tenant AND o.source <> s.source AND o.hour >= s.from_hour AND o.hour < s.to_hour
    WHERE s.source IN (SELECT source FROM entra_source) AND o.source IN (SELECT source FROM entra_source)
    GROUP BY s.tenant, s.source, s.scope, s.from_hour, s.to_hour
    HAVING count(DISTINCT o.hour::DATE) > date_diff('day', s.from_hour, s.to_hour - INTERVAL 1 HOUR)
)
SELECT s.tenant, s.source, s.scope, s.start, s."end",
       CASE WHEN s.expected >= 10 THEN 'silence' ELSE 'unproven' END AS kind
FROM silent s
LEFT JOIN vouched v USING (tenant, source, scope, from_hour)
WHERE s.expected >= 10
   OR (v.tenant IS NULL AND NOT EXISTS (
          SELECT 1 FROM declared d WHERE d.tenant = s.tenant AND d.source = s.source AND d.scope = s.scope
             AND d.since <= s.start AND d.until >= s."end"))
UNION ALL
SELECT g.tenant, g.source, g.scope, g.start, max(g."end"), g.kind FROM input_gap g
WHERE g.kind <> 'missingBlob' OR NOT EXISTS (
          SELECT 1 FROM declared d WHERE d.tenant = g.tenant AND d.source = g.source AND d.scope = g.scope
             AND d.since <= g.start AND d.until >= g."end"
          UNION ALL
          SELECT 1 FROM quiet_blob q WHERE q.tenant = g.tenant AND q.source = g.source AND q.scope = g.scope AND q.start = g.start)
GROUP BY g.tenant, g.source, g.scope, g.start, g.kind;

-- Scopes that exist according to any log: a vault that is mentioned but delivers nothing makes the source partial.
CREATE OR REPLACE TABLE known_scope AS
WITH mentioned AS (
    SELECT tenant, resource_id FROM activity_fold UNION SELECT tenant, managed_identity_resource_id FROM activity_fold
    UNION SELECT tenant, resource_id FROM workflow_run UNION SELECT tenant, right_id FROM stated_pair WHERE right_type IN ('resourceId', 'assignedTo')
    UNION SELECT tenant, scope FROM grant_change WHERE kind = 'azureRole'
)
SELECT DISTINCT tenant, 'AZKVAuditLogs' AS source,
       regexp_extract(resource_id, '^(/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.keyvault/vaults/[^/]+)', 1) AS scope
FROM mentioned WHERE contains(resource_id, '/providers/microsoft.keyvault/vaults/')
UNION
SELECT DISTINCT tenant, 'AzureActivity', '/subscriptions/' || regexp_extract(resource_id, '^/subscriptions/([^/]+)', 1)
FROM mentioned WHERE starts_with(resource_id, '/subscriptions/');

CREATE OR REPLACE TABLE partial_source AS
SELECT DISTINCT k.tenant, k.source FROM known_scope k
WHERE k.scope <> '' AND NOT EXISTS (
    SELECT 1 FROM log_source l WHERE l.tenant = k.tenant AND l.source = k.source AND l.scope = k.scope);

-- A source that the operator declares complete for everything it can have is not partial in that time.
CREATE OR REPLACE TABLE declared_whole AS
SELECT n.tenant, c.source, coalesce(c.since, n.oldest) AS since, least(coalesce(c.until, n.as_of), n.as_of) AS until
FROM complete c CROSS JOIN newest n WHERE c.scope IS NULL;
