package main

import (
	"strings"
	"testing"
)

func TestAccepted(t *testing.T) {
	for name, sql := range map[string]string{
		"nothing":                   "-- only a comment\n",
		"several statements":        "SELECT 1;\nSELECT 2;",
		"placeholders":              "INSERT INTO t (a, b) VALUES (%s, %(b)s);",
		"placeholder list":          "SELECT a FROM t WHERE a IN %s AND b NOT IN %(b)s;",
		"placeholder in LIMIT":      "SELECT a FROM t WHERE b > NOW() - INTERVAL %s DAY LIMIT %s;",
		"format in quotes":          `SELECT DATE_FORMAT(a, '%H:%i:%s'), "it's %s", '\'%(x)s' FROM t;`,
		"doubled per cent":          "SELECT a %% 2 FROM t WHERE b LIKE 'a%%';",
		"comment with placeholder":  "-- takes %s\n/* and %s ' */ SELECT 1; # %s '\n",
		"blocks without semicolon":  "-- name: one\nSELECT 1\n\n-- name: two\n-- Why.\nSELECT 2\n",
		"blocks with semicolon":     "-- name: one\nSELECT 1;\n-- name: two\nSELECT 2;\n",
		"clustered_index":           "CREATE TABLE t (a INT, PRIMARY KEY (a) /*T![clustered_index] CLUSTERED */);",
		"auto_id_cache":             "CREATE TABLE t (a INT AUTO_INCREMENT PRIMARY KEY) /*T![auto_id_cache] AUTO_ID_CACHE = 1 */;",
		"ttl":                       "CREATE TABLE t (a TIMESTAMP) /*T![ttl] TTL = a + INTERVAL 90 DAY TTL_ENABLE = 'ON' */;",
		"hint":                      "SELECT /*+ READ_FROM_STORAGE(TIFLASH[t]) */ COUNT(*) FROM t;",
		"window function":           "SELECT ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) FROM t;",
		"upsert":                    "INSERT INTO t (a) VALUES (%s) ON DUPLICATE KEY UPDATE a = VALUES(a);",
		"lock":                      "SELECT GET_LOCK(%s, %s); SELECT a FROM t FOR UPDATE;",
		"percentile of TiDB":        "SELECT APPROX_PERCENTILE(a, 99) FROM t;",
		"forbidden name in a quote": "SELECT 'DATE_TRUNC(a)' FROM t;",
		"read-only of TiDB":         "SET GLOBAL tidb_restricted_read_only = ON;",
		"TiFlash":                   "ALTER TABLE t SET TIFLASH REPLICA 1;",
	} {
		t.Run(name, func(t *testing.T) {
			if _, problems := check(sql); len(problems) > 0 {
				t.Errorf("%v", problems)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for name, test := range map[string]struct {
		sql     string
		line    int
		message string
	}{
		"grammar":              {"SELECT 1;\n\nSELEC 2;\n", 3, "SELEC"},
		"inside a feature":     {"CREATE TABLE t (\na INT,\nPRIMARY KEY (a) /*T![clustered_index] CLUSTRED */);", 3, "CLUSTRED"},
		"unknown feature":      {"SELECT 1\n/*T![clusterd_index] CLUSTERED */;", 2, `"clusterd_index"`},
		"one of two features":  {"SELECT 1 /*T![ttl,nonsense] */;", 1, `"nonsense"`},
		"hint misspelt":        {"SELECT /*+ READ_FROM_STORAGE(TIFLASH t) */ 1 FROM t;", 1, "hint"},
		"DATE_TRUNC":           {"SELECT\n  DATE_TRUNC('day', a)\nFROM t;", 2, "DATE_TRUNC is PostgreSQL's"},
		"nested function":      {"SELECT 1;\nSELECT COUNT(*) FROM t\nWHERE a > IFNULL(UUID_SHORT(), 1);", 3, "UUID_SHORT"},
		"PERCENTILE_CONT":      {"SELECT PERCENTILE_CONT(0.99) WITHIN GROUP (ORDER BY a) FROM t;", 1, "(ORDER BY a)"},
		"percentile_cont call": {"SELECT percentile_cont(0.99, a) FROM t;", 1, "PERCENTILE_CONT"},
		"JSON_TABLE":           {"SELECT * FROM JSON_TABLE('[1]', '$[*]' COLUMNS (a INT PATH '$')) AS j;", 1, "COLUMNS"},
		"JSON_VALUE":           {"SELECT JSON_VALUE(a, '$.b') FROM t;", 1, "JSON_VALUE"},
		"read_only":            {"SELECT 1;\n-- why\n/* and\nhow */ SET GLOBAL read_only = ON;", 4, "tidb_restricted_read_only"},
		"@@read_only":          {"SET @@GLOBAL.super_read_only = 1;", 1, "tidb_restricted_read_only"},
		"FOR SHARE":            {"SELECT a FROM t FOR SHARE;", 1, "FOR SHARE"},
		"share mode":           {"SELECT a FROM t LOCK IN SHARE MODE;", 1, "FOR SHARE"},
		"SKIP LOCKED":          {"SELECT a FROM t FOR UPDATE SKIP LOCKED;", 1, "SKIP LOCKED"},
		"FULLTEXT":             {"CREATE TABLE t (a TEXT, FULLTEXT KEY k (a));", 1, "FULLTEXT"},
		"RETURNING":            {"INSERT INTO t (a) VALUES (1) RETURNING a;", 1, "RETURNING"},
		"system versioning":    {"CREATE TABLE t (a INT) WITH SYSTEM VERSIONING;", 1, "VERSIONING"},
		"PostgreSQL's cast":    {"SELECT a::text FROM t;", 1, "::"},
		"unclosed comment":     {"SELECT 1; /* and so on", 1, "/* and so on"},
		"second block":         {"-- name: one\nSELECT 1\n-- name: two\nSELECT FROM WHERE\n", 4, "WHERE"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := check(test.sql)
			if len(problems) == 0 {
				t.Fatal("accepted")
			}
			if problems[0].line != test.line || !strings.Contains(problems[0].message, test.message) {
				t.Errorf("got %v, want line %d with %q", problems, test.line, test.message)
			}
		})
	}
}

func TestPrepareKeepsLines(t *testing.T) {
	text := "-- name: a\nSELECT %s,\n'%s\n' IN %(x)s\n/*T![ttl] %s */\n"
	want := ";-- name: a\nSELECT 1,\n'%s\n' IN (1)\n/*T![ttl] 1 */\n"
	if got, _ := prepare(text); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestStatementsAreCounted(t *testing.T) {
	if count, _ := check("-- name: one\nSELECT 1;\n-- name: two\nSELECT 2;"); count != 2 {
		t.Errorf("got %d", count)
	}
}
