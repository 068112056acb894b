-- Edges that belong to a day: views as in whole/80_edges.sql, with the day beside them. Both ends of each are shown by
-- construction: what a day mentions the whole layer makes a node of, and users who are not shown are left out here.

CREATE OR REPLACE TEMP VIEW edge_SIGNED_IN AS
SELECT day, principal_label AS fromLabel, principal_key AS fromKey, 'SignIn' AS toLabel, fold AS toKey, NULL AS extra
FROM shown_sign_in WHERE principal_key IS NOT NULL;

CREATE OR REPLACE TEMP VIEW edge_THROUGH AS
SELECT day, 'SignIn' AS fromLabel, fold AS fromKey, 'Application' AS toLabel, app_id AS toKey, NULL AS extra
FROM shown_sign_in WHERE kind = 'user' AND app_id IS NOT NULL
UNION ALL
SELECT day, 'Activity', fold, 'Application', app_id, NULL FROM activity_fold
WHERE (user_id IS NOT NULL OR user_principal_name IS NOT NULL) AND app_id IS NOT NULL;

CREATE OR REPLACE TEMP VIEW edge_USED AS
SELECT f.day, 'SignIn' AS fromLabel, f.fold AS fromKey, 'Credential' AS toLabel, c.key AS toKey, NULL AS extra
FROM shown_sign_in f JOIN day_credential c ON c.day = f.day AND c.tenant = f.tenant AND c.credential = f.credential;

CREATE OR REPLACE TEMP VIEW edge_TO AS
SELECT day, 'SignIn' AS fromLabel, fold AS fromKey, 'Application' AS toLabel, resource_app_id AS toKey, NULL AS extra
FROM shown_sign_in WHERE resource_app_id IS NOT NULL;

CREATE OR REPLACE TEMP VIEW edge_FROM AS
SELECT day, 'SignIn' AS fromLabel, fold AS fromKey, 'IPAddress' AS toLabel, ip AS toKey, NULL AS extra, country, 'record' AS basis
FROM shown_sign_in WHERE ip IS NOT NULL
UNION ALL
SELECT day, 'Activity', fold, 'IPAddress', ip, NULL, NULL, 'record' FROM activity_fold WHERE ip IS NOT NULL
UNION ALL
SELECT day, 'Change', event_key, 'IPAddress', actor_ip, 'own', NULL, actor_ip_basis FROM change_made WHERE actor_ip IS NOT NULL
UNION ALL
-- The audit log has no address when an application acts: the sign-ins that may have led to the change supply it.
SELECT day, 'Change', change, 'IPAddress', ip, 'signIn', NULL, 'signIn' FROM change_address;

CREATE OR REPLACE TEMP VIEW edge_PERFORMED AS
SELECT a.day, coalesce(p.label, 'DirectoryObject') AS fromLabel, coalesce(object_key(a.tenant, coalesce(a.user_id, a.service_principal_id)), p.key) AS fromKey,
       'Activity' AS toLabel, a.fold AS toKey, NULL AS extra
FROM activity_fold a
LEFT JOIN day_app p ON a.user_id IS NULL AND a.service_principal_id IS NULL AND p.day = a.day AND p.tenant = a.tenant AND p.app_id = a.app_id
WHERE (a.user_id IS NOT NULL OR a.user_principal_name IS NULL) AND coalesce(a.user_id, a.service_principal_id, p.key) IS NOT NULL;

CREATE OR REPLACE TEMP VIEW edge_OF AS
SELECT day, 'Activity' AS fromLabel, fold AS fromKey, 'Operation' AS toLabel, service || '/' || operation AS toKey, NULL AS extra FROM activity_fold;

CREATE OR REPLACE TEMP VIEW edge_ON AS
SELECT day, 'Activity' AS fromLabel, fold AS fromKey, 'Resource' AS toLabel, tenant || resource_id AS toKey, NULL AS extra
FROM activity_fold WHERE resource_id IS NOT NULL;

-- The sign-in may be of another day; its user says whether it is shown.
CREATE OR REPLACE TEMP VIEW edge_LED_TO AS
SELECT day, 'SignIn' AS fromLabel, sign_in_fold AS fromKey, CASE act_kind WHEN 'change' THEN 'Change' ELSE 'Activity' END AS toLabel,
       target AS toKey, basis AS extra, basis, confidence, events, event_ids AS eventIds, first_at AS firstAt, last_at AS lastAt,
       min_lag AS minLag, max_lag AS maxLag, candidates
FROM led_to WHERE NOT of_user OR (day, tenant, user_id) IN (SELECT (day, tenant, user_id) FROM day_user);

CREATE OR REPLACE TEMP VIEW edge_MADE AS
SELECT day, 'DirectoryObject' AS fromLabel, object_key(tenant, actor_id) AS fromKey, 'Change' AS toLabel, event_key AS toKey, NULL AS extra
FROM change_made WHERE actor_id IS NOT NULL;

CREATE OR REPLACE TEMP VIEW edge_CHANGED AS
SELECT day, 'Change' AS fromLabel, event_key AS fromKey, 'DirectoryObject' AS toLabel, object_key(tenant, target_id) AS toKey, NULL AS extra, max(type) AS role, max(name_unshown) AS nameUnshown
FROM change_target GROUP BY day, tenant, event_key, target_id;
