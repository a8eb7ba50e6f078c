package kernel

import (
	"encoding/binary"

	"ringside/cpu"
	"ringside/kernel/program"
	"ringside/sim"
)

// Ring 3: thread programs, and the C library's wrappers of system calls.

// userFunc is a function of a thread program, as code.
type userFunc struct {
	thread int32
	fn     int32
}

// maxUserDepth is how deep own functions may call each other.
const maxUserDepth = 200

var userText = text{
	fnSyscallWrapper: (&Image{Config: &Config{}}).stub("exit"),
	fnCompute: {Name: "compute", Ring: 3, File: "(the thread program)",
		Say:   "Computes, in ring 3, without asking the kernel for anything.",
		Why:   "Only an interrupt can take the core away from it.",
		Steps: []step{{Name: "compute", Cut: true, Span: computeLeft, Do: (*Machine).compute}}},
}

func computeLeft(_ *Machine, c *cpu.Core) sim.Time { return sim.Time(c.Frame().L[0]) }

// compute goes on after an interrupt where it was cut.
func (m *Machine) compute(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	if f.L[0] -= int64(c.Elapsed()); f.L[0] > 0 {
		r.Arg[0] = f.L[0]
		f.PC = 0
	}
}

// wrapperSyscall: the call is in the task since the program's operation, its number
// in local 0.
func (m *Machine) wrapperSyscall(c *cpu.Core, r *sim.Record) {
	call := &m.current(c).Call
	c.Regs.Load(&m.ABI.Args, &call.Args)
	nr := c.Frame().L[0]
	*c.Regs.At(m.ABI.Number) = uint64(nr)
	r.Arg[0] = nr
	m.door(c)
}

// wrapperReturn turns a result between -4095 and -1 into errno and -1, and gives
// the program what the call returned.
func (m *Machine) wrapperReturn(c *cpu.Core, r *sim.Record) {
	t := m.current(c)
	ret := c.Result()
	r.Arg[0], r.Arg[1] = ret, int64(t.Call.NR)
	t.Call.Ret = ret
	if failed(ret) {
		t.Mem.Errno = -ret
		ret = -1
	}
	m.finish(c, ret)
}

// failed tells whether an answer of the kernel is an error's number.
func failed(ret int64) bool { return ret < 0 && ret >= -4095 }

// results are what the C library's function returns when the call has not
// failed.
func (m *Machine) results(t *Task) (first, second int64) {
	switch spec := m.spec(t); spec.Name {
	case "dup2":
		return t.Call.Prog[1], 0
	case "pipe2", "socketpair":
		return int64(t.Call.Pair[0]), int64(t.Call.Pair[1])
	case "eventfd_read":
		return int64(binary.LittleEndian.Uint64(t.Mem.Scratch[:])), 0
	case "eventfd_write":
		return 0, 0
	case "getsockopt":
		return int64(int32(binary.LittleEndian.Uint32(t.Mem.Scratch[:]))), 0
	}
	return t.Call.Ret, 0
}

// spec is the row of the call that a task makes.
func (m *Machine) spec(t *Task) *program.Spec {
	return m.programs[t.Thread].Calls[t.Call.Site].Spec
}

// lower turns what a program passes to the C library into what the library
// passes to the kernel: values that the kernel takes or gives through memory go
// to the thread's scratch.
func (m *Machine) lower(spec *program.Spec, t *Task, args [8]int64) (nr int64, regs [6]int64) {
	nr = int64(spec.NR)
	copy(regs[:], args[:6])
	switch spec.Name {
	case "print":
		regs = [6]int64{1, args[0], args[1]}
	case "eventfd_read":
		regs = [6]int64{args[0], t.Mem.ScratchAt(), 8}
	case "eventfd_write":
		binary.LittleEndian.PutUint64(t.Mem.Scratch[:], uint64(args[1]))
		regs = [6]int64{args[0], t.Mem.ScratchAt(), 8}
	case "getsockopt":
		regs[3] = t.Mem.ScratchAt()
	case "setsockopt":
		binary.LittleEndian.PutUint32(t.Mem.Scratch[:], uint32(args[3]))
		regs[3], regs[4] = t.Mem.ScratchAt(), 4
		if args[1] == solSocket && args[2] == soRcvTimeo { // the program gives a duration, the kernel wants a struct timeval
			binary.LittleEndian.PutUint64(t.Mem.Scratch[:], uint64(args[3]/int64(sim.Second)))
			binary.LittleEndian.PutUint64(t.Mem.Scratch[8:], uint64(args[3]%int64(sim.Second)/int64(sim.Microsecond)))
			regs[4] = timevalBytes
		}
	case "tgkill":
		target := &m.Tasks[m.threadTask(int32(args[0]))]
		regs = [6]int64{int64(m.Procs[target.Proc].PID), int64(target.PID), args[1]}
	case "send":
		regs[4] = 0
	case "syscall":
		nr = int64(int32(args[0]))
		copy(regs[:], args[1:7])
	}
	return nr, regs
}

