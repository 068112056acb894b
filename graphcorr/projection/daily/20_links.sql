-- Which sign-in led to an act: by token id, else by the issue time in its token, else by the window of a token's life.
-- Per event, before folding. Candidates are counted by rank difference over ordered streams, never by joining pairs.

-- The id of a sign-in is its own; a token id beside it counts only if one sign-in states it (exports may blank it).
CREATE OR REPLACE TEMP TABLE token_link AS
SELECT a.act_id,
       coalesce(max(s.event_key) FILTER (s.event_key = a.token_id),
                CASE WHEN count(DISTINCT s.event_key) = 1 THEN max(s.event_key) END) AS sign_in_id
FROM act a JOIN (
    SELECT tenant, "at", event_key, event_key AS token_id FROM sign_in
    UNION ALL
    SELECT tenant, "at", event_key, token_id FROM sign_in WHERE token_id <> event_key
) s ON s.tenant = a.tenant AND s.token_id = a.token_id
    -- The longest life back and ten minutes for clocks, whatever was loaded: a day's links must not depend on the days
    -- computed with it. An act that a day's sign-in led to is up to 28 hours away, and all that it can mean is in reach.
    AND s."at" BETWEEN a."at" - INTERVAL 28 HOUR AND a."at" + INTERVAL 10 MINUTE
GROUP BY a.act_id
HAVING sign_in_id IS NOT NULL;

-- Acts whose token does not name the sign-in. A token id that names no known sign-in names an unknown one: such an act
-- is no act of any other sign-in, and neither is one whose token is older than any token gets.
-- One row per length of life among the possible sign-ins, so that a long-lived one does not stretch the others' window.
CREATE OR REPLACE TEMP TABLE open_act AS
SELECT k.act_id, k.link_key, l.life, k.home, k."at", k.ip, k.any_address, k.token_issued_at IS NOT NULL AS timed,
       coalesce(k.token_issued_at + INTERVAL 5 MINUTE, k."at") AS centre,
       CASE WHEN k.token_issued_at IS NULL THEN k."at" - to_minutes(l.life) ELSE k.token_issued_at - INTERVAL 6 MINUTE END AS earliest,
       CASE WHEN k.token_issued_at IS NULL THEN k."at" + INTERVAL 5 MINUTE ELSE k.token_issued_at + INTERVAL 6 MINUTE END AS latest
FROM act_key k
JOIN (SELECT DISTINCT link_key, life FROM sign_in_key) l USING (link_key)
WHERE k.token_id IS NULL
  AND (k.token_issued_at IS NULL OR k.token_issued_at BETWEEN k."at" - INTERVAL 28 HOUR AND k."at" + INTERVAL 5 MINUTE);

-- Streams hold one row per instant, so that an ASOF join has one answer whatever the order of rows.
CREATE OR REPLACE TEMP TABLE sign_in_rank AS
SELECT link_key, life, "at", max(rank) AS rank FROM (
    SELECT link_key, life, "at", row_number() OVER (PARTITION BY link_key, life ORDER BY "at", sign_in_id) AS rank
    FROM sign_in_key SEMI JOIN open_act USING (link_key, life)
) GROUP BY link_key, life, "at";

CREATE OR REPLACE TEMP TABLE candidate_count AS
SELECT act_id, sum(coalesce(upto.rank, 0) - coalesce(before.rank, 0))::BIGINT AS candidates
FROM open_act o
ASOF LEFT JOIN sign_in_rank upto ON o.link_key = upto.link_key AND o.life = upto.life AND o.latest >= upto."at"
ASOF LEFT JOIN sign_in_rank before ON o.link_key = before.link_key AND o.life = before.life AND o.earliest > before."at"
GROUP BY act_id;

-- Places: the address itself, and `*` for "says nothing". An act from `*` may belong to a sign-in from anywhere.
-- Where an act is looked for. Tokens are issued five minutes back-dated, but not every log states it so: the sign-in is
-- near the stated time or five minutes after it.
CREATE OR REPLACE TEMP TABLE act_place AS
SELECT *, unnest(CASE WHEN any_address THEN ['any'] ELSE [ip, '*'] END) AS place
FROM (SELECT * REPLACE (unnest(CASE WHEN timed THEN [centre - INTERVAL 5 MINUTE, centre] ELSE [centre] END) AS centre) FROM open_act);

CREATE OR REPLACE TEMP TABLE sign_in_place AS
SELECT link_key, life, place, "at", min(sign_in_id) AS sign_in_id FROM (
    SELECT link_key, "at", sign_in_id, life, unnest(CASE WHEN any_address THEN ['*', 'any'] ELSE [ip, 'any'] END) AS place
    FROM sign_in_key
) SEMI JOIN act_place USING (link_key, life, place) GROUP BY link_key, life, place, "at";

CREATE OR REPLACE TEMP TABLE time_link AS
WITH near AS (
    SELECT a.act_id, a.timed, a.centre, s.sign_in_id, s."at" AS issued_at, a.earliest, a.latest, 0 AS later
    FROM act_place a ASOF JOIN sign_in_place s ON a.link_key = s.link_key AND a.life = s.life AND a.place = s.place AND a.centre >= s."at"
    UNION ALL
    SELECT a.act_id, a.timed, a.centre, s.sign_in_id, s."at", a.earliest, a.latest, 1
    FROM act_place a ASOF JOIN sign_in_place s ON a.link_key = s.link_key AND a.life = s.life AND a.place = s.place AND a.centre < s."at"
)
SELECT act_id, any_value(timed) AS timed,
       min_by(sign_in_id, (CASE WHEN timed THEN 0 ELSE later END, abs(epoch_us(centre) - epoch_us(issued_at)), sign_in_id)) AS sign_in_id
FROM near
WHERE issued_at BETWEEN earliest AND latest
GROUP BY act_id;

CREATE OR REPLACE TEMP TABLE link AS
SELECT act_id, sign_in_id, 'token' AS basis, 'exact' AS confidence, 1 AS candidates FROM token_link
UNION ALL
SELECT t.act_id, t.sign_in_id, CASE WHEN t.timed THEN 'tokenTime' ELSE 'window' END,
       CASE WHEN c.candidates = 1 THEN 'high' WHEN t.timed OR c.candidates <= 5 THEN 'medium' ELSE 'low' END, c.candidates
FROM time_link t JOIN candidate_count c USING (act_id);
