#!/bin/sh
# SPDX-License-Identifier: ISC
#
# build.sh DIRECTORY: builds a Debian package of this source tree there, in a copy that has the packaging at its top,
# where Debian's tools look for it. Nothing for a debugger: it would be thrown away, as there is no package for it. What
# the build needs tests/packages.sh knows: Debian's build-essential, with its C++ compiler, is more.
set -eu
version=$(sed -n 's/^VERSION = //p' Makefile)
tree=$1/natter-$version

rm -rf "$1"
mkdir -p "$tree"
# What is installed is made of these.
cp -r Makefile LICENSE README.md natter.cfg common man supervisor worker "$tree"
cp -r supervisor/debian "$tree/debian"
cd "$tree"
export DEB_CFLAGS_STRIP=-g
DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS:-} noautodbgsym parallel=$(nproc)"
export DEB_BUILD_OPTIONS
dpkg-buildpackage -d -us -uc -b >../build.log 2>&1 || {
    cat ../build.log >&2
    exit 1
}
rm -rf "$tree"
ls "$1"/*.deb
