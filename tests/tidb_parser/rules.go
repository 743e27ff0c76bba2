package main

import (
	"fmt"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

const (
	fromPostgres = "is PostgreSQL's"
	fromMariaDB  = "is MariaDB's"
	notBuilt     = "is not built into TiDB"
)

// missingFunctions parse, because any name may be a function's, and fail on TiDB when they run.
var missingFunctions = map[string]string{
	"date_trunc":       fromPostgres + "; use DATE_FORMAT or TIMESTAMPDIFF on the column",
	"percentile_cont":  fromPostgres + "; use APPROX_PERCENTILE or a window function",
	"percentile_disc":  fromPostgres + "; use APPROX_PERCENTILE or a window function",
	"string_agg":       fromPostgres + "; use GROUP_CONCAT",
	"array_agg":        fromPostgres + "; use JSON_ARRAYAGG",
	"to_timestamp":     fromPostgres + "; use FROM_UNIXTIME or STR_TO_DATE",
	"gen_random_uuid":  fromPostgres + "; use UUID",
	"generate_series":  fromPostgres + "; use WITH RECURSIVE",
	"median":           fromMariaDB + "; use APPROX_PERCENTILE",
	"nvl":              fromMariaDB + "; use IFNULL",
	"nvl2":             fromMariaDB + "; use IF",
	"add_months":       fromMariaDB + "; use + INTERVAL n MONTH",
	"sys_guid":         fromMariaDB + "; use UUID",
	"json_exists":      fromMariaDB + "; use JSON_CONTAINS_PATH",
	"json_query":       fromMariaDB + "; use JSON_EXTRACT",
	"json_detailed":    fromMariaDB + "; use JSON_PRETTY",
	"json_compact":     fromMariaDB,
	"json_loose":       fromMariaDB,
	"natural_sort_key": fromMariaDB,
	"json_table":       notBuilt + "; expand the array in the application",
	"json_value":       notBuilt + "; use JSON_UNQUOTE(JSON_EXTRACT(…))",
	"uuid_short":       notBuilt + ": it needs a server id; use UUID",
	"load_file":        notBuilt,
	"extractvalue":     notBuilt,
	"updatexml":        notBuilt,
	"master_pos_wait":  notBuilt,
	"master_gtid_wait": notBuilt,
	"st_geomfromtext":  notBuilt + ": it has no spatial types",
	"st_distance":      notBuilt + ": it has no spatial types",
}

// missingVariables can be set without an effect, or not at all.
var missingVariables = map[string]string{
	"read_only":       "has no effect on TiDB; use tidb_restricted_read_only",
	"super_read_only": "has no effect on TiDB; use tidb_restricted_read_only",
	"event_scheduler": "has no effect on TiDB: it has no events",
}

// refusals lists what the parser takes and TiDB does not run, anywhere in the statement at an offset of sql.
func refusals(sql string, offset int, statement ast.StmtNode) []problem {
	visitor := &refuser{sql: sql, start: offset + leadLength(statement.OriginalText())}
	statement.Accept(visitor)
	return visitor.problems
}

type refuser struct {
	sql      string
	start    int
	problems []problem
}

// Enter looks at one node and goes on into its children.
func (r *refuser) Enter(node ast.Node) (ast.Node, bool) {
	switch n := node.(type) {
	case *ast.FuncCallExpr:
		if reason, missing := missingFunctions[n.FnName.L]; missing {
			r.refuse(n, "%s %s", strings.ToUpper(n.FnName.L), reason)
		}
	case *ast.VariableAssignment:
		if reason, missing := missingVariables[strings.ToLower(n.Name)]; missing && n.IsSystem {
			r.refuse(n, "SET %s %s", n.Name, reason)
		}
	case *ast.SelectStmt:
		r.selectStatement(n)
	case *ast.Constraint:
		if n.Tp == ast.ConstraintFulltext {
			r.refuse(n, "FULLTEXT index: TiDB parses and ignores it")
		}
	case *ast.ProcedureInfo:
		r.refuse(n, "CREATE PROCEDURE: TiDB has no stored procedures")
	case *ast.LockTablesStmt:
		r.refuse(n, "LOCK TABLES: TiDB ignores it unless it is set up otherwise; use GET_LOCK")
	}
	return node, false
}

// Leave has nothing to do.
func (r *refuser) Leave(node ast.Node) (ast.Node, bool) { return node, true }

func (r *refuser) selectStatement(n *ast.SelectStmt) {
	if n.SelectStmtOpts != nil && n.SelectStmtOpts.CalcFoundRows {
		r.refuse(n, "SQL_CALC_FOUND_ROWS: TiDB refuses it; count in a second query")
	}
	if n.LockInfo == nil {
		return
	}
	switch n.LockInfo.LockType {
	case ast.SelectLockForShare, ast.SelectLockForShareNoWait, ast.SelectLockForShareSkipLocked:
		r.refuse(n, "FOR SHARE: TiDB refuses it; use FOR UPDATE")
	case ast.SelectLockForUpdateSkipLocked:
		r.refuse(n, "SKIP LOCKED: TiDB does not have it")
	}
}

// refuse notes a problem at the node's own line where the parser kept it, else at its statement's.
func (r *refuser) refuse(node ast.Node, format string, args ...any) {
	offset := node.OriginTextPosition()
	if offset == 0 {
		offset = r.start
	}
	r.problems = append(r.problems, problem{lineAt(r.sql, offset), fmt.Sprintf(format, args...)})
}
