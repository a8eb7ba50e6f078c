package quiz

import (
	"fmt"
	"strconv"
	"strings"

	"ringside/kernel"
	"ringside/kernel/program"
	"ringside/kernel/strace"
	"ringside/sim"
)

// Questions about system calls: what they return, and what it takes.

// specOf is the call that the task of a record makes, or nil.
func specOf(m *kernel.Machine, r *sim.Record) *program.Spec {
	if r.Task < 0 || m.Tasks[r.Task].Thread == kernel.None || m.Tasks[r.Task].Call.Site == kernel.None {
		return nil
	}
	t := &m.Tasks[r.Task]
	return m.Config.Threads[t.Thread].Program.Calls[t.Call.Site].Spec
}

func (a *ahead) spec() *program.Spec { return specOf(a.now, a.at) }

// waits and polls are the calls with questions of their own.
var (
	waits = map[string]bool{"epoll_wait": true, "epoll_pwait": true, "epoll_pwait2": true}
	polls = map[string]bool{"poll": true, "ppoll": true, "select": true}
)

func callsEpollWait(m *kernel.Machine, r *sim.Record) bool {
	s := specOf(m, r)
	return s != nil && waits[s.Name]
}

func callsPoll(m *kernel.Machine, r *sim.Record) bool {
	s := specOf(m, r)
	return s != nil && polls[s.Name]
}

// callsOther: what takes no argument, and what does not return, is not worth it.
func callsOther(m *kernel.Machine, r *sim.Record) bool {
	s := specOf(m, r)
	return s != nil && !waits[s.Name] && s.Name != "exit" && len(s.Params) > 0
}

// noData: what the call returns is no amount of something.
func noData(m *kernel.Machine, r *sim.Record) bool {
	switch specOf(m, r).Name {
	case "read", "recv", "recvfrom", "write", "send", "sendto", "eventfd_read", "poll", "ppoll", "select":
		return false
	}
	return true
}

// callText is the call as strace prints it while it is on its way.
func (a *ahead) callText() string {
	tasks, lines := a.now.Unfinished()
	for i, id := range tasks {
		if id == kernel.TaskID(a.at.Task) {
			return shorten(lines[i])
		}
	}
	return ""
}

// maxCall is how much of a call is shown.
const maxCall = 70

// shorten gives an unfinished call a short end: what the call fills, and what is
// too long, is left out.
func shorten(line string) string {
	text, _ := strings.CutSuffix(line, " <unfinished ...>")
	switch {
	case len(text) > maxCall:
		return text[:maxCall] + "…)"
	case strings.HasSuffix(text, ","):
		return text + " …)"
	case strings.HasSuffix(text, "("):
		return text + "…)"
	}
	return text + ")"
}

// callEnds runs ahead to the end of the call and gives its line.
func (a *ahead) callEnds() (line string, ok bool) {
	task := kernel.TaskID(a.at.Task)
	done := a.until(func(r *sim.Record) bool {
		if r.Task != a.at.Task || r.Point != kernel.PointSysExit && r.Point != kernel.PointProcessExit {
			return false
		}
		var whose kernel.TaskID
		whose, line, ok = a.m.Strace(r)
		return whose == task
	})
	return line, done && ok && a.r.Point == kernel.PointSysExit
}

// sleeps is how often the task has gone to sleep since the place.
func (a *ahead) sleeps() int32 {
	return a.m.Tasks[a.at.Task].Switches - a.now.Tasks[a.at.Task].Switches
}

// took says how long the call took, and whether it slept.
func (a *ahead) took() string {
	d := (a.m.Now - a.now.Now).String()
	if a.sleeps() == 0 {
		return "It came back after " + d + " without going to sleep"
	}
	return "It slept, and came back after " + d
}

// never is the answer for a call that still sleeps when nothing is left to happen.
const never = "nothing: it does not return in this run"

// askReturn: what will the call return?
func askReturn(a *ahead) bool {
	spec := a.spec()
	a.q.Ask = fmt.Sprintf("%s calls %s. What will it return?", kernel.Printable(a.now.Tasks[a.at.Task].Name), a.callText())
	line, ok := a.callEnds()
	switch {
	case ok:
		_, result, _ := cutLast(line, " = ")
		a.right(result)
		a.q.Because = a.whyReturn(spec, result)
	case a.rest && a.m.Fault == "" && a.m.Tasks[a.at.Task].Call.Active:
		a.right(never)
		a.q.See = a.seq
		a.q.Because = fmt.Sprintf("Nothing happens any more that would wake it: the run ends at %s, and it still sleeps.", a.m.Now)
	default:
		return false
	}
	a.wrong(a.results(spec)...)
	return true
}

