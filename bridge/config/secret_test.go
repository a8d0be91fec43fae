package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStandInsTakeThePlaceOfSecretsThatAreNotHere(t *testing.T) {
	n, err := Parse("c.yaml", []byte("a: {env: SURELY_NOT_SET}\nb: {file: nowhere}\nc: literal\n"))
	require.NoError(t, err)
	n.StandInSecrets()
	var got struct {
		A Secret `yaml:"a"`
		B Secret `yaml:"b"`
		C Secret `yaml:"c"`
	}
	Decode(n, &got)
	require.Len(t, n.Problems(), 1)
	require.Contains(t, n.Problems().Error(), "c: a secret must not be written into this file")
	require.Equal(t, standIn, got.A.Reveal())
	require.Equal(t, standIn, got.B.Reveal())
}
