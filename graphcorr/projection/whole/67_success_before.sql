-- The last successful sign-in of an identity before a credential was added to it, with anything but that one: was there a
-- working one? Asked of the graph, every earlier sign-in would be looked at for each addition.

CREATE OR REPLACE TABLE addition AS
WITH added AS (
    SELECT DISTINCT coalesce(c.tenant || '/' || o.identity_id, o.key) AS subject, n.strong, c."at", c.event_key, c.object_id
    FROM credential_moved c JOIN credential_name n USING (tenant, credential) JOIN object o USING (tenant, object_id)
    WHERE c.act = 'change' AND c.change = 'added' AND c."at" IS NOT NULL
)
SELECT *, dense_rank() OVER (ORDER BY subject) AS number FROM added;

CREATE OR REPLACE TABLE success AS
SELECT a.number, f.strong, f.fold, f.first_at, f.last_at, f.sample_ids FROM (
    SELECT coalesce(f.tenant || '/' || o.identity_id, o.key, p.key) AS subject, n.strong, f.fold, f.first_at, f.last_at, f.sample_ids
    FROM sign_in_fold f
    LEFT JOIN bare_principal p ON f.service_principal_id IS NULL AND p.tenant = f.tenant AND p.app_id = f.app_id
    LEFT JOIN object o ON o.key = coalesce(object_key(f.tenant, f.service_principal_id), p.key)
    LEFT JOIN credential_name n ON n.tenant = f.tenant AND n.credential = f.credential
    WHERE f.kind <> 'user' AND f.result_class = 'success' AND f.first_at IS NOT NULL
) f JOIN (SELECT DISTINCT subject, number FROM addition) a USING (subject);

-- Of a fold the first and the last sign-in have a time (`last` says which). They have places in the order of time; one
-- `turns` where the one before it had another credential. Rows are small: there are many.
CREATE OR REPLACE TABLE success_moment AS
WITH moment AS (
    SELECT number, false AS last, first_at AS "at", fold, strong, rowid AS "row" FROM success
    UNION ALL SELECT number, true, last_at, fold, strong, rowid FROM success
)
SELECT number, last, "at", strong, "row", row_number() OVER w AS place, place > 1 AND strong IS DISTINCT FROM lag(strong) OVER w AS turns
FROM moment WINDOW w AS (PARTITION BY number, last ORDER BY "at", fold DESC);

CREATE OR REPLACE TABLE success_before AS
WITH asked AS (
    SELECT a.*, m.place FROM (SELECT *, unnest([false, true]) AS last FROM addition) a
    ASOF JOIN (SELECT number, last, "at", max(place) AS place FROM success_moment GROUP BY number, last, "at") m
        ON m.number = a.number AND m.last = a.last AND a."at" > m."at"
), told AS (
    -- With the added credential itself: the one before the last turn.
    SELECT a.event_key, a.strong, a.object_id, a.number, a.last, CASE WHEN m.strong IS DISTINCT FROM a.strong THEN a.place ELSE t.place - 1 END AS place
    FROM asked a JOIN success_moment m USING (number, last, place)
    ASOF LEFT JOIN (SELECT number, last, place FROM success_moment WHERE turns) t
        ON t.number = a.number AND t.last = a.last AND a.place >= t.place
)
-- Its events are those of the fold that began last.
SELECT t.event_key, t.strong, t.object_id, max(m."at") AS "at", any_value(s.sample_ids) FILTER (NOT t.last) AS ids
FROM told t JOIN success_moment m USING (number, last, place) JOIN success s ON s.rowid = m."row"
GROUP BY t.event_key, t.strong, t.object_id;
