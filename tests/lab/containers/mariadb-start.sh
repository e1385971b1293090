#!/bin/sh
# Starts MariaDB as the official image does, with its variables; on the first start it makes the database and its user.
# What a variable holds is quoted for SQL: a password may have a quotation mark or a backslash in it.
set -eu
data=/var/lib/mysql socket=/run/mysqld/mysqld.sock
database=${MARIADB_DATABASE:-${MYSQL_DATABASE:-}}
user=${MARIADB_USER:-${MYSQL_USER:-}}
password=${MARIADB_PASSWORD:-${MYSQL_PASSWORD:-}}
root=${MARIADB_ROOT_PASSWORD:-${MYSQL_ROOT_PASSWORD:-}}
say() { printf '%s\n' "$1"; }
quoted() { printf '%s' "$1" | sed "s/\\\\/\\\\\\\\/g; s/'/''/g"; }

id mysql >/dev/null 2>&1 || useradd --system --home-dir "$data" --shell /usr/sbin/nologin mysql
mkdir -p "$data" /run/mysqld
chown mysql:mysql "$data" /run/mysqld
if [ ! -d "$data/mysql" ]; then
    mariadb-install-db --no-defaults --user=mysql --datadir="$data" --skip-test-db >/dev/null
    {
        # One statement a line: so it is read before the server is up.
        say "USE mysql;"
        say "FLUSH PRIVILEGES;"
        [ -z "$database" ] || say "CREATE DATABASE \`$database\`;"
        [ -z "$user" ] || say "CREATE USER '$user'@'%' IDENTIFIED BY '$(quoted "$password")';"
        [ -z "$user" ] || [ -z "$database" ] || say "GRANT ALL ON \`$database\`.* TO '$user'@'%';"
        [ -z "$root" ] || say "CREATE USER 'root'@'%' IDENTIFIED BY '$(quoted "$root")';"
        [ -z "$root" ] || say "GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;"
    } | mariadbd --no-defaults --user=mysql --datadir="$data" --bootstrap
fi
exec mariadbd --no-defaults --user=mysql --datadir="$data" --socket="$socket" --bind-address=0.0.0.0 --port=3306
