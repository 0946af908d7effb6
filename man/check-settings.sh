#!/bin/sh
# SPDX-License-Identifier: ISC
# Compare the list in mail.conf(5) with the table of settings in the code.
set -eu
page=${srcdir:-.}/man/mail.conf.5
expected=$(./mailctl config explain --mdoc)
written=$(sed -n '/^\.\\" The list is made by/,/^\.\\" End of the list/p' \
    "$page" | sed '1,2d;$d' | sed '$d')
if [ "$expected" = "$written" ]; then
	echo "mail.conf(5) tells what the code does"
	exit 0
fi
echo "$page: differs from: mailctl config explain --mdoc"
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
echo "$expected" >"$directory/code"
echo "$written" >"$directory/page"
diff "$directory/code" "$directory/page" || :
exit 1
