-- The last successful sign-in of an identity before a credential was added to it, with anything but that one: was there a
-- working one? Asked of the graph, every earlier sign-in would be looked at for each addition.

CREATE OR REPLACE TABLE addition AS
SELECT DISTINCT c.tenant, coalesce(c.tenant || '/' || o.identity_id, o.key) AS subject, n.strong, c."at", c.event_key, c.object_id
FROM credential_moved c JOIN credential_name n USING (tenant, credential) JOIN object o USING (tenant, object_id)
WHERE c.act = 'change' AND c.change = 'added' AND c."at" IS NOT NULL;

CREATE OR REPLACE TABLE success AS
SELECT * FROM (
    SELECT coalesce(f.tenant || '/' || o.identity_id, o.key, p.key) AS subject, n.strong, f.fold, f.first_at, f.last_at, f.sample_ids
    FROM sign_in_fold f
    LEFT JOIN bare_principal p ON f.service_principal_id IS NULL AND p.tenant = f.tenant AND p.app_id = f.app_id
    LEFT JOIN object o ON o.key = coalesce(object_key(f.tenant, f.service_principal_id), p.key)
    LEFT JOIN credential_name n ON n.tenant = f.tenant AND n.credential = f.credential
    WHERE f.kind <> 'user' AND f.result_class = 'success' AND f.first_at IS NOT NULL
) SEMI JOIN addition USING (subject);

-- Of a fold the first and the last sign-in have a time (`last` says which); each is told beside the one before it that had
-- another credential than its own.
CREATE OR REPLACE TABLE success_moment AS
WITH moment AS (
    SELECT subject, false AS last, first_at AS "at", fold, strong, sample_ids FROM success
    UNION ALL SELECT subject, true, last_at, fold, strong, sample_ids FROM success
), beside AS (
    SELECT *, {strong: strong, "at": "at", ids: sample_ids} AS this, lag(this) OVER w AS former
    FROM moment WINDOW w AS (PARTITION BY subject, last ORDER BY "at", fold DESC)
)
SELECT subject, last, "at", fold, this, last_value(CASE WHEN former.strong IS DISTINCT FROM strong THEN former END IGNORE NULLS) OVER w AS other
FROM beside WINDOW w AS (PARTITION BY subject, last ORDER BY "at", fold DESC);

CREATE OR REPLACE TABLE success_before AS
WITH line AS (
    SELECT subject, last, "at", fold, {this: this, other: other} AS moment, NULL AS strong, NULL AS event_key, NULL AS object_id FROM success_moment
    UNION ALL
    SELECT subject, unnest([false, true]), "at", NULL, NULL, strong, event_key, object_id FROM addition
), met AS (
    SELECT last, strong, event_key, object_id, last_value(moment IGNORE NULLS) OVER w AS moment FROM line
    WINDOW w AS (PARTITION BY subject, last ORDER BY "at", moment IS NOT NULL, fold DESC)
), told AS (
    SELECT last, strong, event_key, object_id, CASE WHEN moment.this.strong IS DISTINCT FROM strong THEN moment.this ELSE moment.other END AS success
    FROM met WHERE event_key IS NOT NULL
)
-- Its events are those of the fold that began last.
SELECT event_key, strong, object_id, max(success."at") AS "at", any_value(success.ids) FILTER (NOT last) AS ids
FROM told WHERE success IS NOT NULL GROUP BY event_key, strong, object_id;
