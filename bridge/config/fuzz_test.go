package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzParse feeds any text to Parse and Decode: they must not panic, every problem must have a place
// in the text, the same text must give the same problems, and what was read must be plain data.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	require.NoError(f, err)
	for _, file := range append(files, "testdata/good.yaml") {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		if len(data) < 2_000 { // larger ones only slow the search down
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		once := func() (Problems, any) {
			n, err := Parse("fuzz.yaml", data)
			if err != nil {
				var ps Problems
				require.ErrorAs(t, err, &ps)
				require.NotEmpty(t, ps)
				return ps, nil
			}
			var s sample
			Decode(n, &s)
			return n.Problems(), n.Value()
		}
		problems, value := once()
		again, _ := once()
		require.Equal(t, problems, again)
		_, err := json.Marshal(value)
		require.NoError(t, err)
		require.LessOrEqual(t, len(problems), MaxProblems+1)
		for _, p := range problems {
			require.Positive(t, p.Line)
			require.Positive(t, p.Col)
			require.NotEmpty(t, p.Msg)
			require.NotContains(t, p.Error(), "\n")
		}
	})
}

func FuzzUnits(f *testing.F) {
	for _, s := range []string{"10s", "1h30m", "90d", "1.5MiB", "20kB", "512", "9223372036854775807", "0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := ParseDuration(s); err == nil {
			require.GreaterOrEqual(t, d, Duration(0))
			back, err := ParseDuration(d.String())
			if d%1e6 == 0 { // finer than a millisecond cannot be written
				require.NoError(t, err, d.String())
				require.Equal(t, d, back)
			}
		}
		if n, err := ParseSize(s); err == nil {
			require.GreaterOrEqual(t, n, Size(0))
			back, err := ParseSize(n.String())
			require.NoError(t, err)
			require.Equal(t, n, back)
		}
	})
}
