-- Where an application made a change from: the audit log does not say, the sign-ins that may have led to it do, if all of
-- them came from one address.
CREATE OR REPLACE TABLE change_address AS
WITH asked AS (
    SELECT a.day, a.tenant, a.act_id, s.ip, l.candidates
    FROM link l JOIN act a ON a.act_id = l.act_id AND a.act_kind = 'change' AND a.home
    JOIN sign_in s ON s.event_key = l.sign_in_id
    WHERE s.ip IS NOT NULL AND s.kind <> 'managedIdentity'
), place AS (
    SELECT link_key, life, ip, "at", max(rank) AS rank FROM (
        SELECT link_key, life, ip, "at", row_number() OVER (PARTITION BY link_key, life, ip ORDER BY "at", sign_in_id) AS rank
        FROM sign_in_key WHERE ip IS NOT NULL AND link_key IN (SELECT link_key FROM open_act SEMI JOIN asked USING (act_id))
    ) GROUP BY link_key, life, ip, "at"
), question AS (
    SELECT q.*, o.link_key, o.life, o.earliest, o.latest FROM asked q JOIN open_act o USING (act_id)
)
SELECT q.day, q.tenant, q.act_id AS change, q.ip
FROM question q
ASOF LEFT JOIN place upto ON q.link_key = upto.link_key AND q.life = upto.life AND q.ip = upto.ip AND q.latest >= upto."at"
ASOF LEFT JOIN place before ON q.link_key = before.link_key AND q.life = before.life AND q.ip = before.ip AND q.earliest > before."at"
GROUP BY q.day, q.tenant, q.act_id, q.ip, q.candidates
HAVING sum(coalesce(upto.rank, 0) - coalesce(before.rank, 0)) = q.candidates;