// program gives the running task's program and its innermost running function.
func (m *Machine) program(c *cpu.Core) (*program.Program, program.Frame) {
	f := c.Ctx.User.Cur()
	return m.programs[m.current(c).Thread], m.programFrame(f)
}

// programFrame reads a user stack frame as the interpreter's.
func (m *Machine) programFrame(f *cpu.Frame) program.Frame {
	return program.Frame{Func: m.user[f.Code-fnUserBase].fn, PC: int32(f.PC), Slots: int32(f.L[0]), Data: int32(f.L[1])}
}

// complete stores a call's result where the program wants it.
func (m *Machine) complete(c *cpu.Core, results ...int64) {
	p, pf := m.program(c)
	t := m.current(c)
	p.Complete(&t.Mem, &pf, m.Procs[t.Proc].Shared, results...)
}

// userOp does one operation of the running thread program.
func (m *Machine) userOp(c *cpu.Core, r *sim.Record) {
	t := m.current(c)
	f := c.Frame()
	p := m.programs[t.Thread]
	pf := m.programFrame(f)
	pf.PC-- // of the operation, not the next one
	r.Arg[0] = int64(p.Line(pf))
	eff := p.Exec(&t.Mem, &pf, m.Procs[t.Proc].Shared)
	f.PC = uint16(pf.PC)
	switch eff.Kind {
	case program.EffNone:
	case program.EffCall:
		m.enterUser(c, p, eff)
	case program.EffReturn:
		results := p.Leave(&t.Mem, &pf)
		c.Return(0)
		m.complete(c, results...)
	case program.EffSyscall:
		t.Call.N = int8(eff.N)
		m.knock(c, eff.Site, eff.Args)
	case program.EffLibrary:
		m.callLibrary(c, p, eff)
	case program.EffDirector:
		m.direct(c, p, eff)
	case program.EffDivide:
		m.divide(c)
	case program.EffExit:
		m.knock(c, None, [8]int64{})
	default:
		m.giveUp(t.Name + ": " + t.Mem.Fault)
	}
}

// enterUser pushes a frame for an own function.
func (m *Machine) enterUser(c *cpu.Core, p *program.Program, eff program.Effect) {
	t := m.current(c)
	if len(c.Ctx.User.F) >= maxUserDepth {
		m.giveUp(t.Name + ": own functions call each other too deep")
		return
	}
	fn := p.Calls[eff.Site].Func
	next := p.Enter(&t.Mem, fn, eff.Args[:p.Funcs[fn].Params])
	size := uint64(len(t.Mem.Data)) - uint64(next.Data)
	nf := c.Ctx.User.Push(m.userCode[t.Thread]+cpu.CodeID(fn), size)
	nf.L[0], nf.L[1] = int64(next.Slots), int64(next.Data)
	m.mapArrays(t)
}

// knock calls the wrapper of a system call.
func (m *Machine) knock(c *cpu.Core, site int32, args [8]int64) {
	t := m.current(c)
	t.Call.Site, t.Call.Prog = site, args
	if site == None {
		t.Call.Args = [6]int64{}
		c.Call(fnSyscallWrapper, int64(m.numbers[nrExit]))
		return
	}
	spec := m.spec(t)
	if spec.Name == "select" {
		m.noteSets(t)
	}
	nr, regs := m.lower(spec, t, args)
	if spec.Name != "syscall" {
		var errno int64
		if nr, errno = m.substitute(nr, &regs); errno != 0 {
			t.Mem.Errno = errno
			m.complete(c, -1)
			return
		}
		nr = int64(m.numbers[nr])
	}
	t.Call.Args = regs
	c.Regs.Load(&m.ABI.Call, &regs)
	c.Call(m.wrappers[t.Thread][site], nr)
}

// noteSets keeps the sets that select is given, for strace: the call overwrites
// them.
func (m *Machine) noteSets(t *Task) {
	for i, addr := range t.Call.Prog[1:4] {
		b, _ := t.Mem.Writable(addr, fdSetBytes)
		clear(t.Sets[i][:])
		copy(t.Sets[i][:], b)
	}
}

// callLibrary does what needs no system call of its own.
func (m *Machine) callLibrary(c *cpu.Core, p *program.Program, eff program.Effect) {
	switch p.Calls[eff.Site].Spec.Name {
	case "compute":
		c.Call(fnCompute, eff.Args[0])
	case "load":
		c.Call(fnLoad, eff.Args[0])
	case "store":
		c.Call(fnStore, eff.Args[0], eff.Args[1])
	case "cli":
		c.Call(fnCli)
	case "hlt":
		c.Call(fnHlt)
	case "ud2":
		c.Call(fnUd2)
	case "udf":
		c.Call(fnUdf)
	case "rx_burst":
		m.rxBurst(c, eff.Args[0], eff.Args[1])
	case "print":
		c.Call(fnPrint, int64(eff.Site), eff.Args[0], int64(len(p.String(eff.Args[0]))))
	}
}

// userString reads a string that the running task points to.
func (m *Machine) userString(c *cpu.Core, addr int64) string {
	t := m.current(c)
	return m.programs[t.Thread].String(addr)
}
