#!/usr/bin/env bash
# Debian 12's C++ Tango database, MariaDB, TangoTest and access control in a tree of their own: nothing of them is installed,
# so that their /etc/tangorc reaches no other client. Prints the directory; needs no root.
#
#     tests/system/tango_tree.sh [DIRECTORY]        (default: .tango-tree in the root of the project)
set -euo pipefail
cd "$(dirname "$0")/../.."
tree=$(realpath -m "${1:-.tango-tree}")
packages=(
    tango-db tango-test tango-accesscontrol libtango-tools libtango9 liblog4tango5v5 libomniorb4-2 libomnithread4 libcos4-2
    libzmq5 libpgm-5.3-0 libnorm1 libsodium23 libbsd0 libmd0 libgssapi-krb5-2 libkrb5-3 libk5crypto3
    libkrb5support0 libkeyutils1 libcom-err2 mariadb-server-core mariadb-client-core libmariadb3 libaio1 liburing2
    libnuma1 libncurses6 libedit2
)
if [[ ! -e $tree/.done || ! -e $tree/usr/lib/tango/TangoAccessControl ]]; then
    rm -rf "$tree"
    mkdir -p "$tree/packages"
    cd "$tree/packages"
    # The lists of packages may be older than the packages: then once more with new ones.
    apt-get download -qq "${packages[@]}" >&2 ||
        { apt-get update -qq >&2 && apt-get download -qq "${packages[@]}" >&2; }
    for package in *.deb; do dpkg -x "$package" "$tree"; done
    [[ ! -d $tree/lib ]] || cp -a "$tree/lib/." "$tree/usr/lib/" # Debian 12 has some libraries there
    rm -rf "$tree/packages" "$tree/etc"
    touch "$tree/.done"
fi
echo "$tree"
