package redistest

import (
	"os"
	"syscall"
)

// memoryRoom is how much of a disk in memory a suite may fill.
const memoryRoom = 1 << 30

// memory returns a folder whose files are in memory, "" if there is none with room.
func memory() string {
	const shm = "/dev/shm"
	var s syscall.Statfs_t
	if syscall.Statfs(shm, &s) != nil || s.Bavail*uint64(s.Bsize) < memoryRoom { //nolint:gosec // a size is not negative
		return ""
	}
	probe, err := os.MkdirTemp(shm, "pb-redis-*")
	if err != nil {
		return ""
	}
	_ = os.Remove(probe)
	return shm
}
