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

CREATE OR REPLACE VIEW edge_ABOUT AS
SELECT 'RiskEvent' AS fromLabel, key AS fromKey, 'DirectoryObject' AS toLabel, object_key(tenant, service_principal_id) AS toKey, NULL AS extra
FROM risk_event WHERE service_principal_id IS NOT NULL;
