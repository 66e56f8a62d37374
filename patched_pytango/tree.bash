# Running a command as root inside the Debian tree of a series.
# shellcheck shell=bash

lock_tree() { # tree; for as long as this process lives
    mkdir -p "$(dirname "$1")"
    exec 9>"$1.lock"
    flock --nonblock 9 || {
        echo "another command uses $1; wait for it, or choose another tree with --tree" >&2
        exit 1
    }
}

# All mounts are made in a mount namespace of their own: they end with it, however it ends. The command sees the directory
# of this file as /mnt/recipe, and OUTPUT as /mnt/output.
run_in_tree() { # tree, output, command...
    unshare --mount --pid --fork --kill-child --propagation private bash -euc '
        tree=$1 here=$2 output=$3
        shift 3
        mkdir -p "$tree/mnt/recipe" "$tree/mnt/output"
        mount -t proc proc "$tree/proc"
        mount --bind "$here" "$tree/mnt/recipe"
        mount --bind "$output" "$tree/mnt/output"
        [[ ! -d /etc/ssl/certs ]] || mount --bind /etc/ssl/certs "$tree/etc/ssl/certs"
        [[ ! -f /etc/resolv.conf ]] || cat /etc/resolv.conf >"$tree/etc/resolv.conf"
        cat /etc/hosts >"$tree/etc/hosts"
        exec chroot "$tree" /usr/bin/env -u PYTHONPATH -u PYTHONHOME -u VIRTUAL_ENV -u PIP_FIND_LINKS \
            PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TMPDIR=/tmp "$@"
    ' run_in_tree "$1" "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" "${@:2}"
}
