package main

import (
	"fmt"
	"regexp"
	"strings"

	tidbfeature "github.com/pingcap/tidb/pkg/parser/tidb"
)

var (
	placeholder    = regexp.MustCompile(`^%(\([A-Za-z_][A-Za-z0-9_]*\))?s`)
	afterIn        = regexp.MustCompile(`(?i)\bIN\s*$`)
	blockName      = regexp.MustCompile(`^--[ \t]+name:`)
	featureComment = regexp.MustCompile(`^/\*T!\[([^\]]*)\]`)
)

// prepare makes a statement file into what TiDB would get, line by line the same, and reports unknown features.
//
// Outside quotes and comments:
//   - a driver's placeholder, %s or %(name)s, becomes the literal 1, or (1) after IN, where the driver
//     expands a list; %% becomes %, as the driver makes it;
//   - a line `-- name: xyz` ends the statement before it, as it does for the loader of statement files;
//   - /*T![feature] … */ stays for the parser, which reads its content where it knows the feature and takes it
//     for a plain comment where not. An unknown feature is therefore a problem: it would silently do nothing.
//
// Text in quotes and in plain comments is left alone: '%s' is a format of DATE_FORMAT.
func prepare(text string) (string, []problem) {
	var out strings.Builder
	var problems []problem
	for at := 0; at < len(text); {
		rest := text[at:]
		length := opaqueLength(rest)
		switch {
		case blockName.MatchString(rest) && (at == 0 || text[at-1] == '\n'):
			out.WriteString(";" + rest[:length])
		case length > 0:
			out.WriteString(rest[:length])
		case strings.HasPrefix(rest, "/*T!"):
			problems = append(problems, unknownFeatures(rest, lineAt(text, at))...)
			length = len("/*T!")
			out.WriteString(rest[:length])
		case strings.HasPrefix(rest, "%%"):
			length = len("%%")
			out.WriteByte('%')
		case placeholder.MatchString(rest):
			length = len(placeholder.FindString(rest))
			if afterIn.MatchString(out.String()) {
				out.WriteString("(1)")
			} else {
				out.WriteByte('1')
			}
		default:
			length = 1
			out.WriteByte(rest[0])
		}
		at += length
	}
	return out.String(), problems
}

// leadLength is the length in bytes of the white space and comments in front of a statement.
func leadLength(statement string) int {
	at := 0
	for at < len(statement) {
		if strings.IndexByte(" \t\r\n", statement[at]) >= 0 {
			at++
		} else if length := opaqueLength(statement[at:]); length > 0 {
			at += length
		} else {
			break
		}
	}
	return at
}

// opaqueLength is the length in bytes of the quoted text or plain comment that rest starts with, else 0.
func opaqueLength(rest string) int {
	switch {
	case strings.ContainsRune("'\"`", rune(rest[0])):
		return quotedLength(rest)
	case rest[0] == '#', strings.HasPrefix(rest, "-- "), strings.HasPrefix(rest, "--\t"), strings.HasPrefix(rest, "--\n"):
		return until(rest, "\n")
	case strings.HasPrefix(rest, "/*T!"), strings.HasPrefix(rest, "/*!"):
		return 0 // executable: the parser reads what is inside
	case strings.HasPrefix(rest, "/*"):
		return until(rest, "*/")
	}
	return 0
}

func until(rest, end string) int {
	if at := strings.Index(rest, end); at >= 0 {
		return at + len(end)
	}
	return len(rest)
}

// quotedLength knows backslash escapes, which a back-quoted name has not. A doubled quote reads as two
// quoted texts in a row, which has the same length.
func quotedLength(rest string) int {
	for at := 1; at < len(rest); at++ {
		switch {
		case rest[at] == '\\' && rest[0] != '`':
			at++
		case rest[at] == rest[0]:
			return at + 1
		}
	}
	return len(rest)
}

func unknownFeatures(rest string, line int) []problem {
	found := featureComment.FindStringSubmatch(rest)
	if found == nil {
		return nil // /*T! … */ without features is always read
	}
	var problems []problem
	for _, feature := range strings.Split(found[1], ",") {
		if feature == "" || !tidbfeature.CanParseFeature(feature) {
			problems = append(problems, problem{line, fmt.Sprintf("TiDB does not know the feature %q and ignores its comment", feature)})
		}
	}
	return problems
}
