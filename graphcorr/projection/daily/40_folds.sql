-- Repeated events of a UTC hour become one fold. Keys use ids as written, never a resolved or derived value.

-- Few columns: a day's sign-ins are too many to keep twice.
CREATE OR REPLACE TEMP TABLE sign_in_state AS
SELECT s.rowid AS "row", s.event_key, s.home, s.day, s.tenant, s.kind, s."at", s.ip,
       md5(concat(s.tenant, chr(31), s.kind, chr(31), s.service_principal_id, chr(31), s.app_id, chr(31), s.user_id, chr(31), s.ip,
                  chr(31), credential_id(s.key_id, s.federated_credential_id, s.thumbprint), chr(31), s.resource_app_id,
                  chr(31), s.resource_service_principal_id, chr(31), s.result_code, chr(31), hour_of(s."at")))::UUID AS fold,
       CASE WHEN s.result_class IS DISTINCT FROM 'success' OR s."at" IS NULL THEN NULL
            WHEN l.sign_in_id IS NOT NULL THEN 'linked'
            WHEN p.same_address THEN 'same'
            WHEN p.any_address THEN 'other'
            ELSE 'unexplained' END AS state,
       -- The longest life in a fold counts for all of it; what it depends on is no part of the key.
       CASE WHEN s.result_class = 'success' AND s."at" IS NOT NULL
            THEN token_life(s.kind, v.name, s.app_owner_tenant_id, s.tenant) END AS life,
       -- Whoever asks what a user's sign-in led to has to know whether that user is shown.
       CASE WHEN l.sign_in_id IS NOT NULL AND s.kind = 'user' THEN s.user_id END AS acting_user
FROM sign_in s
LEFT JOIN service v ON v.app_id = s.resource_app_id
LEFT JOIN (SELECT DISTINCT sign_in_id FROM link) l ON l.sign_in_id = s.event_key
LEFT JOIN possible p ON p."row" = s.rowid
WHERE s.home OR l.sign_in_id IS NOT NULL;

-- Counts are numbers only and the first and last event come from sorting: both can leave the memory, texts in
-- aggregates cannot. What the key is made of is the same in every sign-in of a fold: it is taken from the first.
CREATE OR REPLACE TEMP TABLE fold_place AS
SELECT fold, "row", event_key, first_place, last_place FROM (
    SELECT fold, "row", event_key, row_number() OVER (PARTITION BY fold ORDER BY "at", event_key) AS first_place,
           count(*) OVER (PARTITION BY fold) + 1 - row_number() OVER (PARTITION BY fold ORDER BY "at", event_key) AS last_place
    FROM sign_in_state WHERE home
) WHERE first_place = 1 OR last_place = 1;

CREATE OR REPLACE TEMP TABLE unexplained AS
SELECT fold, list(event_key ORDER BY place) AS ids FROM (
    SELECT fold, event_key, row_number() OVER (PARTITION BY fold ORDER BY "at", event_key) AS place
    FROM sign_in_state WHERE home AND state = 'unexplained' AND kind <> 'user'
) WHERE place <= 5 GROUP BY fold;

CREATE OR REPLACE TABLE sign_in_fold AS
WITH counted AS (
    SELECT day, fold, count(*) AS count,
           count(*) FILTER (state = 'linked') AS linked,
           count(*) FILTER (state = 'same') AS same_address,
           count(*) FILTER (state = 'other') AS other_address,
           count(*) FILTER (state = 'unexplained') AS unexplained,
           min("at") AS first_at, max("at") AS last_at, max(life) AS life
    FROM sign_in_state WHERE home GROUP BY day, fold
)
SELECT c.day, c.fold::VARCHAR AS fold, s.tenant, s.kind, s.service_principal_id, s.app_id, s.user_id, s.user_principal_name, s.ip,
       s.country, credential_id(s.key_id, s.federated_credential_id, s.thumbprint) AS credential, s.resource_app_id,
       s.resource_service_principal_id, s.resource_name, s.result_code, s.result_class, hour_start(s."at") AS hour,
       s.credential_type, c.life, c.count, c.linked, c.same_address, c.other_address, c.unexplained, c.first_at, c.last_at,
       first_and_last(f.event_key, l.event_key) AS sample_ids, u.ids AS unexplained_ids
FROM counted c
JOIN fold_place f ON f.fold = c.fold AND f.first_place = 1
JOIN fold_place l ON l.fold = c.fold AND l.last_place = 1
JOIN sign_in s ON s.rowid = f."row"
LEFT JOIN unexplained u ON u.fold = c.fold;

