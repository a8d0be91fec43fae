package console

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/files"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// filesView returns the files of an event for people.
func filesView(e *bridge.Event) []bridge.File {
	list := bridge.FilesOf(e)
	for i := range list {
		list[i].Name, list[i].Type = secret.Mask(list[i].Name), secret.Mask(list[i].Type)
	}
	return list
}

// sendFile sends a file that came with an event, to be saved and nothing else.
func (s *server) sendFile(w http.ResponseWriter, r *http.Request) error {
	if err := readQuery(r.URL.RawQuery).done(); err != nil {
		return err
	}
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil {
		return problem(api.NotFound, "a file is named by its number, from 1")
	}
	e, _, err := s.Store.Event(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if s.Files == nil {
		return problem(api.NotFound, "this bridge keeps no files")
	}
	f, err := s.Files.One(r.Context(), &e, n)
	switch {
	case errors.Is(err, files.ErrNone):
		return problem(api.NotFound, "event "+e.ID+" has no file "+strconv.Itoa(n))
	case errors.Is(err, files.ErrGone):
		return problem(api.NotFound, "the input of event "+e.ID+" is not kept any more, and its files went with it")
	case errors.Is(err, files.ErrDamaged):
		return problem(api.NotPossible, "the bytes of this file are not those that came: a secret of the config was masked in them")
	case err != nil:
		return err
	}
	if err := files.Serve(w, r, &f); err != nil {
		s.Log.Debug("console: a file was not taken whole", slog.String("error", secret.Mask(err.Error())))
	}
	return nil
}
