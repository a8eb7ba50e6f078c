package conformance

import (
	"fmt"
	"slices"
	"strings"

	"ringside/kernel"
	"ringside/kernel/program"
	"ringside/nic"
)

// Config makes the scenario of a case: two cores, no packets, and main starts
// the other threads.
func (c *Case) Config() (*kernel.Config, error) {
	cfg := &kernel.Config{CPUs: 2, Seed: 1, Params: kernel.DefaultParams(), NIC: nic.DefaultConfig()}
	env := program.Env{}
	for _, name := range c.created() {
		env.Shared = append(env.Shared, variable(name))
	}
	cfg.Shared = env.Shared
	for _, t := range c.Threads {
		env.Threads = append(env.Threads, t.Name)
	}
	for i, t := range c.Threads {
		text, err := c.Program(i)
		if err != nil {
			return nil, err
		}
		p, err := program.Compile(text, env)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w\n%s", c.ID, t.Name, err, text)
		}
		cfg.Threads = append(cfg.Threads, kernel.ThreadConfig{Name: t.Name, CPU: -1, Spawned: i > 0, Program: p})
	}
	return cfg, nil
}

// translator writes the program of one thread.
type translator struct {
	c    *Case
	op   int
	text strings.Builder
}

func (t *translator) line(format string, args ...any) {
	fmt.Fprintf(&t.text, format+"\n", args...)
}

// Program is the program of a thread.
func (c *Case) Program(thread int) (string, error) {
	t := &translator{c: c}
	ops := c.Threads[thread].Ops
	t.arrays(ops)
	if thread == 0 {
		t.signals()
	}
	for i := range ops {
		t.op = i
		write, ok := calls[ops[i].Call]
		if !ok {
			return "", fmt.Errorf("%s %s#%d: unknown call %q", c.ID, c.Threads[thread].Name, i, ops[i].Call)
		}
		t.line("print(%q)", mark(i))
		write(t, &ops[i].Args)
	}
	if thread == 0 {
		t.line("print(%q)", mark(len(ops)))
	}
	return t.text.String(), nil
}

// mark is what a program prints before an operation.
func mark(op int) string { return fmt.Sprintf("#%d", op) }

// arrays declares a buffer and room for events, as large as the operations need
// them.
func (t *translator) arrays(ops []Op) {
	bytes, events := 0, 0
	for _, o := range ops {
		bytes = max(bytes, o.Args.N, o.Args.Chunk)
		switch o.Call {
		case "epoll_wait":
			events = max(events, o.Args.Maxevents, 1)
		case "fill", "drain":
			bytes = max(bytes, chunk)
		case "write", "read", "recv", "recv_dontwait", "sendto":
			bytes = max(bytes, 1)
		}
	}
	if bytes > 0 {
		t.line("var buf [%d]byte", bytes)
	}
	if events > 0 {
		t.line("var events [%d]epoll_event", events)
	}
}

// chunk is how much fill and drain move at a time unless told otherwise.
const chunk = 4096

// signals has the signals handled that the case is about.
func (t *translator) signals() {
	for _, th := range t.c.Threads {
		for _, o := range th.Ops {
			if o.Call == "signal" {
				t.line("sigaction(SIGUSR1, 0)")
			}
			if string(o.Expect["errno"]) == `"EPIPE"` {
				t.line("sigaction(SIGPIPE, 0)")
			}
		}
	}
}

// variable holds a descriptor; descriptors are shared by all threads.
func variable(name string) string { return "fd_" + name }

// fd is a descriptor's variable, or the number that a case gives instead.
func (t *translator) fd(name string) string {
	if _, ok := t.c.dataOf(name); !ok {
		return name
	}
	return variable(name)
}

// out is the variable of a descriptor that the operation creates.
func (t *translator) out(a *Args, i int) string { return variable(a.Out[i]) }

// address is where a descriptor is bound: a port of its own.
func (t *translator) address(name string) string {
	data, _ := t.c.dataOf(name)
	return fmt.Sprintf(`"127.0.0.1:%d"`, 7000+data-1000)
}

// data is the epoll data of an ADD or MOD.
func (t *translator) data(a *Args) int64 {
	if a.Data != nil {
		return *a.Data
	}
	data, _ := t.c.dataOf(a.FD)
	return data
}

