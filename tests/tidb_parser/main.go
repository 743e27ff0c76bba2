// Command tidb_parser holds SQL files against TiDB's own parser.
//
// Usage: tidb_parser FILE.sql...
//
// It prints "path:line: message" for everything that TiDB would not run and exits 1. It proves the grammar
// and the rules of rules.go, nothing about tables, columns or types: those need a server.
package main

import (
	"fmt"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/pingcap/tidb/pkg/parser"
	"github.com/pingcap/tidb/pkg/parser/mysql"
	_ "github.com/pingcap/tidb/pkg/parser/test_driver" // the parser panics without a driver for literals
)

// problem is one thing that TiDB would not run; lines count from 1.
type problem struct {
	line    int
	message string
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: tidb_parser FILE.sql...")
		os.Exit(2)
	}
	statements, failed := 0, false
	for _, path := range os.Args[1:] {
		content, err := os.ReadFile(path)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		count, problems := check(string(content))
		statements += count
		for _, found := range problems {
			failed = true
			fmt.Printf("%s:%d: %s\n", path, found.line, found.message)
		}
	}
	if failed {
		os.Exit(1)
	}
	fmt.Printf("%d files, %d statements: TiDB's parser accepts all\n", len(os.Args)-1, statements)
}

// check parses one file's text and returns how many statements it holds and all problems, by line.
func check(text string) (int, []problem) {
	sql, problems := prepare(text)
	statements, warnings, err := newParser().ParseSQL(sql)
	if err != nil {
		problems = append(problems, parserProblem(err))
	}
	// A warning is a part that TiDB ignores, such as an optimizer hint in the wrong place: as good as an error.
	for _, warning := range warnings {
		problems = append(problems, parserProblem(warning))
	}
	from := 0
	for _, statement := range statements {
		from += strings.Index(sql[from:], statement.OriginalText())
		problems = append(problems, refusals(sql, from, statement)...)
		from += len(statement.OriginalText())
	}
	sort.SliceStable(problems, func(i, j int) bool { return problems[i].line < problems[j].line })
	return len(statements), problems
}

// newParser returns a parser set up as a TiDB session with default variables sets up its own.
func newParser() *parser.Parser {
	p := parser.New()
	p.SetParserConfig(parser.ParserConfig{EnableWindowFunction: true, EnableStrictDoubleTypeCheck: true})
	mode, err := mysql.GetSQLMode(mysql.DefaultSQLMode)
	if err != nil {
		panic(err)
	}
	p.SetSQLMode(mode)
	return p
}

var parserLine = regexp.MustCompile(`^(?:\[[a-z:0-9]+\])?line (\d+) `)

// parserProblem turns the parser's message, which quotes the rest of the file, into one line.
func parserProblem(err error) problem {
	message := strings.TrimSpace(err.Error())
	line := 1
	if found := parserLine.FindStringSubmatch(message); found != nil {
		line, _ = strconv.Atoi(found[1])
		message = "syntax error at " + message[len(found[0]):]
	}
	first, _, more := strings.Cut(message, "\n")
	if more {
		first = strings.TrimSpace(first) + " …"
	}
	return problem{line, first}
}

// lineAt returns the line, counted from 1, of a byte offset.
func lineAt(text string, offset int) int {
	return 1 + strings.Count(text[:min(max(offset, 0), len(text))], "\n")
}
