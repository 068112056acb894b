-- Microsoft's detections and risk states: the newest version of each.

CREATE OR REPLACE TABLE risk_event AS
SELECT tenant, risk_id, tenant || '/' || risk_id AS key, min("at") AS first_at, max(updated_at) AS last_at,
       unnest(max_by({event_key: event_key, risk_type: risk_type, risk_level: risk_level, risk_state: risk_state,
                      service_principal_id: service_principal_id}, (coalesce(updated_at, TIMESTAMPTZ '1970-01-01 00:00:00Z'), event_key)))
FROM risk_seen GROUP BY tenant, risk_id;

CREATE OR REPLACE VIEW node_RiskEvent AS
SELECT 'RiskEvent' AS labels, key, coalesce(risk_type, 'Risk') || coalesce(' (' || risk_state || ')', '') AS caption,
       first_at AS firstSeen, last_at AS lastSeen, tenant AS tenantId, event_key AS eventId,
       risk_type AS riskType, risk_level AS riskLevel, risk_state AS riskState
FROM risk_event;

-- A detection is about a sign-in by its id: the fold that holds it has the same values as the sign-in.
CREATE OR REPLACE VIEW edge_ABOUT AS
SELECT 'RiskEvent' AS fromLabel, key AS fromKey, 'DirectoryObject' AS toLabel, object_key(tenant, service_principal_id) AS toKey, NULL AS extra
FROM risk_event WHERE service_principal_id IS NOT NULL
UNION
SELECT 'RiskEvent', e.key, 'Credential', r.tenant || '/' || n.strong, NULL
FROM risk_event e JOIN risk_key r USING (tenant, risk_id) JOIN credential_name n ON n.tenant = r.tenant AND n.credential = r.credential
UNION
SELECT 'RiskEvent', e.key, 'SignIn', f.fold, NULL
FROM risk_event e JOIN risk_seen r USING (tenant, risk_id)
JOIN risk_sign_in s ON s.tenant = e.tenant AND s.event_key = r.sign_in_id
JOIN sign_in_fold f ON f.tenant = s.tenant AND f.kind = s.kind AND f.hour IS NOT DISTINCT FROM hour_start(s."at")
    AND f.service_principal_id IS NOT DISTINCT FROM s.service_principal_id AND f.app_id IS NOT DISTINCT FROM s.app_id
    AND f.user_id IS NOT DISTINCT FROM s.user_id AND f.ip IS NOT DISTINCT FROM s.ip
    AND f.credential IS NOT DISTINCT FROM credential_id(s.key_id, s.federated_credential_id, s.thumbprint)
    AND f.resource_app_id IS NOT DISTINCT FROM s.resource_app_id AND f.result_code IS NOT DISTINCT FROM s.result_code
    AND f.resource_service_principal_id IS NOT DISTINCT FROM s.resource_service_principal_id
WHERE f.kind <> 'user' OR (f.tenant, f.user_id) IN (SELECT (tenant, user_id) FROM shown_user);
