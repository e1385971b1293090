#!/bin/sh
# Whether the server takes connections: it does so last, after the database and its user were made.
exec mariadb-admin --no-defaults --socket=/run/mysqld/mysqld.sock --silent ping
