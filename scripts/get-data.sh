#!/bin/sh
# SPDX-License-Identifier: MIT
# get-data.sh mnist|fashion-mnist DIR: put the four files into DIR, from an installed Debian package or from a mirror
# (another one: NNINIT_DATA_URL). A file gets its name only once the SHA-256 of its uncompressed bytes is right.
set -eu

die() {
    echo "get-data.sh: $*" >&2
    exit 1
}

[ $# -eq 2 ] || die "usage: get-data.sh mnist|fashion-mnist DIR"
set_name=$1
dir=$2
case $set_name in
mnist)
    url=https://ossci-datasets.s3.amazonaws.com/mnist/
    installed=
    sums="train-images-idx3-ubyte ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db
train-labels-idx1-ubyte 65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5
t10k-images-idx3-ubyte 0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7
t10k-labels-idx1-ubyte ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
    ;;
fashion-mnist)
    url=http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/
    installed=/usr/share/datasets/fashion-mnist # package dataset-fashion-mnist
    sums="train-images-idx3-ubyte c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888
train-labels-idx1-ubyte bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9
t10k-images-idx3-ubyte 5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b
t10k-labels-idx1-ubyte 0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"
    ;;
*) die "unknown set '$set_name': it must be mnist or fashion-mnist" ;;
esac
# Whoever names a mirror wants its files, not the package's.
[ -z "${NNINIT_DATA_URL:-}" ] || installed=
url=${NNINIT_DATA_URL:-$url}

mkdir -p "$dir" || die "$dir: cannot be made"
temporary=$dir/.get-data.$$
trap 'rm -f "$temporary"' EXIT
trap 'exit 1' HUP INT TERM

fetch() {
    if command -v curl >/dev/null; then
        curl --fail --location --retry 2 --progress-bar --output "$temporary" "$1"
    elif command -v wget >/dev/null; then
        wget --tries 3 -O "$temporary" "$1"
    else
        die "neither curl nor wget is installed"
    fi
}

check() {
    found="a damaged gzip stream"
    gzip -t "$1" 2>/dev/null || return 1
    found=$(gzip -dc "$1" | sha256sum | cut -d ' ' -f 1)
    [ "$found" = "$2" ]
}

get() {
    file=$1.gz
    if [ -f "$dir/$file" ] && check "$dir/$file" "$2"; then
        echo "$dir/$file: already there"
        return
    fi
    if [ -n "$installed" ] && [ -f "$installed/$file" ]; then
        from=$installed/$file
        cp "$from" "$temporary"
    else
        from=${url%/}/$file
        echo "$from"
        fetch "$from" || die "$from: cannot be fetched"
    fi
    check "$temporary" "$2" || die "$from: wrong contents: $found; the SHA-256 must be $2"
    chmod 644 "$temporary"
    mv -f "$temporary" "$dir/$file"
    echo "$dir/$file: right"
}

echo "$sums" | while read -r name sum; do
    get "$name" "$sum"
done
