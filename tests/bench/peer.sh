#!/usr/bin/env bash
# Guanxi as one of several servers that are measured side by side: answers POST /wechat by the rules of PEER_RULES.
#
#   peer.sh install | version | start
#
# `start` listens on 127.0.0.1:$PEER_PORT and reads PEER_VARIANT (durable: a SQLite file on disk; stateless: the store in
# memory, /dev/shm), PEER_DB, PEER_RULES, PEER_TOKEN, PEER_KEY and PEER_APPID.
set -eu
cd "$(dirname "$0")/../.."
unset CARGO_TARGET_DIR
bin=target/native
case $1 in
  install)
    cargo build --profile native -p guanxi-cli -p bench
    cargo build --release --target wasm32-wasip2 -p callback -p auto-reply -p qr-scan -p orders -p stats -p push ;;
  version) "$bin/guanxi" --version ;;
  start)
    config=$(mktemp) db=$PEER_DB
    [ "$PEER_VARIANT" = durable ] || db=$(mktemp -d -p /dev/shm)/store.db
    "$bin/bench" publish-rules "$PEER_RULES" "$db"
    printf '[key_value_store.default]\ntype = "spin"\npath = "%s"\n' "$db" >"$config"
    exec "$bin/guanxi" up --quiet --listen "127.0.0.1:$PEER_PORT" --runtime-config-file "$config" --state-dir "" --no-group-commit \
      --variable wechat_token="$PEER_TOKEN" --variable wechat_encoding_aes_key="$PEER_KEY" \
      --variable wechat_app_id="$PEER_APPID" ;;
esac
