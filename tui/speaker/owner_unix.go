//go:build unix

package speaker

import (
	"io/fs"
	"os"
	"syscall"
)

// mine tells whether a file belongs to the user.
func mine(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Getuid()
}