// whyReturn says why a call returns what it does.
func (a *ahead) whyReturn(spec *program.Spec, result string) string {
	if code, ok := strings.CutPrefix(result, "-1 "); ok {
		if why := errnoWhy[code]; why != "" {
			return a.took() + ": " + why + "."
		}
	}
	if spec.NewFD && result == strconv.Itoa(int(a.free())) {
		return fmt.Sprintf("%s is the lowest descriptor that is free in the process: there are %d open ones.", result, a.open())
	}
	if why := returnWhy(spec, result); why != "" {
		return a.took() + ": " + why + "."
	}
	return a.took() + "."
}

// errnoWhy says what an error means.
var errnoWhy = map[string]string{
	"EAGAIN":       "there was nothing for it, and it must not wait any longer",
	"EBADF":        "no file is open under that number, or not for this",
	"EEXIST":       "the descriptor is on the interest list already",
	"ENOENT":       "the descriptor is not on the interest list",
	"EINTR":        "a signal came while it slept, and it is not restarted",
	"EINVAL":       "an argument is not valid for this call and this file",
	"EPIPE":        "nobody is there to read any more",
	"EPERM":        "this file cannot be watched",
	"EFAULT":       "no memory is mapped at that address",
	"ECONNREFUSED": "nobody listens there",
	"ECONNRESET":   "the other side has cut the connection",
	"ENOTCONN":     "the socket is not connected",
	"EADDRINUSE":   "another socket has the address",
	"EINPROGRESS":  "the connection is being made, and the socket does not block",
}

// returnWhy says what a result means.
func returnWhy(spec *program.Spec, result string) string {
	n, _, _ := strings.Cut(result, " ")
	switch spec.Name {
	case "read", "recv", "recvfrom":
		if n == "0" {
			return "there are no bytes and none will come, or the message was empty"
		}
		return n + " bytes were there to be copied to the program's buffer"
	case "write", "send", "sendto":
		return n + " bytes found room"
	case "eventfd_read":
		return "the value is what it takes from the counter"
	case "poll", "ppoll", "select":
		return n + " is the number of what is ready"
	}
	if n == "0" {
		return "nothing stands in its way, and 0 is success"
	}
	return ""
}

// results are what such a call could return.
func (a *ahead) results(spec *program.Spec) []string {
	t := &a.now.Tasks[a.at.Task]
	free := int(a.free())
	switch spec.Name {
	case "read", "recv", "recvfrom":
		return []string{strconv.FormatInt(t.Call.Args[2], 10), "-1 EAGAIN", "0", never}
	case "write", "send", "sendto":
		return []string{strconv.FormatInt(t.Call.Args[2], 10), "-1 EAGAIN", "-1 EPIPE", "0"}
	case "poll", "ppoll", "select":
		return []string{"1", "2", "0 (Timeout)", "-1 EINTR"}
	case "eventfd_read":
		return []string{"0 (value 1)", "-1 EAGAIN", "0 (value 0)", never}
	case "pipe2", "socketpair":
		return []string{strconv.Itoa(free), "-1 EMFILE", "2"}
	case "epoll_ctl":
		return []string{"0", "-1 EEXIST", "-1 ENOENT", "1"}
	case "connect":
		return []string{"0", "-1 ECONNREFUSED", "-1 EINPROGRESS", "-1 EAGAIN"}
	}
	if spec.NewFD {
		return []string{strconv.Itoa(free), strconv.Itoa(free + 1), "0", "-1 EAGAIN", strconv.Itoa(free + 2)}
	}
	return []string{"0", "-1 EINVAL", "1", "-1 EBADF"}
}

// fds is the descriptor table of the task's process.
func (a *ahead) fds() []kernel.FileID { return a.now.Procs[a.now.Tasks[a.at.Task].Proc].FDs }

// free is the lowest descriptor that is free.
func (a *ahead) free() int32 {
	fds := a.fds()
	for fd, file := range fds {
		if file == kernel.None {
			return int32(fd)
		}
	}
	return int32(len(fds))
}

// open counts the open descriptors.
func (a *ahead) open() (n int) {
	for _, file := range a.fds() {
		if file != kernel.None {
			n++
		}
	}
	return n
}

