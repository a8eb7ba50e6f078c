package scenarios

import (
	"embed"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed course
var course embed.FS

// order is the course: the embedded scenarios as somebody would take them, the
// flagship first. Those of a chapter stand together.
var order = []string{
	// the way of a packet
	"one-packet", "loopback", "tcp-from-outside",
	// ways into the kernel
	"three-levels-of-write", "syscall-door", "int80", "two-stacks", "calling-conventions", "write-on-arm64", "write-on-macos", "write-on-windows",
	"cli-in-ring-3", "touch-kernel-memory", "efault-no-signal", "data-abort",
	// interrupts
	"interrupt-trap-fault", "interrupt-is-no-switch", "if-0-pending", "pic-history", "shared-line", "irq-affinity",
	"moderation", "adaptive-moderation", "napi-32-packets", "livelock", "busy-polling",
	// the card
	"somebody-polls", "dma-without-cpu", "iommu", "posted-writes", "not-for-us", "ring-full", "gro", "rss-four-cores", "user-space-driver",
	// waiting
	"blocking-read", "lost-wakeup", "nonblocking-eagain", "select-bitmaps", "poll-and-epoll", "ten-thousand-descriptors",
	"signal-interrupts", "pipe-end-of-file", "socketpair-room",
	// event queues
	"two-sockets-one-epoll", "level-and-edge", "half-read", "overflow-list", "loud-client", "oneshot", "last-waiter-first", "exclusive",
	"dup-and-close", "eventfd-counts", "timers-are-files", "three-requests",
	// scheduling
	"preemptive", "wakeup-on-another-core",
	// memory
	"minor-fault", "same-address-two-processes", "page-table-isolation",
	// connections
	"tcp-accept", "request-in-pieces", "connect-refused", "window-closes", "nagle-and-delayed-ack",
	// load
	"poisson-load", "capture-file",
}

// Builtin lists the embedded scenarios in the order of the course; one that has
// no place there comes last.
func Builtin() []string {
	names := slices.Clone(order)
	files, _ := fs.Glob(course, "course/*.yaml")
	for _, f := range files {
		if name := strings.TrimSuffix(path.Base(f), ".yaml"); !slices.Contains(order, name) {
			names = append(names, name)
		}
	}
	return names
}

// Attached is a file that embedded scenarios name, such as a capture file.
func Attached(name string) (data []byte, ok bool) {
	data, err := course.ReadFile(path.Join("course", name))
	return data, err == nil && path.Ext(name) != ".yaml"
}
