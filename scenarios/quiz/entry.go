package quiz

import (
	"fmt"

	"ringside/cpu"
	"ringside/kernel"
	"ringside/sim"
)

// Questions about interrupts: stacks, the interrupt flag, contexts.

// handlerEntry tells whether a record is one with which a handler begins.
func handlerEntry(r *sim.Record) bool {
	switch r.Point {
	case kernel.PointIRQHandlerEntry, kernel.PointLocalTimerEntry, kernel.PointReschedEntry, kernel.PointCallSingleEntry:
		return true
	}
	return false
}

// handler runs ahead to where the handler of the interrupt has begun.
func (a *ahead) handler() bool {
	return a.until(func(r *sim.Record) bool { return r.CPU == a.at.CPU && handlerEntry(r) })
}

// reader is a thread that sleeps in a call: whom one could take for the one that
// a packet's work is done for.
func (a *ahead) reader(not kernel.TaskID) (string, bool) {
	for id := range a.now.Tasks {
		if t := &a.now.Tasks[id]; t.Thread != kernel.None && t.Call.Active && t.State == kernel.Interruptible && kernel.TaskID(id) != not {
			return kernel.Printable(t.Name), true
		}
	}
	return "", false
}

// interrupt names the one that is being taken.
func (a *ahead) interrupt() string {
	what := "An interrupt of the card"
	switch v := a.now.Cores[a.at.CPU].Vector; v {
	case kernel.VectorTimer:
		what = "The timer's interrupt"
	case kernel.VectorResched:
		what = "A reschedule interrupt"
	case kernel.VectorCallSingle:
		what = "A function call interrupt"
	}
	return fmt.Sprintf("%s (vector %d)", what, a.now.Cores[a.at.CPU].Vector)
}

// askStack: on whose stack does the handler run?
func askStack(a *ahead) bool {
	core := a.at.CPU
	task := a.now.CPUs[core].Current
	name := kernel.Printable(a.now.Tasks[task].Name)
	nested := a.now.Cores[core].On == cpu.OnIRQ
	if !a.handler() {
		return false
	}
	irq := fmt.Sprintf("the interrupt stack of cpu%d", core)
	own := "the kernel stack of " + name
	a.q.Ask = fmt.Sprintf("%s stops %s on cpu%d. On which stack does its handler run?", a.interrupt(), name, core)
	c := &a.m.Cores[core]
	rsp := c.Stack().SP()
	switch {
	case nested:
		a.right(irq)
		a.q.Because = fmt.Sprintf("The core was on it already: the softirq that is stopped runs there too, and RSP goes on down to %#x.", rsp)
	case c.On == cpu.OnIRQ:
		a.right(irq)
		a.q.Because = fmt.Sprintf("The processor's words are on the kernel stack of %s, but the entry code goes on to the core's own stack: RSP is %#x there.", name, rsp)
	case c.On == cpu.OnKernel:
		a.right(own)
		a.q.Because = fmt.Sprintf("This handler is so short that it stays where the processor has put its words: RSP is %#x there.", rsp)
	default:
		return false
	}
	a.wrong(irq, own)
	if !a.now.Tasks[task].Idle && !a.now.Tasks[task].Kernel {
		a.wrong("the user stack of " + name)
	}
	if who, ok := a.reader(task); ok {
		a.wrong("the kernel stack of " + who)
	}
	a.wrong(fmt.Sprintf("the stack of ksoftirqd/%d", core))
	return true
}

// askIF words the answer that the machine ahead has.
func (a *ahead) askIF() {
	yes, no := "yes: IF=1", "no: IF=0"
	if a.right(no); a.m.Cores[a.at.CPU].Regs.IF() {
		a.right(yes)
	}
	a.wrong(yes, no)
}

// askHandlerIF: are interrupts on in the handler?
func askHandlerIF(a *ahead) bool {
	if !a.handler() {
		return false
	}
	c := &a.m.Cores[a.at.CPU]
	a.q.Ask = fmt.Sprintf("%s is taken by cpu%d. Is IF set while its handler runs?", a.interrupt(), a.at.CPU)
	a.askIF()
	a.q.Because = fmt.Sprintf("RFLAGS is %#x there: an interrupt gate clears IF (0x200), so that no other interrupt comes in between.", c.Regs.RFLAGS)
	return !c.Regs.IF()
}

// netRx runs ahead to where the receive softirq has begun on the core.
func (a *ahead) netRx() bool {
	return a.until(func(r *sim.Record) bool {
		return r.CPU == a.at.CPU && r.Point == kernel.PointSoftirqEntry && r.Arg[0] == kernel.NetRx
	})
}

// askSoftirqIF: are interrupts on in the softirq?
func askSoftirqIF(a *ahead) bool {
	if !a.netRx() {
		return false
	}
	c, k := &a.m.Cores[a.at.CPU], &a.m.CPUs[a.at.CPU]
	a.q.Ask = fmt.Sprintf("cpu%d has just marked NET_RX pending. Is IF set when net_rx_action begins there?", a.at.CPU)
	a.askIF()
	a.q.Because = fmt.Sprintf("RFLAGS is %#x and preempt_count %#x there: handle_softirqs lets interrupts in (0x200) before it calls the action.", c.Regs.RFLAGS, k.Preempt)
	return c.Regs.IF()
}

// askContext: where does the work go on that was put off?
func askContext(a *ahead) bool {
	core := a.at.CPU
	if !a.netRx() {
		return false
	}
	task := kernel.TaskID(a.r.Task)
	softirq := func(name string) string { return "ring 0, softirq, borrowed from " + name }
	thread := fmt.Sprintf("ring 0, softirq, in the thread ksoftirqd/%d", core)
	name := kernel.Printable(a.m.Tasks[task].Name)
	a.q.Ask = fmt.Sprintf("cpu%d has just marked NET_RX pending. In which ring and context will net_rx_action run?", core)
	k := &a.m.CPUs[core]
	if task == k.Ksoftirqd {
		a.right(thread)
		a.q.Because = fmt.Sprintf("The current task is %s (pid %d): the softirq was left to the thread.", name, a.m.Tasks[task].PID)
	} else {
		a.right(softirq(name))
		a.q.Because = fmt.Sprintf("The current task is %s, and preempt_count is %#x: one softirq is being served on its time.", name, k.Preempt)
	}
	a.wrong("ring 0, hard interrupt")
	if who, ok := a.reader(task); ok {
		a.wrong("ring 0, system call of "+who, softirq(who))
	}
	a.wrong(thread, softirq(name), "ring 3, in "+name)
	return true
}

// askNAPIPoll: how much is taken in one poll?
func askNAPIPoll(a *ahead) bool {
	if !a.until(func(r *sim.Record) bool { return r.CPU == a.at.CPU && r.Point == kernel.PointNAPIPoll }) {
		return false
	}
	work, weight := a.r.Arg[0], a.r.Arg[1]
	a.q.Ask = fmt.Sprintf("cpu%d polls for packets, with a weight of %d. How many will this poll take?", a.at.CPU, weight)
	number := func(n int64) string { return fmt.Sprint(n) }
	a.right(number(work))
	a.wrong(number(1), number(weight), number(work+1), number(2*work), number(0))
	if a.q.Because = fmt.Sprintf("It found %d: fewer than the weight of %d says that nothing is left for now.", work, weight); work >= weight {
		a.q.Because = fmt.Sprintf("One poll takes at most %d: the instance stays on the poll list for the rest.", weight)
	}
	return true
}
