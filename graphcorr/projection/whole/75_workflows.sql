-- Runs of Logic Apps. Their log names no identity: who ran is known from configuration alone, and said so.

CREATE OR REPLACE TABLE run AS
SELECT tenant, resource_id, run_id, tenant || resource_id || '/runs/' || run_id AS key,
       min(first_at) AS first_at, max(last_at) AS last_at, min(started_at) AS started_at, max(ended_at) AS ended_at,
       max_by(status, (status_at, status)) FILTER (status IS NOT NULL) AS status,
       list_sort(list_distinct(flatten(list(actions)))) AS actions
FROM workflow_run GROUP BY tenant, resource_id, run_id;

CREATE OR REPLACE VIEW node_WorkflowRun AS
SELECT 'WorkflowRun' AS labels, key,
       coalesce(nullif(regexp_extract(resource_id, '([^/]+)$', 1), ''), 'Run ' || run_id) || coalesce(' (' || status || ')', '') AS caption,
       first_at AS firstSeen, last_at AS lastSeen, tenant AS tenantId, run_id AS runId, status, started_at AS startedAt,
       ended_at AS endedAt, actions
FROM run;

CREATE OR REPLACE VIEW edge_RAN AS
SELECT 'Resource' AS fromLabel, tenant || resource_id AS fromKey, 'WorkflowRun' AS toLabel, key AS toKey, NULL AS extra
FROM run WHERE resource_id <> '';

-- Only a managed identity that is known to be this very workflow's or assigned to it, and lived at the time.
CREATE OR REPLACE VIEW edge_RUN_BY AS
SELECT DISTINCT 'WorkflowRun' AS fromLabel, r.key AS fromKey, 'DirectoryObject' AS toLabel, o.key AS toKey, NULL AS extra,
       'time+configuration' AS basis, 'low' AS confidence
FROM run r
JOIN stated_pair p ON p.tenant = r.tenant AND p.right_type IN ('resourceId', 'assignedTo') AND p.right_id = r.resource_id AND p.left_type = 'servicePrincipal'
JOIN object o ON o.tenant = p.tenant AND o.object_id = p.left_id
WHERE contains(o.labels, 'ManagedIdentity')
  AND coalesce(o.created_at <= r.last_at, true) AND coalesce(o.deleted_at >= r.first_at, true);
