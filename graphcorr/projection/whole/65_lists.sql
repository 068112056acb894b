-- What the operator's lists add. They describe and never join anything.

-- The built-in list holds for Microsoft's own APIs: another application's permission may carry the same value.
CREATE OR REPLACE MACRO risk_of(kind_of, value_of, id_of, api_of) AS (
    SELECT max_by(r.risk, r.declared) FROM listed_risk r
    WHERE r.kind = kind_of AND r.value IN (lower(value_of), lower(id_of))
      AND (r.declared OR api_of IS NULL OR api_of IN (SELECT app_id FROM first_party)));

-- Of several entries about one identity the smallest counts, whatever their order.
CREATE OR REPLACE TABLE owner_of AS
SELECT tenant, identity_id, min_by(owner, (owner, coalesce(tier, ''))) AS owner, min_by(tier, (owner, coalesce(tier, ''))) AS tier
FROM (SELECT tenant, identity_id, unnest([app_id, object_id]) AS id FROM object WHERE identity_id IS NOT NULL)
JOIN listed_owner USING (id) GROUP BY tenant, identity_id;
