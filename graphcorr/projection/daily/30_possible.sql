-- Could a sign-in have led to any act? Counted per sign-in over the acts that no token id claims for another one.

CREATE OR REPLACE TEMP TABLE act_stream AS
WITH placed AS (
    SELECT act_id, link_key, timed, CASE WHEN timed THEN centre - INTERVAL 5 MINUTE ELSE "at" END AS moment,
           unnest(CASE WHEN any_address THEN ['*', 'any'] ELSE [ip, 'any'] END) AS place
    FROM open_act
)
SELECT link_key, place, timed, moment, max(rank) AS rank FROM (
    SELECT *, row_number() OVER (PARTITION BY link_key, place, timed ORDER BY moment, act_id) AS rank FROM placed
) GROUP BY link_key, place, timed, moment;

CREATE OR REPLACE TEMP TABLE possible AS
WITH question AS (
    SELECT "row", link_key, timed, place, same,
           "at" - CASE WHEN timed THEN INTERVAL 6 MINUTE ELSE INTERVAL 5 MINUTE END AS earliest,
           "at" + CASE WHEN timed THEN INTERVAL 6 MINUTE ELSE to_minutes(life) END AS latest
    FROM (
        SELECT *, unnest([true, false]) AS timed FROM (
            SELECT *, unnest(CASE WHEN any_address THEN [{'place': 'any', 'same': true}]
                                  ELSE [{'place': ip, 'same': true}, {'place': '*', 'same': true},
                                        {'place': 'any', 'same': false}] END, recursive := true)
            FROM sign_in_key WHERE home
        )
    )
    SEMI JOIN (SELECT DISTINCT link_key, place, timed FROM act_stream) USING (link_key, place, timed)
)
SELECT "row",
       coalesce(bool_or(same AND coalesce(upto.rank, 0) > coalesce(before.rank, 0)), false) AS same_address,
       coalesce(bool_or(coalesce(upto.rank, 0) > coalesce(before.rank, 0)), false) AS any_address
FROM question q
ASOF LEFT JOIN act_stream upto ON q.link_key = upto.link_key AND q.place = upto.place AND q.timed = upto.timed AND q.latest >= upto.moment
ASOF LEFT JOIN act_stream before ON q.link_key = before.link_key AND q.place = before.place AND q.timed = before.timed AND q.earliest > before.moment
GROUP BY "row";
