//go:build !linux

package sdnotify

// monotonic is asked for by systemd alone.
func monotonic() (int64, bool) { return 0, false }