// cutLast cuts at the last separator.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// maxReport is how long an answer about events may be.
const maxReport = 100

// askEpollWait: which events will it report?
func askEpollWait(a *ahead) bool {
	task := kernel.TaskID(a.at.Task)
	fds, fd := a.fds(), a.now.Tasks[task].Call.Args[0]
	if fd < 0 || fd >= int64(len(fds)) || fds[fd] == kernel.None || a.now.Files[fds[fd]].Kind != kernel.FileEpoll {
		return false
	}
	items := a.interest(kernel.EpID(a.now.Files[fds[fd]].Obj))
	a.q.Ask = fmt.Sprintf("%s calls %s on an instance with %s. What will it report?", kernel.Printable(a.now.Tasks[task].Name), a.callText(), plural(int64(len(items)), "item", "items"))
	polled, n := a.m.Counters.EpPolled, int64(0)
	line, ok := "", false
	for a.next() {
		if a.r.Task == a.at.Task {
			n += a.m.Counters.EpPolled - polled
		}
		polled = a.m.Counters.EpPolled
		if a.r.Task == a.at.Task && a.r.Point == kernel.PointSysExit {
			_, line, ok = a.m.Strace(&a.r)
			break
		}
	}
	a.q.See = a.seq
	switch {
	case ok:
		report := reported(line)
		a.right(report)
		a.q.Because = fmt.Sprintf("%s: it polls what is on the ready list, %s of %d, and reports what is true then.", a.took(), plural(n, "item", "items"), len(items))
		if n == 0 {
			a.q.Because = fmt.Sprintf("%s: no item came to the ready list.", a.took())
		}
	case a.rest && a.m.Fault == "" && a.m.Tasks[task].Call.Active:
		a.right(never)
		a.q.Because = fmt.Sprintf("No item has news for it before the run ends at %s: it still sleeps.", a.m.Now)
	default:
		return false
	}
	for _, it := range items[:min(len(items), 3)] {
		a.wrong("[" + it + "]")
	}
	if all := "[" + strings.Join(items, ", ") + "]"; len(items) > 1 && len(all) <= maxReport {
		a.wrong(all)
	}
	a.wrong("[]: its time is up", never)
	return len(a.q.Choices[0]) <= maxReport
}

// reported is what stands in the brackets of a line, or the error.
func reported(line string) string {
	_, result, _ := cutLast(line, " = ")
	_, list, ok := strings.Cut(line, ", [")
	if !ok {
		return result
	}
	if list, _, _ = cutLast(list, "]"); list == "" {
		return "[]: its time is up"
	}
	return "[" + list + "]"
}

// interest writes the items of an instance as if all they wait for were there.
func (a *ahead) interest(ep kernel.EpID) []string {
	const eventBits = 0xffff &^ (0x8 | 0x10) // without EPOLLET and the like; EPOLLERR and EPOLLHUP are always asked for
	var out []string
	for it := a.now.Eps[ep].Items; it != kernel.None; it = a.now.Epis[it].NextItem {
		x := &a.now.Epis[it]
		out = append(out, fmt.Sprintf("{events=%s, data=%d}", strace.Bits(uint64(x.Events&eventBits), program.EpollEvents), x.Data))
	}
	return out
}

// askPollScan: how much does poll have to look at?
func askPollScan(a *ahead) bool {
	fds := a.now.Tasks[a.at.Task].Call.Args[1]
	if a.spec().Name == "select" {
		fds = a.now.Tasks[a.at.Task].Call.Args[0]
	}
	text, scanned, n := a.callText(), a.m.Counters.PollScanned, int64(0)
	for a.next() {
		if a.r.Task == a.at.Task {
			n += a.m.Counters.PollScanned - scanned
		}
		scanned = a.m.Counters.PollScanned
		if a.r.Task == a.at.Task && a.r.Point == kernel.PointSysExit {
			break
		}
	}
	if a.left < 0 || a.rest {
		return false
	}
	a.q.See = a.seq
	a.q.Ask = fmt.Sprintf("%s calls %s. How often does it look at a descriptor until it returns?", kernel.Printable(a.now.Tasks[a.at.Task].Name), text)
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	a.right(number(n))
	a.wrong(number(fds), number(1), number(2*fds), number(fds+1), number(0))
	a.q.Because = fmt.Sprintf("%s: each round looks at all %d that were given, because a wakeup does not say which one has news.", a.took(), fds)
	return true
}
