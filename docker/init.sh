#!/bin/sh
# Makes what compose.yaml needs and no repository may hold: a password of this machine's own, readable by you alone.
# Run it once; it never changes a password that exists, because the database keeps its first one.
set -eu
cd "$(dirname "$0")"
umask 077

# As root, files are given to the user that the image has by default.
uid=$(id -u)
[ "$uid" -ne 0 ] || uid=10001

if [ -e secrets/neo4j_auth ]; then
    echo "secrets/ exists: nothing changed" >&2
else
    mkdir -p secrets logs
    password=$(head -c 32 /dev/urandom | base64 | tr -d '=+/\n')
    printf 'NEO4J_USERNAME=neo4j\nNEO4J_PASSWORD=%s\n' "$password" > secrets/graphcorr_credentials
    printf 'neo4j/%s' "$password" > secrets/neo4j_auth
    [ "$(id -u)" -ne 0 ] || chown -R "$uid" secrets logs
    echo "made secrets/: user neo4j, password in secrets/graphcorr_credentials" >&2
fi
printf 'GRAPHCORR_UID=%s\n' "$uid" > .env
