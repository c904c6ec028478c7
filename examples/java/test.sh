#!/usr/bin/env bash
# Compiles the program, without a build tool, and runs it.
# packages: default-jdk-headless libpostgresql-jdbc-java libhikaricp-java libslf4j-java
set -euo pipefail

jars=/usr/share/java
export CLASSPATH=.:$jars/postgresql.jar:$jars/HikariCP.jar:$jars/slf4j-api.jar:$jars/slf4j-nop.jar
echo "# versions: $(javac -version), $(cd "$jars" && echo postgresql-[0-9]*.jar HikariCP-[0-9]*.jar)"
javac -Xlint:all,-serial,-path -Werror -d . Example.java Cases.java Records.java
java Example "jdbc:postgresql://$PGHOST:$PGPORT/$PGDATABASE"
