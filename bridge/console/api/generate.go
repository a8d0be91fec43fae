package api

//go:generate go run ../../../cmd/pergabridge/internal/errorsdoc ../../../docs/errors.md
