package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/store/sqlite"
)

var queries = sqlite.Prepared()

// TestNoStatementScansAGrowingTable runs last and looks at the plan of everything the suite made
// the writer do.
func TestNoStatementScansAGrowingTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	require.NoError(t, open(t, path, nil).Close())
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	scan := regexp.MustCompile(`SCAN (event|e|s|body|lane|claim|bond|reference|wrote|attempt)\b`)
	all := queries()
	require.Greater(t, len(all), 60, "the suite ran")
	for _, q := range all {
		if !regexp.MustCompile(`(?i)^(SELECT|UPDATE|DELETE|INSERT)`).MatchString(q) {
			continue
		}
		rows, err := db.Query("EXPLAIN QUERY PLAN "+q, make([]any, strings.Count(q, "?"))...)
		require.NoError(t, err, q)
		for rows.Next() {
			var id, parent, unused int
			var detail string
			require.NoError(t, rows.Scan(&id, &parent, &unused, &detail))
			// Reading the lowest row ids or an index of unsettled rows up to a limit is no scan of the table.
			bounded := strings.Contains(detail, "USING INDEX") || strings.Contains(detail, "USING COVERING INDEX") || strings.Contains(q, "ORDER BY n LIMIT") ||
				q == "UPDATE event SET shrunk = 0 WHERE shrunk = 2" // once, when the retention in the config changed
			require.False(t, scan.MatchString(detail) && !bounded, "%s\n  in %s", detail, q)
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
	}
}
