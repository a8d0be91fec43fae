//go:build !unix

package app

// Windows decides by access lists, which `service install` sets on the folders of the service.

func lookAt(string, string, bool) (string, error) { return "", nil }

func mayWrite(string) error { return nil }
