# shellcheck shell=bash disable=SC2034 # what is set here is used by those that source it
# Sourced by run and the scripts: where things are, and how they speak. Sets no option of the shell that sources it.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build
deps=$build/deps
venv=$build/venv
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/lodestone
stamps=$build/stamps

say() { printf '%s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# has_node: a Node.js >= 18 with npm is on the path (the one that setup unpacked is put there first when it exists).
[[ -x $deps/node/bin/node ]] && PATH=$deps/node/bin:$PATH
has_node() {
  command -v npm >/dev/null && command -v node >/dev/null &&
    [[ $(node -p 'process.versions.node.split(".")[0]' 2>/dev/null) -ge 18 ]]
}

# sha256_is FILE SHA256: the file is there and is the one meant.
sha256_is() { [[ -f $1 ]] && printf '%s  %s\n' "$2" "$1" | sha256sum --check --status; }

# hash_of PATH...: one hash over names and contents of files and folders; says whether something changed since a stamp was made.
hash_of() {
  find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum | sha256sum | cut -d' ' -f1
}
