-- Nodes that belong to a day: views as in whole/70_nodes.sql, with the day beside the columns of graph/schema.py.

CREATE OR REPLACE TEMP VIEW node_SignIn AS
SELECT f.day, 'SignIn' AS labels, f.fold AS key,
       CASE WHEN f.result_class = 'success' THEN 'Sign-in to '
                WHEN f.result_class IS NULL THEN 'Sign-in without a stated result to ' ELSE 'Failed sign-in to ' END
           || coalesce(a.name, f.resource_name, 'an unnamed resource')
           || CASE WHEN f.result_class <> 'success' THEN ' (' || coalesce(f.result_code, '?') || ')' ELSE '' END
           || CASE WHEN f.count > 1 THEN ' ×' || f.count ELSE '' END AS caption,
       f.first_at AS firstSeen, f.last_at AS lastSeen, f.tenant AS tenantId, f.kind, f.result_code AS resultCode, f.result_class AS resultClass, f.hour,
       f.app_id AS appId, f.service_principal_id AS servicePrincipalId, f.ip AS address,
       CASE WHEN starts_with(f.credential, 'key:') THEN substr(f.credential, 5) END AS keyId, f.resource_app_id AS resourceAppId,
       f.resource_service_principal_id AS resourceServicePrincipalId, f.resource_name AS resourceName, f.credential_type AS credentialType,
       f.count, f.linked AS linkedCount, f.same_address AS possibleSameAddressCount, f.other_address AS possibleOtherAddressCount,
       f.unexplained AS unexplainedCount, f.evidence, f.sample_ids AS sampleIds, coalesce(f.unexplained_ids, []) AS unexplainedIds
FROM shown_sign_in f LEFT JOIN first_party a ON a.app_id = f.resource_app_id;

CREATE OR REPLACE TEMP VIEW node_Activity AS
SELECT f.day, 'Activity' AS labels, f.fold AS key,
       CASE f.service WHEN 'arm' THEN regexp_extract(f.operation, '([^/]+/[^/]+)$', 1) ELSE f.operation END
           || coalesce(' ' || f.object_path, '') || CASE WHEN f.outcome = 'failure' THEN ' (failed)' ELSE '' END
           || CASE WHEN f.count > 1 THEN ' ×' || f.count ELSE '' END AS caption,
       f.first_at AS firstSeen, f.last_at AS lastSeen, f.tenant AS tenantId, f.service, f.operation, f.outcome, f.hour, f.object_path AS objectPath,
       f.app_id AS appId, f.service_principal_id AS servicePrincipalId, f.ip AS address, f.resource_id AS resourceId,
       f.count, f.linked AS linkedCount, CASE WHEN h.fold IS NULL THEN f.without_sign_in ELSE 0 END AS withoutSignInCount, e.evidence,
       f.sample_ids AS sampleIds, CASE WHEN h.fold IS NULL THEN coalesce(f.unexplained_ids, []) ELSE [] END AS unexplainedIds
FROM activity_fold f JOIN activity_evidence e ON e.day = f.day AND e.fold = f.fold
LEFT JOIN day_half_named h ON h.day = f.day AND h.fold = f.fold;

CREATE OR REPLACE TEMP VIEW node_Change AS
SELECT day, 'Change' AS labels, event_key AS key, trim(raw_operation) AS caption, "at" AS firstSeen, "at" AS lastSeen, tenant AS tenantId,
       event_key AS eventId, "at", operation, raw_operation AS rawOperation, result, correlation_id AS correlationId, admin_consent AS adminConsent,
       -- What failed did nothing.
       CASE WHEN coalesce(result, 'success') <> 'success' THEN NULL
            WHEN lifecycle IS NOT NULL THEN lifecycle
            WHEN operation IN ('update application', 'update service principal')
              OR operation = 'update application - certificates and secrets management' THEN 'updated' END AS lifecycle,
       CASE WHEN coalesce(result, 'success') = 'success' THEN enabled END AS enabled
FROM change_made;
