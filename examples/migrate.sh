#!/bin/sh
# Move a database by a definition file, as a pipeline does: nobody is asked, and the first step that fails ends it.
#
#     STAGE=test SHOP_FILE=/data/shop.db NEW_SHOP_FILE=/data/new-shop.db sh examples/migrate.sh
#
# Uses the server that SENSEI_API_URL and SENSEI_API_KEY name; `sensei serve` runs one on this machine.
set -eu
here=$(dirname "$0")

sensei connections create -f "$here/connection.yaml" --quiet
sensei connections create --name "New shop" --role target --type sqlite --path "$NEW_SHOP_FILE" --quiet

migration=$(sensei migrations create -f "$here/migration.yaml" --quiet)
sensei migrations wait "$migration" --for plan_ready --quiet
sensei plans mappings "$migration" --undecided
sensei plans approve "$migration" --above "${APPROVE_ABOVE:-0.9}"
sensei migrations start "$migration" --wait

validation=$(sensei validations run "$migration" --type full --wait --quiet)
sensei validations certificate "$validation" -o certificate.json
sensei validations verify certificate.json
