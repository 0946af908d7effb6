#!/bin/sh
# SPDX-License-Identifier: ISC
# Replay each fuzz target's corpus: tests/fuzz/corpus/NAME for fuzz_NAME.
set -u
corpus=${srcdir:-.}/tests/fuzz/corpus
failed=0
for target in tests/fuzz/fuzz_*; do
	case $target in *.*) continue ;; esac
	[ -x "$target" ] || continue
	name=${target##*/fuzz_}
	if [ ! -d "$corpus/$name" ]; then
		echo "$name: no corpus"
		failed=1
		continue
	fi
	if "$target" "$corpus/$name"/*; then
		echo "ok $name"
	else
		echo "FAILED $name"
		failed=1
	fi
done
exit $failed
