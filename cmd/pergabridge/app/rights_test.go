//go:build unix

package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/config"
	redisstore "github.com/pergabridge/pergabridge/bridge/store/redis"
)

func TestRights(t *testing.T) {
	dir := t.TempDir()
	file, key, db := filepath.Join(dir, "pergabridge.yaml"), filepath.Join(dir, "key"), filepath.Join(dir, "data", "pergabridge.db")
	require.NoError(t, os.Mkdir(filepath.Dir(db), 0o700))
	for _, f := range []string{file, key, db} {
		require.NoError(t, os.WriteFile(f, []byte("x"), 0o600))
	}
	n, err := config.Parse(file, []byte("key: {file: key}"))
	require.NoError(t, err)
	var secrets struct {
		Key config.Secret `yaml:"key"`
	}
	config.Decode(n, &secrets)
	c := &Config{File: file, node: n, Store: Store{Path: db}}
	warnings, err := c.checkRights()
	require.NoError(t, err)
	require.Empty(t, warnings)

	require.NoError(t, os.Chmod(file, 0o644))
	require.NoError(t, os.Chmod(key, 0o604))
	require.NoError(t, os.Chmod(db, 0o644))
	warnings, err = c.checkRights()
	require.NoError(t, err)
	require.Equal(t, []string{
		"the secret " + key + " may be read by every user of this machine (0604): chmod o-r " + key,
		"the database " + db + " may be read by every user of this machine (0644): chmod o-r " + db,
	}, warnings, "a config without secrets is no secret")

	for what, path := range map[string]string{"the config": file, "the secret": key, "the database": db} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.NoError(t, os.Chmod(path, info.Mode().Perm()|0o002))
		_, err = c.checkRights()
		require.ErrorContains(t, err, what+" "+path+" may be changed by every user of this machine")
		require.ErrorContains(t, err, "chmod o-w "+path)
		require.NoError(t, os.Chmod(path, info.Mode().Perm()))
	}
	require.NoError(t, os.Chmod(filepath.Dir(db), 0o777))
	warnings, err = c.checkRights()
	require.NoError(t, err, "Kubernetes makes an emptyDir like that")
	require.Contains(t, warnings, "the folder of the database "+filepath.Dir(db)+" may be changed by every user of this machine (0777), who may put another file in the place of one: chmod o-w "+filepath.Dir(db))
	require.NoError(t, os.Chmod(filepath.Dir(db), 0o777|os.ModeSticky))
	warnings, err = c.checkRights()
	require.NotContains(t, strings.Join(warnings, " "), "the folder")
	require.NoError(t, err, "the sticky bit keeps others from taking files away")

	// Of a Redis it is what this replica remembers; it says nothing that others may not read.
	require.NoError(t, os.Chmod(filepath.Dir(db), 0o700))
	state := filepath.Join(dir, "data", "redis.json")
	require.NoError(t, os.WriteFile(state, []byte("x"), 0o644))
	r := &Config{File: file, node: c.node, Store: Store{Redis: &redisstore.Config{State: config.Path(state)}}}
	require.NoError(t, os.Chmod(key, 0o600))
	warnings, err = r.checkRights()
	require.NoError(t, err)
	require.Empty(t, warnings)
	for what, path := range map[string]string{"the memory of the ledger (store.state)": state} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.NoError(t, os.Chmod(path, info.Mode().Perm()|0o002))
		_, err = r.checkRights()
		require.ErrorContains(t, err, what+" "+path+" may be changed by every user of this machine")
		require.NoError(t, os.Chmod(path, info.Mode().Perm()))
	}

	require.NoError(t, os.RemoveAll(filepath.Dir(db)))
	_, err = c.checkRights()
	require.NoError(t, err, "it is made at the first start")
}
