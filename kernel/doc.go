// Package kernel is the modelled Linux kernel and the machine it runs on.
//
// A Machine is one value of plain data: cores, card, tasks, sockets, wait
// queues, epoll instances, refer to each other by small numbers, so that a copy
// is exact. Machine.Step does one step of one device or core and leaves one
// sim.Record.
//
// A kernel function is a row of a table (cpu.Code): its name is Linux's, each
// step is a method of Machine named after what Linux does there. A function
// calls another by pushing its frame; the stack that a panel shows is the one
// that is executed. To add a function: a number in fn.go, a row in the table of
// its subject's file, and the methods of its steps.
//
// Where a packet goes, file by file: irq.go (the hard interrupt), softirq.go,
// napi.go (the driver's poll), net.go (the receive path), udp.go (the socket),
// wait.go (wait queues), epoll.go, wakeup.go (try_to_wake_up), sched.go
// (schedule, context_switch), and back to user space in syscall.go.
package kernel
