# shellcheck shell=bash disable=SC2034,SC2154 # shares its variables with demo.sh
# Sourced by demo.sh: a private MariaDB server below $dir/mysql, on a free port of loopback, with one account and a random password.
# It reads no config of the machine, shares nothing with a server that runs there, and ends with the demo.

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

start_mysql() {
  local data=$dir/mysql log=$dir/mysql.log sockets mysql_port server as_user=()
  password_file=$dir/mysql_password
  # The server refuses to run as root unless told that it is meant; this one is private to the demo.
  if [[ $(id -u) -eq 0 ]]; then as_user=(--user=root); fi
  # A socket's path is limited to 107 bytes, so it does not lie below $dir.
  sockets=$(mktemp -d "${TMPDIR:-/tmp}/lodestone-demo.XXXXXX")
  if [[ ! -e $dir/.made-mysql ]]; then
    say "demo: making a private MariaDB in $data"
    rm -rf "$data"
    mariadb-install-db --no-defaults --datadir="$data" --tmpdir="$sockets" "${as_user[@]}" --skip-test-db \
      --auth-root-authentication-method=socket --auth-root-socket-user="$(id -un)" >"$log" 2>&1 || die "demo: mariadb-install-db failed; see $log"
    (umask 077 && head -c 24 /dev/urandom | base64 | tr -dc 'A-Za-z0-9' >"$password_file")
  fi
  mysql_port=$(free_port)
  # A session of its own: Ctrl-C goes to the demo, which stops its children in order.
  # And temporary tables of its own: a server that starts on the same folder would remove them, and this one crash.
  setsid "$(command -v mariadbd || echo /usr/sbin/mariadbd)" --no-defaults --datadir="$data" --tmpdir="$sockets" "${as_user[@]}" --socket="$sockets/socket" \
    --port="$mysql_port" --bind-address=127.0.0.1 --skip-name-resolve --pid-file="$dir/mysql.pid" --innodb-buffer-pool-size=256M \
    --innodb-flush-log-at-trx-commit=2 --character-set-server=utf8mb4 --collation-server=utf8mb4_unicode_ci --local-infile=1 \
    >>"$log" 2>&1 &
  server=$!
  children=("$server" "${children[@]}")
  local tries=0
  until mariadb --no-defaults --socket="$sockets/socket" -u "$(id -un)" -e 'SELECT 1' >/dev/null 2>&1; do
    tries=$((tries + 1))
    kill -0 "$server" 2>/dev/null || die "demo: the private MariaDB did not start: $(tail -n 1 "$log")"
    [[ $tries -lt 300 ]] || die "demo: the private MariaDB gave no answer in 60 s; see $log"
    sleep 0.2
  done
  mariadb --no-defaults --socket="$sockets/socket" -u "$(id -un)" <<SQL
CREATE DATABASE IF NOT EXISTS dianshu_backend CHARACTER SET utf8mb4;
CREATE DATABASE IF NOT EXISTS matomo CHARACTER SET utf8mb4;
CREATE OR REPLACE USER demo@127.0.0.1 IDENTIFIED BY '$(<"$password_file")';
GRANT ALL ON dianshu_backend.* TO demo@127.0.0.1;
GRANT ALL ON matomo.* TO demo@127.0.0.1;
SQL
  touch "$dir/.made-mysql"
  # simulate has no config yet, so it gets the password as a deployment would: from the environment.
  LODESTONE_SOURCE_BUSINESS_PASSWORD=$(<"$password_file")
  LODESTONE_SOURCE_MATOMO_PASSWORD=$LODESTONE_SOURCE_BUSINESS_PASSWORD
  export LODESTONE_SOURCE_BUSINESS_PASSWORD LODESTONE_SOURCE_MATOMO_PASSWORD
  business=mysql://demo@127.0.0.1:$mysql_port/dianshu_backend
  matomo=mysql://demo@127.0.0.1:$mysql_port/matomo
  sockets_folder=$sockets
}
