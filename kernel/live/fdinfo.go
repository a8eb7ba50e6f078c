package live

import (
	"fmt"
	"strconv"
	"strings"

	"ringside/kernel/program"
	"ringside/kernel/strace"
)

// Watch is an item of a real interest list, as /proc/PID/fdinfo of the epoll
// instance has it (proc(5); fs/eventpoll.c: ep_show_fdinfo).
type Watch struct {
	TFD    int // the descriptor it was added by
	Events uint32
	Data   uint64
}

// ParseFdinfo reads the interest list out of an epoll instance's fdinfo.
func ParseFdinfo(text string) (list []Watch) {
	for _, line := range strings.Split(text, "\n") {
		f := strings.Fields(line) // tfd: 7 events: 19 data: 4d …
		if len(f) < 6 || f[0] != "tfd:" || f[2] != "events:" || f[4] != "data:" {
			continue
		}
		tfd, err1 := strconv.ParseInt(f[1], 10, 32)
		events, err2 := strconv.ParseUint(f[3], 16, 32)
		data, err3 := strconv.ParseUint(f[5], 16, 64)
		if err1 == nil && err2 == nil && err3 == nil && tfd >= 0 {
			list = append(list, Watch{int(tfd), uint32(events), data})
		}
	}
	return list
}

// WatchText is an item as it is shown, in the scenario's numbers.
func WatchText(epfd, fd int, events uint32, data int64) string {
	return fmt.Sprintf("epoll %d watches fd %d for %s, data %d", epfd, fd, strace.Bits(uint64(events), program.EpollEvents), data)
}
