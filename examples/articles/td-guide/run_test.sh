#!/bin/sh
# Runs test.dig on this machine.
cd "$(dirname "$0")" && exec digdag-tui run test.dig
