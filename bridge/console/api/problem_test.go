package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/console/api"
)

func TestAProblemIsOneLine(t *testing.T) {
	for want, p := range map[string]api.Problem{
		"no such event":         {Detail: "no such event", Title: "not found", Status: 404},
		"not found":             {Title: "not found", Status: 404},
		"HTTP status 404":       {Status: 404},
		"needed (task)":         {Detail: "needed", Param: "task"},
		"limit: from 1 to 1000": {Detail: "limit: from 1 to 1000", Param: "limit"},
	} {
		require.EqualError(t, &p, want)
	}
}