// bits joins names of events.
func bits(prefix string, events []string) string {
	if len(events) == 0 {
		return "0"
	}
	return prefix + strings.Join(events, "|"+prefix)
}

// flags joins the names of flags that are set.
func flags(first string, set ...any) string {
	out := []string{}
	if first != "" {
		out = append(out, first)
	}
	for i := 0; i < len(set); i += 2 {
		if set[i].(bool) {
			out = append(out, set[i+1].(string))
		}
	}
	if len(out) == 0 {
		return "0"
	}
	return strings.Join(out, "|")
}

func list(threads []string) string { return strings.Join(threads, ", ") }

// calls tells for each operation what it is in a program.
var calls map[string]func(*translator, *Args)

func init() {
	calls = map[string]func(*translator, *Args){
		"pipe": func(t *translator, a *Args) {
			t.line("%s, %s = pipe2(%s)", t.out(a, 0), t.out(a, 1), flags("", a.Nonblock, "O_NONBLOCK"))
			if a.Size != nil {
				t.line("fcntl(%s, F_SETPIPE_SZ, %d)", t.out(a, 1), *a.Size)
			}
		},
		"socketpair": func(t *translator, a *Args) {
			kind := map[string]string{"stream": "SOCK_STREAM", "dgram": "SOCK_DGRAM"}[a.Type]
			t.line("%s, %s = socketpair(AF_UNIX, %s, 0)", t.out(a, 0), t.out(a, 1), flags(kind, a.Nonblock, "SOCK_NONBLOCK"))
		},
		"eventfd": func(t *translator, a *Args) {
			t.line("%s = eventfd(%s, %s)", t.out(a, 0), a.Init, flags("", a.Semaphore, "EFD_SEMAPHORE", a.Nonblock, "EFD_NONBLOCK"))
		},
		"eventfd_write": func(t *translator, a *Args) { t.line("eventfd_write(%s, %d)", t.fd(a.FD), signed(a.Value)) },
		"eventfd_read":  func(t *translator, a *Args) { t.line("eventfd_read(%s)", t.fd(a.FD)) },
		// Programs open no paths. A file in memory stands for the regular file and
		// for the directory: like both it has no poll operation (fs/select.c:
		// DEFAULT_POLLMASK), which is what the cases are about.
		"open_file": func(t *translator, a *Args) { t.line("%s = memfd_create(%q, 0)", t.out(a, 0), a.Kind) },
		"close":     func(t *translator, a *Args) { t.line("close(%s)", t.fd(a.FD)) },
		"dup":       func(t *translator, a *Args) { t.line("%s = dup(%s)", t.out(a, 0), t.fd(a.FD)) },
		"read":      func(t *translator, a *Args) { t.line("read(%s, buf, %d)", t.fd(a.FD), a.N) },
		"write":     func(t *translator, a *Args) { t.line("write(%s, buf, %d)", t.fd(a.FD), a.N) },
		"recv":      func(t *translator, a *Args) { t.line("recv(%s, buf, %d, 0)", t.fd(a.FD), a.N) },
		"recv_dontwait": func(t *translator, a *Args) {
			t.line("recv(%s, buf, %d, MSG_DONTWAIT)", t.fd(a.FD), a.N)
		},
		"sendto": func(t *translator, a *Args) {
			t.line("sendto(%s, buf, %d, 0, %s)", t.fd(a.FD), a.N, t.address(a.To))
		},
		"shutdown": func(t *translator, a *Args) {
			t.line("shutdown(%s, SHUT_%s)", t.fd(a.FD), strings.ToUpper(a.How))
		},
		"socket_tcp": func(t *translator, a *Args) {
			t.line("%s = socket(AF_INET, %s, 0)", t.out(a, 0), flags("SOCK_STREAM", a.Nonblock, "SOCK_NONBLOCK"))
		},
		"socket_udp": func(t *translator, a *Args) {
			t.line("%s = socket(AF_INET, %s, 0)", t.out(a, 0), flags("SOCK_DGRAM", a.Nonblock, "SOCK_NONBLOCK"))
			t.line("bind(%s, %s)", t.out(a, 0), t.address(a.Out[0]))
		},
		"bind_loopback": func(t *translator, a *Args) { t.line("bind(%s, %s)", t.fd(a.FD), t.address(a.FD)) },
		"tcp_listener": func(t *translator, a *Args) {
			t.line("%s = socket(AF_INET, SOCK_STREAM, 0)", t.out(a, 0))
			t.line("bind(%s, %s)", t.out(a, 0), t.address(a.Out[0]))
			t.line("listen(%s, %d)", t.out(a, 0), a.Backlog)
		},
		"connect":  func(t *translator, a *Args) { t.line("connect(%s, %s)", t.fd(a.FD), t.address(a.To)) },
		"accept":   func(t *translator, a *Args) { t.line("%s = accept(%s)", t.out(a, 0), t.fd(a.FD)) },
		"tcp_pair": tcpPair,
		"udp_pair": func(t *translator, a *Args) {
			for i := range 2 {
				t.line("%s = socket(AF_INET, %s, 0)", t.out(a, i), flags("SOCK_DGRAM", a.Nonblock, "SOCK_NONBLOCK"))
				t.line("bind(%s, %s)", t.out(a, i), t.address(a.Out[i]))
			}
			for i := range 2 {
				t.line("connect(%s, %s)", t.out(a, i), t.address(a.Out[1-i]))
			}
		},
		"setsockopt": func(t *translator, a *Args) {
			if opt, ok := strings.CutSuffix(a.Opt, "_ms"); ok {
				t.line("setsockopt(%s, SOL_SOCKET, %s, %s*ms)", t.fd(a.FD), opt, a.Value)
				return
			}
			t.line("setsockopt(%s, SOL_SOCKET, %s, %s)", t.fd(a.FD), a.Opt, a.Value)
		},
		"getsockopt_error": func(t *translator, a *Args) { t.line("getsockopt(%s, SOL_SOCKET, SO_ERROR)", t.fd(a.FD)) },
		"epoll_create": func(t *translator, a *Args) {
			switch {
			case a.Size != nil:
				t.line("%s = epoll_create(%d)", t.out(a, 0), *a.Size)
			case a.Flags != nil:
				t.line("%s = epoll_create1(%d)", t.out(a, 0), *a.Flags)
			default:
				t.line("%s = epoll_create1(0)", t.out(a, 0))
			}
		},
		"epoll_ctl_add": func(t *translator, a *Args) { t.control("ADD", a) },
		"epoll_ctl_mod": func(t *translator, a *Args) { t.control("MOD", a) },
		"epoll_ctl_del": func(t *translator, a *Args) { t.control("DEL", a) },
		"epoll_wait": func(t *translator, a *Args) {
			t.line("epoll_wait(%s, events, %d, %s)", t.fd(string(a.Epfd)), a.Maxevents, a.TimeoutMS.text)
		},
		"poll":   poll,
		"select": sElect,
		"fill":   fill,
		"drain":  drain,

		"sleep_ms":     func(t *translator, a *Args) { t.line("nanosleep(%d*ms)", a.MS) },
		"spawn":        func(t *translator, a *Args) { t.line("spawn(%s)", list(a.Threads)) },
		"wait_blocked": func(t *translator, a *Args) { t.line("wait_blocked(%s)", list(a.Threads)) },
		"join":         func(t *translator, a *Args) { t.line("join(%s)", list(a.Threads)) },
		"settle":       func(t *translator, a *Args) { t.line("settle()") },
		"signal":       func(t *translator, a *Args) { t.line("tgkill(%s, SIGUSR1)", a.Thread) },
	}
	// These look at the run and do nothing in it.
	for _, name := range []string{"expect_blocked", "expect_exited", "expect_count", "count_positive", "kill_blocked"} {
		calls[name] = func(*translator, *Args) {}
	}
}

