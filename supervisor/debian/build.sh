#!/bin/sh
# SPDX-License-Identifier: ISC
#
# build.sh DIRECTORY: builds a Debian package of this source tree there, in a copy that has the packaging at its top,
# where Debian's tools look for it.
set -eu
version=$(sed -n 's/^VERSION = //p' Makefile)
tree=$1/natter-$version

rm -rf "$1"
mkdir -p "$tree"
tar -c --exclude-vcs --exclude='./build*' . | tar -x -C "$tree"
cp -r supervisor/debian "$tree/debian"
cd "$tree"
DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS:-} noautodbgsym parallel=$(nproc)" dpkg-buildpackage -us -uc -b >../build.log 2>&1 || {
    cat ../build.log >&2
    exit 1
}
rm -rf "$tree"
ls "$1"/*.deb
