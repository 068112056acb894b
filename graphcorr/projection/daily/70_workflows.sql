-- Runs of workflows and Microsoft's detections, as far as the day's events tell of them.

-- Only events of the run itself state when it began and ended; those of its actions have times of their own.
CREATE OR REPLACE TABLE workflow_run AS
SELECT day, tenant, coalesce(resource_id, '') AS resource_id, run_id, min("at") AS first_at, max("at") AS last_at,
       min(started_at) FILTER (starts_with(lower(operation), 'workflowrun')) AS started_at,
       max(ended_at) FILTER (starts_with(lower(operation), 'workflowrun')) AS ended_at,
       max_by(status, ("at", event_key)) FILTER (status IS NOT NULL AND starts_with(lower(operation), 'workflowrun')) AS status,
       max("at") FILTER (status IS NOT NULL AND starts_with(lower(operation), 'workflowrun')) AS status_at,
       list_sort(list_distinct(coalesce(list(action_name) FILTER (action_name IS NOT NULL), []))) AS actions
FROM workflow WHERE home AND run_id IS NOT NULL
GROUP BY day, tenant, coalesce(resource_id, ''), run_id;

CREATE OR REPLACE TABLE risk_seen AS
SELECT day, tenant, event_key, coalesce(risk_id, event_key) AS risk_id, "at", coalesce(updated_at, "at") AS updated_at,
       risk_type, risk_level, risk_state, service_principal_id, sign_in_id, key_ids
FROM risk WHERE home;