// signed is a 64-bit number as programs write it.
func signed(n fmt.Stringer) int64 {
	var u uint64
	fmt.Sscan(n.String(), &u)
	return int64(u)
}

func (t *translator) control(op string, a *Args) {
	t.line("epoll_ctl(%s, EPOLL_CTL_%s, %s, %s, %d)", t.fd(string(a.Epfd)), op, t.fd(a.FD), bits("EPOLL", a.Events), t.data(a))
}

// tcpPair connects two sockets over loopback.
func tcpPair(t *translator, a *Args) {
	c, s := t.out(a, 0), t.out(a, 1)
	l := fmt.Sprintf("l%d", t.op)
	t.line("%s := socket(AF_INET, SOCK_STREAM, 0)", l)
	t.line("bind(%s, %s)", l, t.address(a.Out[1]))
	t.line("listen(%s, 1)", l)
	t.line("%s = socket(AF_INET, SOCK_STREAM, 0)", c)
	t.line("connect(%s, %s)", c, t.address(a.Out[1]))
	t.line("%s = accept(%s)", s, l)
	t.line("close(%s)", l)
	for _, fd := range []string{c, s} {
		t.line("setsockopt(%s, SOL_TCP, TCP_NODELAY, 1)", fd)
		if a.Nonblock {
			t.line("fcntl(%s, F_SETFL, O_NONBLOCK)", fd)
		}
	}
}