CREATE OR REPLACE TEMP TABLE activity_state AS
SELECT a.rowid AS "row", a.event_key, a.day, a."at", a.token_issued_at, a.platform, a.managed_identity_resource_id,
       md5(concat(a.tenant, chr(31), a.service_principal_id, chr(31), a.user_id, chr(31), a.user_principal_name, chr(31), a.app_id,
                  chr(31), a.ip, chr(31), a.resource_id, chr(31), a.object_path, chr(31), a.service, chr(31), a.operation,
                  chr(31), a.outcome, chr(31), hour_of(a."at")))::UUID AS fold,
       CASE WHEN l.act_id IS NOT NULL THEN 'linked' WHEN coalesce(c.candidates, 0) > 0 THEN 'possible'
            -- The platform acts without a token, and a challenge comes before one: no sign-in is missing.
            WHEN coalesce(a.platform, false) OR coalesce(a.outcome, '') = 'challenge' THEN 'none'
            ELSE 'without' END AS state
FROM activity a
LEFT JOIN link l ON l.act_id = a.event_key
LEFT JOIN candidate_count c ON c.act_id = a.event_key
WHERE a.home;

CREATE OR REPLACE TABLE activity_fold AS
WITH counted AS (
    SELECT day, fold, min_by("row", event_key) AS "row",
           max(managed_identity_resource_id) AS managed_identity_resource_id, bool_or(coalesce(platform, false)) AS platform,
           count(*) AS count, count(*) FILTER (state = 'linked') AS linked, count(*) FILTER (state = 'without') AS without_sign_in,
           min(token_issued_at) AS first_issued_at, min("at") AS first_at, max("at") AS last_at,
           first_last(event_key, "at") AS sample_ids, first_five_where(event_key, "at", state = 'without') AS unexplained_ids
    FROM activity_state GROUP BY day, fold
)
SELECT c.day, c.fold::VARCHAR AS fold, a.tenant, a.service, a.operation, a.outcome, a.service_principal_id, a.user_id,
       a.user_principal_name, a.app_id, a.ip, a.resource_id, a.object_path, hour_start(a."at") AS hour, c.* EXCLUDE (day, fold, "row")
FROM counted c JOIN activity a ON a.rowid = c."row";

