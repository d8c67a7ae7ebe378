# shellcheck shell=bash disable=SC2034 # read by the parts that source this
# What the launcher pins. Bun's version stands in package.json, as `packageManager`; those of the
# node packages in bun.lock; Debian's packages are whatever the machine's Debian offers.

# The load generator, built from source with the versions of its own lock file.
OHA_VERSION=1.16.0
# The oldest Rust that builds it (`rust-version` in its manifest).
RUST_VERSION_MIN=1.88
