-- The baseline of principals as written, and what each source delivered.

CREATE OR REPLACE TABLE seen_from AS
SELECT day, tenant, kind, service_principal_id, app_id, user_id, ip,
       min("at") FILTER (result_class = 'success') AS first_success, max("at") FILTER (result_class = 'success') AS last_success,
       min("at") FILTER (result_class <> 'success') AS first_failure, max("at") FILTER (result_class <> 'success') AS last_failure,
       count(*) AS count
FROM sign_in WHERE home AND ip IS NOT NULL AND "at" IS NOT NULL
GROUP BY day, tenant, kind, service_principal_id, app_id, user_id, ip;

CREATE OR REPLACE TABLE reached AS
SELECT day, tenant, kind, service_principal_id, app_id, user_id, 'Application' AS target_label, resource_app_id AS target,
       min("at") FILTER (result_class = 'success') AS first_success, max("at") FILTER (result_class = 'success') AS last_success,
       min("at") FILTER (result_class <> 'success') AS first_failure, max("at") FILTER (result_class <> 'success') AS last_failure,
       count(*) AS count
FROM sign_in WHERE home AND resource_app_id IS NOT NULL AND "at" IS NOT NULL
GROUP BY day, tenant, kind, service_principal_id, app_id, user_id, resource_app_id
UNION ALL
SELECT day, tenant, CASE WHEN user_id IS NULL THEN 'servicePrincipal' ELSE 'user' END, service_principal_id, app_id, user_id, 'Resource', resource_id,
       min("at") FILTER (outcome = 'success'), max("at") FILTER (outcome = 'success'),
       min("at") FILTER (outcome = 'failure'), max("at") FILTER (outcome = 'failure'), count(*)
FROM activity WHERE home AND resource_id IS NOT NULL AND "at" IS NOT NULL
GROUP BY day, tenant, service_principal_id, app_id, user_id, resource_id;

-- Delay as a histogram on a logarithmic scale (buckets of about 6 %), so that days add up.
CREATE OR REPLACE TABLE delivery AS
WITH delivered AS (
    SELECT day, tenant, source, coalesce(scope, '') AS scope, "at", received_at, raw_size, versions FROM sign_in WHERE home AND kind <> 'user'
    UNION ALL SELECT day, tenant, source, coalesce(scope, ''), "at", received_at, raw_size, versions FROM user_sign_in
    UNION ALL SELECT day, tenant, source, coalesce(scope, ''), "at", received_at, raw_size, versions FROM activity WHERE home
    UNION ALL SELECT day, tenant, source, coalesce(scope, ''), "at", received_at, raw_size, versions FROM change WHERE home
    UNION ALL SELECT day, tenant, source, coalesce(scope, ''), "at", received_at, raw_size, versions FROM workflow WHERE home
    UNION ALL SELECT day, tenant, source, coalesce(scope, ''), "at", received_at, raw_size, versions FROM risk WHERE home
)
SELECT day, tenant, source, scope, hour_start("at") AS hour,
       CASE WHEN received_at >= "at"
            THEN round(ln(1 + epoch_us(received_at) // 1000000 - epoch_us("at") // 1000000) * 16)::INT END AS delay_bucket,
       count(*) AS events, sum(raw_size)::BIGINT AS bytes, sum(versions - 1)::BIGINT AS duplicates, min("at") AS first_at, max("at") AS last_at
FROM delivered GROUP BY ALL;