-- One edge per pair of folds and basis; it belongs to the day of the act.
CREATE OR REPLACE TABLE led_to AS
SELECT a.day, s.tenant, s.fold::VARCHAR AS sign_in_fold, a.kind AS act_kind, a.target, l.basis,
       CASE max(CASE l.confidence WHEN 'exact' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END)
           WHEN 0 THEN 'exact' WHEN 1 THEN 'high' WHEN 2 THEN 'medium' ELSE 'low' END AS confidence,
       count(*) AS events, first_five(a.act_id, a."at") AS event_ids,
       min(a."at") AS first_at, max(a."at") AS last_at,
       min((epoch_us(a."at") - epoch_us(s."at")) // 1000) AS min_lag, max((epoch_us(a."at") - epoch_us(s."at")) // 1000) AS max_lag,
       max(l.candidates)::BIGINT AS candidates, bool_or(s.kind = 'user') AS of_user, max(s.acting_user) AS user_id
FROM link l
JOIN (
    SELECT event_key AS act_id, day, "at", fold::VARCHAR AS target, 'activity' AS kind FROM activity_state
    UNION ALL
    SELECT event_key, day, "at", event_key, 'change' FROM change WHERE home
) a ON a.act_id = l.act_id
JOIN sign_in_state s ON s.event_key = l.sign_in_id
GROUP BY a.day, s.tenant, s.fold, a.kind, a.target, l.basis;

-- What a day tells of tokens that may be worth a node: seen at two addresses, used by an application without a known
-- sign-in, or used on another day as well (all days together say what holds).
CREATE OR REPLACE TABLE token AS
WITH used AS (
    SELECT a.day, a.tenant, a.token_id, a.token_issued_at, a."at", a.event_key, a.user_id, t.fold, i.event_key AS sign_in_id,
           CASE WHEN NOT says_nothing(a.ip) THEN a.ip END AS ip, CASE WHEN NOT says_nothing(i.ip) THEN i.ip END AS sign_in_ip,
           i.fold AS sign_in_fold, i.kind AS sign_in_kind, i.acting_user
    FROM activity_state t JOIN activity a ON a.rowid = t."row"
    LEFT JOIN token_link l ON l.act_id = a.event_key
    LEFT JOIN sign_in_state i ON i.event_key = l.sign_in_id
    WHERE a.token_id IS NOT NULL AND NOT coalesce(a.platform, false)
), brief AS (
    SELECT day, tenant, token_id, min(ip) AS low, max(ip) AS high, max(sign_in_ip) AS sign_in_ip, max(sign_in_id) AS sign_in_id
    FROM used GROUP BY day, tenant, token_id
), elsewhere AS (
    -- Within a token's life on either side of the day, whatever else was loaded with it.
    SELECT DISTINCT b.day, b.tenant, b.token_id FROM brief b
    JOIN activity a ON a.tenant = b.tenant AND a.token_id = b.token_id AND a.day <> b.day
        AND a."at" BETWEEN b.day - INTERVAL 28 HOUR AND b.day + INTERVAL 52 HOUR
    WHERE NOT coalesce(a.platform, false)
), home AS (
    -- Lists are made of few: most tokens have one address and a sign-in.
    SELECT day, tenant, token_id, min(token_issued_at) AS issued_at, min("at") AS first_at, max("at") AS last_at,
           max({'fold': sign_in_fold::VARCHAR, 'of_user': sign_in_kind = 'user', 'user_id': acting_user}) FILTER (sign_in_fold IS NOT NULL) AS sign_in,
           max(sign_in_id) AS sign_in_id, bool_or(user_id IS NOT NULL) AS of_user,
           list_distinct(list(ip) FILTER (ip IS NOT NULL)) AS ips, max(sign_in_ip) AS sign_in_ip,
           list_sort(list_distinct(list(fold::VARCHAR))) AS activity_folds, first_five(event_key, "at") AS event_ids
    FROM used SEMI JOIN (
        SELECT day, tenant, token_id FROM brief
        WHERE low <> high OR low <> sign_in_ip OR high <> sign_in_ip OR sign_in_id IS NULL
        UNION SELECT day, tenant, token_id FROM elsewhere
    ) USING (day, tenant, token_id)
    GROUP BY day, tenant, token_id
)
SELECT h.* EXCLUDE (sign_in), h.sign_in.fold AS sign_in_fold, h.sign_in.of_user AS sign_in_of_user, h.sign_in.user_id AS sign_in_user_id
FROM home h LEFT JOIN elsewhere e USING (day, tenant, token_id)
WHERE e.day IS NOT NULL OR worth_a_node(h.ips, h.sign_in_ip, h.sign_in_id, h.of_user);

-- Logs that decide what can be said of the day's folds, and the time for which each is asked.
CREATE OR REPLACE TABLE fold_span AS
SELECT day, tenant, source, min(since) AS since, max(until) AS until FROM (
    SELECT f.day, f.tenant, v.source, f.first_at AS since, f.last_at + to_minutes(f.life) + to_minutes(v.latency) AS until
    FROM sign_in_fold f JOIN service v ON v.app_id = f.resource_app_id WHERE v.source IS NOT NULL
    UNION ALL
    SELECT day, tenant, unnest(sign_in_logs(user_id IS NOT NULL OR user_principal_name IS NOT NULL)), token_since(first_issued_at, first_at), last_at
    FROM activity_fold
) GROUP BY day, tenant, source;

-- App ids that acted without a service principal.
CREATE OR REPLACE TABLE bare_app AS
SELECT day, tenant, app_id, min(first_at) AS first_at, max(last_at) AS last_at FROM (
    SELECT day, tenant, app_id, first_at, last_at FROM sign_in_fold WHERE kind <> 'user' AND service_principal_id IS NULL
    UNION ALL
    SELECT day, tenant, app_id, first_at, last_at FROM activity_fold
    WHERE user_id IS NULL AND user_principal_name IS NULL AND service_principal_id IS NULL
) WHERE app_id IS NOT NULL GROUP BY day, tenant, app_id;

-- Sign-ins and acts of applications that state one of app id and service principal. Where the other side states only the
-- other id, no link is possible here: all days together say whether both are of one identity.
CREATE OR REPLACE TABLE half_named AS
SELECT f.day, f.tenant, 'signIn' AS side, f.fold, f.ip, says_nothing(f.ip) OR f.kind = 'managedIdentity' AS any_address, f.service_principal_id,
       f.app_id, unnest(v.groups) AS act_group, f.first_at - INTERVAL 5 MINUTE AS since, f.last_at + to_minutes(f.life) AS until
FROM sign_in_fold f JOIN service v ON v.app_id = f.resource_app_id
WHERE f.kind <> 'user' AND f.result_class = 'success' AND (f.app_id IS NULL) <> (f.service_principal_id IS NULL)
UNION ALL
SELECT day, tenant, 'act', fold, ip, says_nothing(ip), service_principal_id, app_id,
       CASE WHEN service = 'keyVault' AND starts_with(lower(operation), 'vault') THEN 'arm' ELSE service END, first_at, last_at
FROM activity_fold
WHERE user_id IS NULL AND user_principal_name IS NULL AND NOT platform AND linked < count
  AND (app_id IS NULL) <> (service_principal_id IS NULL)
UNION ALL
SELECT day, tenant, 'act', NULL, NULL, true, actor_id, NULL, 'directory', min("at"), max("at") FROM change
WHERE home AND actor_type = 'app' AND actor_id IS NOT NULL AND actor_app_id IS NULL AND "at" IS NOT NULL
GROUP BY day, tenant, actor_id, hour_of("at");
