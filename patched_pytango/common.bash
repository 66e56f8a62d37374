# What the commands of this directory have in common: sources, patches, environments.
# Expects `here` (this directory), `work` (where everything goes), and what the series.conf of a series sets.
# shellcheck shell=bash disable=SC2154

JOBS=${JOBS:-$(nproc)}
# A second build in the same tree compiles only what has changed. The flag is what ccache needs for precompiled headers.
export CCACHE_DIR=/var/tmp/stem-build/ccache CCACHE_SLOPPINESS=pch_defines,time_macros CXXFLAGS=-fpch-preprocess

say() { echo "build: $*"; }

fail() {
    echo "build: $*" >&2
    exit 1
}

run_logged() { # what, command...
    local what=$1 log status=0
    shift
    log=$work/$(tr ' ' - <<<"$what").log
    say "$what"
    # As a condition it would go on after a command of it that fails.
    set +e
    (set -e; "$@") >"$log" 2>&1
    status=$?
    set -e
    if ((status)); then
        tail -n 40 "$log" >&2
        fail "$what failed; all of its output is in $log (inside the tree or container)"
    fi
}

make_environment() { # directory, packages...
    rm -rf "$1"
    "python$PYTHON" -m venv "$1"
    "$1/bin/pip" install --quiet --disable-pip-version-check "${@:2}"
}

is_right() { # file, sha256
    sha256sum --status -c <<<"$2  $1" 2>/dev/null
}

# A Debian mirror; the one that apt uses here, unless told. Apt knows it only after an update, which a new container has not had.
mirror() {
    echo "${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m 1 -o '.*/debian\b')}"
}

fetch_from_mirror() { # path below the mirror, file, sha256
    timeout 300 /usr/lib/apt/apt-helper download-file "$(mirror)/$1" "$2" "SHA256:$3"
}

fetch_with_pip() { # file; the same archive is on PyPI
    rm -rf "$work/pip"
    pip download --disable-pip-version-check --no-deps --no-binary pytango --no-build-isolation \
        --dest "$work/pip" "pytango==$PYTANGO"
    cp "$work/pip/pytango-$PYTANGO.tar.gz" "$1"
}

fetch() { # name, path below the mirror, sha256, file
    is_right "$4" "$3" && return
    rm -f "$4"
    fetch_from_mirror "$2" "$4" "$3" >"$work/fetch.log" 2>&1 || true
    if [[ $1 == pytango ]] && ! is_right "$4" "$3"; then
        fetch_with_pip "$4" >>"$work/fetch.log" 2>&1 || true
    fi
    is_right "$4" "$3" || {
        tail -n 20 "$work/fetch.log" >&2
        fail "cannot fetch $(mirror)/$2 with SHA-256 $3: no such file, no network, or other contents"
    }
}

# What a library is made with, but for the patches: two of them can be compared only if it is the same.
recipe() {
    declare -f build_library
    echo "$CXXFLAGS ${OPTIMISED:-} $SOURCES"
}

made_with_recipe() { # prefix
    [[ -e $1/.recipe && $(<"$1/.recipe") == "$(recipe)" ]]
}

unpack() { # name; into a directory of that name
    local path sum file
    read -r _ path sum < <(grep "^$1 " <<<"$SOURCES")
    file=$work/sources/$(basename "$path")
    mkdir -p "$work/sources"
    fetch "$1" "$path" "$sum" "$file"
    rm -rf "${work:?}/$1"
    mkdir -p "$work/$1"
    tar -xf "$file" -C "$work/$1" --strip-components=1
}

# The files that all series share, each to the directory that COPIES of the series says. The directories are there.
copy_shared() {
    local file directory
    for file in "$here"/event_monitoring/*; do
        { read -r _ directory < <(grep "^$(basename "$file") " <<<"$COPIES") && cp "$file" "$work/cpptango/$directory/"; } ||
            fail "cannot copy $(basename "$file") into the sources of cppTango: see COPIES in series.conf"
    done
}

apply_patches() { # series
    local patch
    copy_shared
    while read -r patch; do
        say "  $patch"
        patch --directory "$work/cpptango" --strip 1 --fuzz 0 --silent --input "$here/$1/patches/$patch" ||
            fail "$patch does not apply to the sources of series $1"
    done <"$here/$1/patches/series"
}
