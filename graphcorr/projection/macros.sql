-- Keys and small rules that several steps share. Keys equal those of graphcorr/ids.py (a test holds that).

CREATE OR REPLACE MACRO object_key(tenant, id) AS tenant || '/' || id;

-- Texts become keys and indexed values, which stores bound to 8,000 bytes. A longer one is no name that a person gave:
-- its beginning and a hash stand for it.
CREATE OR REPLACE MACRO bounded(text) AS
    CASE WHEN strlen(text) > 1000 THEN left(text, 200) || '… (' || md5(text) || ')' ELSE text END;

-- One key from many parts; absent parts keep their place. A number of 16 bytes, so that millions of them fit.
CREATE OR REPLACE MACRO fold_key(parts) AS
    md5(array_to_string(list_transform(parts, lambda part: coalesce(part, '')), chr(31)))::UUID;

-- The hour of an event inside such a key, in milliseconds. The keys of folds are written out, as the hash of one text: a
-- list for each event costs half as much again.
CREATE OR REPLACE MACRO hour_of("at") AS (epoch_us("at") // 3600000000 * 3600000)::VARCHAR;

-- The hour in which an instant lies. Arithmetic: date_trunc and date_diff ask a calendar, fifteen times as long.
CREATE OR REPLACE MACRO hour_start("at") AS
    make_timestamptz(epoch_us("at") - (epoch_us("at") % 3600000000 + 3600000000) % 3600000000);

-- Addresses that say nothing about where a caller is: absent, private, shared (RFC 6598), loopback, link-local.
CREATE OR REPLACE MACRO says_nothing(ip) AS
    ip IS NULL OR regexp_matches(
        ip, '^(10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|::1$|f[cd]|fe[89ab])');

-- The credential a sign-in states, strongest id first; NULL if it states none.
CREATE OR REPLACE MACRO credential_id(key_id, federated_id, thumbprint) AS
    coalesce('key:' || key_id, 'fic:' || federated_id, 'thumb:' || thumbprint);

-- What tells a federated credential without id and name apart; NULL if the record states nothing of it.
CREATE OR REPLACE MACRO trusted(issuer, subject, audiences) AS
    CASE WHEN coalesce(issuer, subject) IS NOT NULL THEN
        coalesce(bounded(issuer), '') || '/' || coalesce(bounded(subject), '') || coalesce('/' || bounded(array_to_string(audiences, ' ')), '') END;

CREATE OR REPLACE MACRO first_and_last(first, last) AS CASE WHEN first = last THEN [first] ELSE [first, last] END;

-- An id behind its instant: the smallest such text is the earliest event. Aggregates over texts are several times
-- faster than those over pairs.
CREATE OR REPLACE MACRO in_time(id, "at") AS lpad(coalesce(epoch_us("at"), 0)::VARCHAR, 17, '0') || id;

-- Records of one operation have one instant; the number at the end of their ids says in which order they were written.
CREATE OR REPLACE MACRO in_order(id) AS
    regexp_replace(id, '\d{1,18}$', '') || lpad(regexp_extract(id, '\d{1,18}$'), 18, '0');

CREATE OR REPLACE MACRO first_last(id, "at") AS
    first_and_last(substr(min(in_time(id, "at")), 18), substr(max(in_time(id, "at")), 18));

-- Up to five, earliest first.
CREATE OR REPLACE MACRO first_five(id, "at") AS
    list_transform(min(in_time(id, "at"), 5), lambda dated: substr(dated, 18));

CREATE OR REPLACE MACRO first_five_where(id, "at", condition) AS
    list_transform(min(in_time(id, "at"), 5) FILTER (condition), lambda dated: substr(dated, 18));

CREATE OR REPLACE MACRO shown_app(app_id) AS 'Application ' || substr(app_id, 1, 8);

CREATE OR REPLACE MACRO edge_key(type, source, target, extra) AS
    md5(type || chr(31) || source || chr(31) || target || chr(31) || coalesce(extra, ''));

-- As `ids.is_user_assigned`.
CREATE OR REPLACE MACRO is_user_assigned(resource_id) AS contains(resource_id, '/microsoft.managedidentity/userassignedidentities/');

-- An instant as text inside a key; absent instants keep their place.
CREATE OR REPLACE MACRO moment("at") AS coalesce(epoch_us("at")::VARCHAR, '');

-- Life of a token in minutes (log-facts 3.3): `service` is the name of the resource's service, `owner` the tenant that
-- owns the client application. A single-tenant application may hold a token for Graph for a day.
CREATE OR REPLACE MACRO token_life(kind, service, owner, tenant) AS
    CASE WHEN kind = 'user' THEN (SELECT life_user FROM setting)
         WHEN kind = 'managedIdentity' THEN (SELECT life_long FROM setting)
         WHEN service IN ('graph', 'aadGraph') AND coalesce(owner, tenant) = tenant THEN (SELECT life_long FROM setting)
         ELSE (SELECT life_application FROM setting) END;

-- Since when a sign-in could have led to it: the issue of the token, else the longest life before.
CREATE OR REPLACE MACRO token_since(issued_at, first_at) AS coalesce(issued_at, first_at - INTERVAL 28 HOUR);

-- Logs in which the sign-in behind an activity can be.
CREATE OR REPLACE MACRO sign_in_logs(of_user) AS
    CASE WHEN of_user THEN ['SigninLogs', 'AADNonInteractiveUserSignInLogs']
         ELSE ['AADServicePrincipalSignInLogs', 'AADManagedIdentitySignInLogs', 'AADFirstPartyToFirstPartySignInLogs'] END;

-- Tokens worth a node: seen at two addresses, or used by an application without a known sign-in.
CREATE OR REPLACE MACRO worth_a_node(ips, sign_in_ip, sign_in_id, of_user) AS
    coalesce(len(ips), 0) > 1 OR coalesce(len(list_filter(ips, lambda ip: ip <> sign_in_ip)), 0) > 0
    OR (sign_in_id IS NULL AND NOT of_user);
