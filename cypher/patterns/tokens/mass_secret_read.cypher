/*
id: mass_secret_read
title: Many secrets read, or a vault that is new to the reader
description: >
  An application or managed identity read more distinct secrets within an hour than a workload needs, or read the
  secrets of a vault that it had never touched although it has used others for long. An identity with the habit of
  reading that many, as a backup has, stays silent.
severity: high
maturity: stable
needs: [AZKVAuditLogs, AzureDiagnostics]
params:
  threshold:
    default: 20
    reason: A workload reads the handful of secrets that it is configured with; more than twenty is the whole vault.
  baseline:
    default: P3D
    reason: A backup runs daily, so three days show the habit.
  habit:
    default: 3
    reason: Whoever read that many on three earlier days does so as a matter of course.
  vaultBaseline:
    default: P14D
    reason: Two weeks hold the weekly jobs of a workload twice; a vault that did not occur in them is new.
fingerprint: [tenantId, principalId, kind, day, vaultId]
subject: subject
sentence: "{principal} {what}, beginning at {firstAt}{remark}."
disproof: >
  A migration, backup or inventory of the vault that its owner knows of.
attack: [T1555.006]
blind_spots:
  - Thefts that take a few secrets an hour.
  - Listing names is not reading; keys that never leave the vault are not counted.
  - Vaults without a diagnostic setting.
false_positives:
  - The first days of a backup.
  - A deployment that copies configuration between environments.
references:
  - https://attack.mitre.org/techniques/T1555/006/
*/
CALL () {
  MATCH (a:Activity {tenantId: $tenantId})
  WHERE a.service = 'keyVault' AND a.outcome = 'success'
    AND a.operation IN ['SecretGet', 'SecretBackup', 'CertificateGet', 'CertificateBackup', 'KeyBackup']
  WITH a.servicePrincipalId AS writtenObjectId, a.appId AS writtenAppId, a.hour AS hour,
    count(a) AS read, min(a.key) AS sampleKey
  // Of two hours in a row that hold more than the threshold, one holds more than half of it.
  WHERE read * 2 > $threshold
  MATCH (sample:Activity {key: sampleKey})<-[:PERFORMED]-(p) WHERE NOT p:User
  OPTIONAL MATCH (p)-[:PART_OF]->(whole:Identity)
  UNWIND [hour - duration('PT1H'), hour, hour + duration('PT1H')] AS near
  WITH coalesce(whole, p) AS subject, min(writtenObjectId) AS writtenObjectId, min(writtenAppId) AS writtenAppId,
    collect(DISTINCT near) AS hours
  MATCH (subject)<-[:PART_OF*0..1]-(member)-[:PERFORMED]->(a:Activity)
  WHERE a.hour IN hours AND a.service = 'keyVault' AND a.outcome = 'success'
    AND a.operation IN ['SecretGet', 'SecretBackup', 'CertificateGet', 'CertificateBackup', 'KeyBackup']
  WITH subject, coalesce(subject.appId, writtenObjectId, writtenAppId) AS principalId, a.firstSeen AS at, a.resourceId AS vault,
    coalesce(a.resourceId, '') + '|' + coalesce(a.objectPath, '') AS secret
  // Windows of an hour, one begins every quarter.
  UNWIND [0, 1, 2, 3] AS back
  WITH subject, principalId, at.epochSeconds / 900 - back AS window, count(DISTINCT secret) AS secrets,
    count(DISTINCT vault) AS vaults, min(at) AS firstAt, max(at) AS lastAt
  WHERE secrets > $threshold
  WITH subject, principalId, toString(date(firstAt)) AS day, min(firstAt) AS firstAt, max(lastAt) AS lastAt,
    max(secrets) AS secrets, max(vaults) AS vaults
  ORDER BY day
  WITH subject, principalId, collect({day: day, firstAt: firstAt, lastAt: lastAt, secrets: secrets, vaults: vaults}) AS bursts
  UNWIND range(0, size(bursts) - 1) AS before
  WITH subject, principalId, before, bursts[before] AS burst
  WHERE before < $habit
  CALL () {
    OPTIONAL MATCH (l:LogSource {tenantId: $tenantId}) WHERE l.source IN ['AZKVAuditLogs', 'AzureDiagnostics']
    RETURN min(l.firstSeen) AS logged
  }
  CALL (subject, burst) {
    MATCH (subject)<-[:PART_OF*0..1]-(member)-[:PERFORMED]->(a:Activity)
    WHERE a.firstSeen >= burst.firstAt AND a.firstSeen <= burst.lastAt AND a.service = 'keyVault' AND a.outcome = 'success'
      AND a.operation IN ['SecretGet', 'SecretBackup', 'CertificateGet', 'CertificateBackup', 'KeyBackup']
    WITH a.sampleIds AS ids, a.firstSeen AS at, a.key AS fold ORDER BY at, fold LIMIT 40
    RETURN reduce(all = [], some IN collect(ids) | all + some) AS evidence
  }
  WITH *, CASE WHEN subject.firstSeen > logged THEN subject.firstSeen ELSE logged END AS begin
  RETURN subject, principalId, 'burst' AS kind, burst.day AS day, null AS vaultId, burst.firstAt AS firstAt, burst.lastAt AS lastAt,
    evidence,
    CASE WHEN subject.createdAt > burst.firstAt - duration($baseline) THEN 'newIdentity'
      WHEN begin > burst.firstAt - duration($baseline) THEN 'baselineTooShort' ELSE null END AS obstacle,
    CASE WHEN before > 0 THEN 'medium' ELSE 'high' END AS severity,
    'read ' + burst.secrets + ' different secrets' + CASE WHEN burst.vaults > 1 THEN ' of ' + burst.vaults + ' vaults' ELSE '' END
      + ' within an hour' AS what,
    CASE WHEN before > 0 THEN '; it had done so on ' + before + CASE WHEN before = 1 THEN ' day' ELSE ' days' END + ' before'
      ELSE '' END AS remark
  UNION ALL
  // A vault beside others that it has used for long.
  MATCH (v:Resource {tenantId: $tenantId})<-[reached:REACHED]-(p)
  WHERE v.type = 'microsoft.keyvault/vaults' AND reached.firstSuccess IS NOT NULL AND NOT p:User
  OPTIONAL MATCH (p)-[:PART_OF]->(whole:Identity)
  WITH coalesce(whole, p) AS subject, v, min(p.objectId) AS objectId, min(reached.firstSuccess) AS firstAt,
    max(reached.lastSuccess) AS lastAt
  WITH subject, min(objectId) AS objectId, min(firstAt) AS begin,
    collect({id: v.resourceId, name: v.name, since: v.firstSeen, firstAt: firstAt, lastAt: lastAt}) AS vaults
  WHERE size(vaults) > 1
  UNWIND vaults AS vault
  WITH subject, objectId, begin, vault WHERE vault.firstAt > begin + duration($vaultBaseline)
  MATCH (subject)<-[:PART_OF*0..1]-(member)-[:PERFORMED]->(a:Activity)
  WHERE a.resourceId = vault.id AND a.service = 'keyVault' AND a.outcome = 'success' AND a.firstSeen <= vault.firstAt + duration('PT1H')
    AND a.operation IN ['SecretGet', 'SecretBackup', 'CertificateGet', 'CertificateBackup', 'KeyBackup']
  WITH subject, objectId, vault, a ORDER BY a.firstSeen, a.key
  WITH subject, objectId, vault, count(DISTINCT a.objectPath) AS secrets, collect(a.sampleIds)[..10] AS ids
  RETURN subject, coalesce(subject.appId, objectId) AS principalId, 'newVault' AS kind, null AS day, vault.id AS vaultId,
    vault.firstAt AS firstAt, vault.lastAt AS lastAt, reduce(all = [], some IN ids | all + some) AS evidence,
    CASE WHEN vault.since >= vault.firstAt - duration('P1D') THEN 'vaultIsNew' ELSE null END AS obstacle,
    'low' AS severity,
    'read ' + CASE WHEN secrets = 1 THEN 'a secret' ELSE secrets + ' secrets' END + ' of the vault ' + coalesce(vault.name, vault.id) +
      ', which it had never touched' AS what,
    CASE WHEN vault.since >= vault.firstAt - duration('P1D') THEN '; nobody had, the vault is new' ELSE '' END AS remark
}
WITH *, CASE obstacle WHEN 'baselineTooShort' THEN 'notDecidable' WHEN 'newIdentity' THEN 'lead' WHEN 'vaultIsNew' THEN 'lead'
  ELSE 'found' END AS verdict
WHERE coalesce(subject.kind, 'unknown') <> 'microsoft'
RETURN verdict, obstacle AS reason, subject, firstAt, lastAt, evidence,
  CASE verdict WHEN 'lead' THEN 'info' ELSE severity END AS severity, 'high' AS confidence,
  $tenantId AS tenantId, principalId, kind, day, vaultId, what, remark,
  coalesce(subject.name, subject.caption) AS principal
ORDER BY tenantId, principalId, kind, day, vaultId
