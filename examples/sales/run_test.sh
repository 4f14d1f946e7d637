#!/bin/sh
# Runs test.dig from the start; DIGDAG=digdag does it with Digdag itself.
cd "$(dirname "$0")" && exec ${DIGDAG:-digdag-tui} run test.dig --rerun --session daily
