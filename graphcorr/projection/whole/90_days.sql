-- What the nodes and edges of a day (dated/*.sql) depend on beside that day's own daily tables. A row changes only if the
-- day may be shown in another way: times are bounded by what the day asks about.

-- Users who are shown, among those of the day.
CREATE OR REPLACE TABLE day_user AS
SELECT DISTINCT day, tenant, user_id FROM (
    SELECT day, tenant, object_id AS user_id FROM object_seen WHERE kind = 'user'
    UNION ALL
    SELECT day, tenant, user_id FROM led_to WHERE of_user
) SEMI JOIN shown_user USING (tenant, user_id);

-- App ids that acted without a service principal, and whom they stand for.
CREATE OR REPLACE TABLE day_app AS
SELECT DISTINCT b.day, tenant, app_id, p.label, p.key FROM bare_app b JOIN bare_principal p USING (tenant, app_id);

-- Service principals that acted.
CREATE OR REPLACE TABLE day_principal AS
SELECT a.day, a.tenant, a.service_principal_id, contains(o.labels, 'MicrosoftOwned') AS microsoft,
       contains(o.labels, 'ManagedIdentity') AS managed, o.signs_in
FROM (SELECT DISTINCT day, tenant, service_principal_id FROM activity_fold) a
JOIN object o ON o.tenant = a.tenant AND o.object_id = a.service_principal_id;

CREATE OR REPLACE TABLE day_credential AS
SELECT DISTINCT u.day, tenant, u.credential, c.key
FROM credential_use u JOIN credential_name n USING (tenant, credential) JOIN credential c USING (tenant, strong);

-- Three hours: what is two hours older than the newest event is settled.
CREATE OR REPLACE TABLE day_newest AS
SELECT s.day, tenant, least(any_value(n.as_of), max(s.until) + INTERVAL 3 HOUR) AS as_of
FROM fold_span s JOIN newest n USING (tenant) GROUP BY s.day, tenant;

-- Of each log what all its scopes covered, and what the directory's own (`own`) did.
CREATE OR REPLACE TABLE day_log AS
SELECT s.day, tenant, source, bool_or(l.first_at IS NULL) AS undated, greatest(max(l.first_at), any_value(s.since)) AS all_since,
       least(min(l.last_at), any_value(s.until)) AS all_until, bool_or(l.scope = '') AS own,
       max(greatest(l.first_at, s.since)) FILTER (l.scope = '' AND l.first_at IS NOT NULL) AS own_since,
       max(least(l.last_at, s.until)) FILTER (l.scope = '' AND l.last_at IS NOT NULL) AS own_until
FROM fold_span s JOIN log_source l USING (tenant, source) GROUP BY s.day, tenant, source;

CREATE OR REPLACE TABLE day_gap AS
SELECT DISTINCT s.day, tenant, source, g.start, g."end"
FROM fold_span s JOIN gap g USING (tenant, source) WHERE g.start < s.until AND g."end" > s.since;

-- Logs of which scopes are missing, and when the operator vouches for them nevertheless.
CREATE OR REPLACE TABLE day_partial AS
SELECT s.day, tenant, source,
       coalesce(list_sort(list_distinct(list({since: greatest(w.since, s.since), until: least(w.until, s.until)})
           FILTER (w.since IS NOT NULL AND w.until IS NOT NULL))), []) AS whole
FROM fold_span s JOIN partial_source p USING (tenant, source) LEFT JOIN declared_whole w USING (tenant, source)
GROUP BY s.day, tenant, source;

-- Sign-ins that state an app id only may have led to acts that state a service principal only, and the reverse, if the
-- two are of one identity, or if the other id of neither is known.
CREATE OR REPLACE TABLE half AS
SELECT h.*, h.app_id IS NULL AS of_object,
       CASE WHEN h.app_id IS NULL THEN coalesce(o.app_id, '?') WHEN k.app_id IS NULL THEN '?' ELSE h.app_id END AS whom
FROM half_named h
LEFT JOIN object o ON o.tenant = h.tenant AND o.object_id = h.service_principal_id
LEFT JOIN (SELECT DISTINCT tenant, app_id FROM object WHERE kind = 'servicePrincipal') k ON k.tenant = h.tenant AND k.app_id = h.app_id;

-- By its begin, until when anything that began by then could be; `any`, `*` and addresses as in daily/30_possible.sql.
CREATE OR REPLACE TABLE half_stream AS
SELECT * REPLACE (max(until) OVER (PARTITION BY side, tenant, act_group, whom, of_object, place ORDER BY since ROWS UNBOUNDED PRECEDING) AS until)
FROM (
    SELECT side, tenant, act_group, whom, of_object, place, since, max(until) AS until
    FROM (SELECT *, unnest(CASE WHEN side = 'signIn' THEN ['any'] WHEN any_address THEN ['any', '*'] ELSE ['any', ip] END) AS place FROM half)
    GROUP BY ALL
);

CREATE OR REPLACE TABLE day_half_named AS
WITH question AS (
    SELECT day, fold, tenant, act_group, whom, NOT of_object AS of_object, since, until, CASE side WHEN 'act' THEN 'signIn' ELSE 'act' END AS side,
           unnest(CASE WHEN side = 'act' OR any_address THEN [{'place': 'any', 'same': true}]
                       ELSE [{'place': ip, 'same': true}, {'place': '*', 'same': true}, {'place': 'any', 'same': false}] END, recursive := true)
    FROM half WHERE fold IS NOT NULL
)
SELECT q.day, q.fold, bool_or(q.same) AS same
FROM question q ASOF JOIN half_stream s ON s.side = q.side AND s.tenant = q.tenant AND s.act_group = q.act_group AND s.whom = q.whom
    AND s.of_object = q.of_object AND s.place = q.place AND q.until >= s.since
WHERE s.until >= q.since GROUP BY q.day, q.fold;