func poll(t *translator, a *Args) {
	set, n := "NULL", len(a.Fds)
	if n > 0 {
		set = fmt.Sprintf("p%d", t.op)
		var fds []string
		for _, f := range a.Fds {
			fds = append(fds, fmt.Sprintf("{%s, %s}", t.fd(f.FD), bits("POLL", f.Events)))
		}
		t.line("%s := []pollfd{%s}", set, strings.Join(fds, ", "))
	}
	if a.NFDs != nil {
		n = *a.NFDs
	}
	t.line("poll(%s, %d, %s)", set, n, a.TimeoutMS.text)
}

// selectSets are the sets of a select, by their names.
func selectSets(a *Args) map[string][]string {
	return map[string][]string{"read": a.Read, "write": a.Write, "except": a.Except}
}

// sElect prints what it finds in the sets afterwards, as "read r".
func sElect(t *translator, a *Args) {
	sets, args := selectSets(a), []string{}
	n := fmt.Sprintf("n%d", t.op)
	t.line("%s := 0", n)
	for _, name := range []string{"read", "write", "except"} {
		if sets[name] == nil {
			args = append(args, "NULL")
			continue
		}
		set := fmt.Sprintf("%s%d", name, t.op)
		args = append(args, set)
		var fds []string
		for _, fd := range sets[name] {
			fds = append(fds, t.fd(fd))
			t.line("if %s >= %s {\n%s = %s + 1\n}", t.fd(fd), n, n, t.fd(fd))
		}
		t.line("%s := fd_set(%s)", set, list(fds))
	}
	if a.NFDs != nil {
		t.line("%s = %d", n, *a.NFDs)
	}
	limit := a.TimeoutMS.text
	if limit != "NULL" {
		limit += "*ms"
	}
	t.line("select(%s, %s, %s)", n, list(args), limit)
	for i, name := range []string{"read", "write", "except"} {
		for _, fd := range sets[name] {
			t.line("if FD_ISSET(%s, %s) {\nprint(%q)\n}", t.fd(fd), args[i], name+" "+fd)
		}
	}
}

// again is how long fill and drain wait for what is under way on a TCP
// connection, before they look whether they are really done.
const again = "20*ms"

// fill writes until there is no room.
func fill(t *translator, a *Args) {
	n := a.Chunk
	if n == 0 {
		n = chunk
	}
	fd := t.fd(a.FD)
	if a.TCP {
		t.line("for send(%s, buf, %d, MSG_DONTWAIT) > 0 {", fd, n)
		t.line("for send(%s, buf, %d, MSG_DONTWAIT) > 0 {\n}", fd, n)
		t.line("nanosleep(%s)\n}", again)
		return
	}
	t.line("fl%d := fcntl(%s, F_GETFL)", t.op, fd)
	t.line("fcntl(%s, F_SETFL, fl%d|O_NONBLOCK)", fd, t.op)
	t.line("for write(%s, buf, %d) > 0 {\n}", fd, n)
	t.line("fcntl(%s, F_SETFL, fl%d)", fd, t.op)
}

// drain reads until nothing is left.
func drain(t *translator, a *Args) {
	fd := t.fd(a.FD)
	t.line("for recv(%s, buf, %d, MSG_DONTWAIT) > 0 {", fd, chunk)
	t.line("for recv(%s, buf, %d, MSG_DONTWAIT) > 0 {\n}", fd, chunk)
	t.line("nanosleep(%s)\n}", again)
}

// creates tells whether an operation returns descriptors: its result counts as 0.
func (o *Op) creates() bool { return len(o.Args.Out) > 0 }

// isDirector tells whether an operation is about the run and not a call.
func (o *Op) isDirector() bool {
	return slices.Contains([]string{"wait_blocked", "join", "expect_blocked", "expect_exited", "expect_count", "count_positive"}, o.Call)
}
