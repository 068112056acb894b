-- What is shown of a day's sign-ins, with whom they are of and how far the absence of any consequence can be believed
-- (design 8). Everything in this folder sees the daily tables of its days and the rows of day_* of the same day, nothing
-- else: else a file of an earlier projection could not stand for it.

CREATE OR REPLACE TEMP TABLE sign_in_span AS
SELECT f.day, f.tenant, f.fold, f.result_class, v.source, v.changes_only, f.first_at,
       f.last_at + to_minutes(f.life) + to_minutes(v.latency) AS until
FROM sign_in_fold f LEFT JOIN service v ON v.app_id = f.resource_app_id
WHERE f.kind <> 'user' OR (f.day, f.tenant, f.user_id) IN (SELECT (day, tenant, user_id) FROM day_user);

CREATE OR REPLACE TEMP TABLE sign_in_evidence AS
SELECT s.day, s.fold,
       CASE WHEN s.result_class IS DISTINCT FROM 'success' THEN 'notApplicable'
            WHEN s.source IS NULL THEN 'noSource'
            WHEN s.source NOT IN (SELECT source FROM loader_source) THEN 'noLoader'
            WHEN l.source IS NULL THEN 'notCollected'
            WHEN s.until + INTERVAL 2 HOUR > n.as_of OR s.first_at IS NULL THEN 'tooRecent'
            WHEN l.undated OR s.first_at < l.all_since OR s.until > l.all_until OR g.fold IS NOT NULL THEN 'gap'
            WHEN s.changes_only THEN 'changesOnly'
            WHEN len(list_filter(p.whole, lambda w: w.since <= s.first_at AND w.until >= s.until)) = 0 THEN 'partialScopes'
            ELSE 'complete' END AS evidence
FROM sign_in_span s
LEFT JOIN day_newest n ON n.day = s.day AND n.tenant = s.tenant
LEFT JOIN day_log l ON l.day = s.day AND l.tenant = s.tenant AND l.source = s.source
LEFT JOIN day_partial p ON p.day = s.day AND p.tenant = s.tenant AND p.source = s.source
LEFT JOIN (
    SELECT DISTINCT s.day, s.fold FROM sign_in_span s
    JOIN day_gap g ON g.day = s.day AND g.tenant = s.tenant AND g.source = s.source AND g.start < s.until AND g."end" > s.first_at
) g ON g.day = s.day AND g.fold = s.fold;

CREATE OR REPLACE TEMP TABLE shown_sign_in AS
SELECT f.* REPLACE (
           -- What it may have led to states another of its ids.
           f.same_address + CASE WHEN h.same THEN f.unexplained ELSE 0 END AS same_address,
           f.other_address + CASE WHEN h.same THEN 0 WHEN h.fold IS NOT NULL THEN f.unexplained ELSE 0 END AS other_address,
           CASE WHEN h.fold IS NULL THEN f.unexplained ELSE 0 END AS unexplained,
           CASE WHEN h.fold IS NULL THEN f.unexplained_ids END AS unexplained_ids),
       e.evidence, coalesce(p.label, 'DirectoryObject') AS principal_label,
       CASE WHEN f.kind = 'user' THEN object_key(f.tenant, f.user_id)
            WHEN f.service_principal_id IS NOT NULL THEN object_key(f.tenant, f.service_principal_id)
            ELSE p.key END AS principal_key
FROM sign_in_fold f JOIN sign_in_evidence e ON e.day = f.day AND e.fold = f.fold
LEFT JOIN day_half_named h ON h.day = f.day AND h.fold = f.fold
LEFT JOIN day_app p ON f.kind <> 'user' AND f.service_principal_id IS NULL AND p.day = f.day AND p.tenant = f.tenant AND p.app_id = f.app_id;

-- Of an activity: could its sign-in have been seen?
CREATE OR REPLACE TEMP TABLE activity_evidence AS
WITH span AS (
    SELECT a.day, a.tenant, a.fold, a.last_at, token_since(a.first_issued_at, a.first_at) AS since, coalesce(p.microsoft, false) AS microsoft,
           unnest(CASE
               WHEN a.user_id IS NOT NULL OR a.user_principal_name IS NOT NULL THEN sign_in_logs(true)
               WHEN p.microsoft THEN ['AADFirstPartyToFirstPartySignInLogs']
               WHEN p.managed THEN ['AADManagedIdentitySignInLogs']
               WHEN p.signs_in THEN ['AADServicePrincipalSignInLogs']
               ELSE ['AADServicePrincipalSignInLogs', 'AADManagedIdentitySignInLogs'] END) AS source
    FROM activity_fold a
    LEFT JOIN day_principal p ON p.day = a.day AND p.tenant = a.tenant AND p.service_principal_id = a.service_principal_id
)
SELECT a.day, a.fold,
       CASE WHEN bool_or(a.microsoft AND l.own IS DISTINCT FROM true) THEN 'microsoftOwned'
            WHEN bool_or(l.own IS DISTINCT FROM true) THEN 'notCollected'
            WHEN bool_or(a.last_at IS NULL OR a.last_at + INTERVAL 2 HOUR > n.as_of) THEN 'tooRecent'
            WHEN bool_or(l.own_since IS NULL OR a.since < l.own_since) THEN 'tokenOlderThanCoverage'
            WHEN bool_or(a.last_at > l.own_until OR g.source IS NOT NULL) THEN 'gap'
            ELSE 'complete' END AS evidence
FROM span a
LEFT JOIN day_newest n ON n.day = a.day AND n.tenant = a.tenant
LEFT JOIN day_log l ON l.day = a.day AND l.tenant = a.tenant AND l.source = a.source
LEFT JOIN day_gap g ON g.day = a.day AND g.tenant = a.tenant AND g.source = a.source AND g.start < a.last_at AND g."end" > a.since
GROUP BY a.day, a.fold;
