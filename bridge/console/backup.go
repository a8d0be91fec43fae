package console

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// backupStall is how long a caller may leave one piece of a backup lying.
const backupStall = time.Minute

// sendBackup streams a copy of the database. Only one is made at a time: each needs room on disk.
func (s *server) sendBackup(w http.ResponseWriter, r *http.Request) error {
	if err := readQuery(r.URL.RawQuery).done(); err != nil {
		return err
	}
	select {
	case s.backup <- struct{}{}:
		defer func() { <-s.backup }()
	default:
		return problem(api.NotPossible, "another backup is being made")
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="pergabridge-`+s.Now().UTC().Format("20060102T150405Z")+`.db"`)
	out := &patient{w: w, control: http.NewResponseController(w)}
	if r.Method == http.MethodHead {
		return nil
	}
	err := s.Store.Backup(r.Context(), out)
	if err == nil {
		return nil
	}
	if !out.begun {
		h.Del("Content-Disposition")
		return err
	}
	s.Log.Error("console: a backup broke off", slog.String("error", secret.Mask(err.Error())))
	panic(http.ErrAbortHandler) // the caller must not take half a file for a whole one
}

// A patient writer gives each piece its own time, whatever the server allows for a whole answer.
type patient struct {
	w       http.ResponseWriter
	control *http.ResponseController
	begun   bool
}

func (p *patient) Write(b []byte) (int, error) {
	p.begun = true
	_ = p.control.SetWriteDeadline(time.Now().Add(backupStall)) // not every writer can; then the server's own rule holds
	return p.w.Write(b)
}
