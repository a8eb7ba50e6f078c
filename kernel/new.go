package kernel

import (
	"fmt"
	"net/netip"

	"ringside/cpu"
	"ringside/kernel/program"
	"ringside/nic"
	"ringside/sim"
)

// Where stacks begin. Kernel stacks are 16 KiB (THREAD_SIZE) with a gap between
// them.
const (
	userStackTop   = 0x00007ffe_0000_0000
	userStackGap   = 0x0000_0000_0080_0000
	kernelStackTop = 0xffffc900_0000_4000
	kernelStackGap = 0x8000
	perCPUBase     = 0xffff8880_3dc0_0000 // the cores' own data, in the direct map
	perCPUSize     = 0x4_0000
	irqStackTop    = 0xffffc900_8000_4000
)

// FirstPID is the number of the scenario's first process and of its first
// thread; the others count on.
const FirstPID = 1000

// New makes a machine in its first state: cores idle, the card open, threads and
// packets yet to come.
func New(cfg *Config) (*Machine, error) {
	im, err := newImage(cfg)
	if err != nil {
		return nil, err
	}
	m := &Machine{Image: im, Rand: sim.NewRand(cfg.Seed), here: None, freeSkb: None, freeReq: None, freeWait: None, freeEpi: None}
	for i := range m.ports {
		m.ports[i] = None
	}
	m.bootPaging()
	m.Cores, m.CPUs = make([]cpu.Core, cfg.CPUs), make([]CPU, cfg.CPUs)
	for i := range m.Cores {
		m.bootCore(int32(i))
	}
	m.Kstat = make([]int32, len(im.irqs)*cfg.CPUs)
	m.openLine()
	m.openCard()
	for i := range cfg.Threads {
		m.addThread(int32(i))
	}
	m.Frames = im.frames[:len(im.frames):len(im.frames)]
	for i := range cfg.Wire {
		remote := int32(None)
		if cfg.Wire[i].Proto == "tcp" && cfg.Wire[i].To.IsValid() {
			remote = m.addRemote(&cfg.Wire[i])
		}
		im.remoteOf = append(im.remoteOf, remote)
		m.wireNext(int32(i), 0, cfg.Wire[i].At)
	}
	for i := range cfg.Affinity {
		m.Queue.Push(sim.Event{At: cfg.Affinity[i].At, Cause: sim.NoSeq, Kind: evAffinity, A: int32(i)})
	}
	for i := range m.Cores {
		m.Text.Begin(m, &m.Cores[i], &m.Costs, 0)
	}
	m.drain()
	return m, nil
}

// Fresh makes an empty machine to copy into.
func Fresh() *Machine { return &Machine{} }

// newImage builds what never changes.
func newImage(cfg *Config) (*Image, error) {
	im := &Image{Config: cfg, Costs: costs(cfg.Costs), ABI: &cpu.ABIs[cfg.ABI]}
	im.Text.Codes, im.Text.Arm64 = im.kernelText(), im.ABI.Arm64
	im.Text.EL1Sync, im.Text.EL0IRQ, im.Text.EL1IRQ = fnEl1Sync, fnEl0Irq, fnEl1Irq
	if cfg.Params.PTI {
		isolate(im.Text.Codes)
	}
	im.Text.Entry, im.Text.LSTAR = fnInterruptDelivery, fnEntrySyscall
	im.Text.IDT[vectorPF] = fnAsmExcPageFault
	im.Text.IDT[vectorDE] = fnAsmExcDivideError
	im.Text.IDT[vectorUD] = fnAsmExcInvalidOp
	im.Text.IDT[vectorGP] = fnAsmExcGeneralProtection
	im.Text.IDT[VectorTimer] = fnAsmSysvecTimer
	im.Text.IDT[VectorCallSingle] = fnAsmSysvecCallSingle
	im.Text.IDT[VectorResched] = fnAsmSysvecResched
	im.Text.IDT[VectorSpurious] = fnAsmSysvecSpurious
	im.Text.INTA = (*Machine).inta
	im.requestIRQs()
	im.Text.IDT[VectorInt80] = fnAsmInt80
	im.fillSysCalls()
	if cfg.NIC.Advanced {
		im.loadIgb()
	}
	if cfg.NIC.IOMMU {
		im.loadIOMMU()
	}
	if breakText != nil {
		breakText(im)
	}
	for i := range cfg.Threads {
		im.addProgram(int32(i), cfg.Threads[i].Program)
	}
	for i := range cfg.Wire {
		if err := im.addFrames(&cfg.Wire[i]); err != nil {
			return nil, fmt.Errorf("packet %d: %w", i, err)
		}
	}
	return im, nil
}

// breakText, set by tests only, breaks the kernel's text on purpose: a suite that
// then finds nothing wrong is no good.
var breakText func(*Image)

// sysCallTable is sys_call_table.
var sysCallTable = map[int]cpu.CodeID{
	nrRead: fnSysRead, nrWrite: fnSysWrite, nrClose: fnSysClose, nrSchedYield: fnSysSchedYield,
	nrNanosleep: fnSysNanosleep, nrGetpid: fnSysGetpid, nrSocket: fnSysSocket, nrRecvfrom: fnSysRecvfrom,
	nrBind: fnSysBind, nrExit: fnSysExit, nrFcntl: fnSysFcntl, nrGettid: fnSysGettid,
	nrEpollCreate: fnSysEpollCreate, nrEpollWait: fnSysEpollWait, nrEpollCtl: fnSysEpollCtl,
	nrEpollCreate1: fnSysEpollCreate1, nrEpollPwait: fnSysEpollPwait, nrEpollPwait2: fnSysEpollPwait2,
	nrDup: fnSysDup, nrDup2: fnSysDup2, nrConnect: fnSysConnect, nrAccept: fnSysAccept, nrAccept4: fnSysAccept4,
	nrPoll: fnSysPoll, nrPpoll: fnSysPpoll, nrSelect: fnSysSelect,
	nrSetsockopt: fnSysSetsockopt, nrGetsockopt: fnSysGetsockopt, nrSendto: fnSysSendto, nrShutdown: fnSysShutdown, nrListen: fnSysListen,
	nrRtSigaction: fnSysRtSigaction, nrRtSigreturn: fnSysRtSigreturn, nrTgkill: fnSysTgkill,
	nrPipe2: fnSysPipe2, nrEventfd2: fnSysEventfd2, nrTimerfd: fnSysTimerfdCreate, nrTimerfdSet: fnSysTimerfdSettime,
	nrDup3: fnSysDup3, nrPselect6: fnSysPselect6, nrMemfd: fnSysMemfdCreate, nrSocketpair: fnSysSocketpair,
}

// peerMAC is a remote host's hardware address, made from its IP address.
func peerMAC(a netip.Addr) [6]byte {
	b := a.As4()
	return [6]byte{0x02, 0xff, b[0], b[1], b[2], b[3]}
}

// addProgram adds the functions of a thread's program to the text, and the
// wrappers of the system calls that it makes.
func (im *Image) addProgram(thread int32, p *program.Program) {
	im.programs = append(im.programs, p)
	im.userCode = append(im.userCode, cpu.CodeID(len(im.Text.Codes)))
	base := userBase + uint64(thread)*program.ImageStride
	for fn := range p.Funcs {
		im.user = append(im.user, userFunc{thread: thread, fn: int32(fn)})
		im.Text.Codes = append(im.Text.Codes, code{
			Name: p.Funcs[fn].Name, Ring: 3, Interp: true, Base: base + textOffset(fn),
			File: "(the thread program)", Say: "The thread's own code runs.", Why: "In ring 3, until it asks the kernel for something or is interrupted.",
			Steps: []step{{Name: "one operation of the program", Cost: costOp, Do: (*Machine).userOp}},
		})
	}
	// Wrappers come after the functions of this thread; m.user keeps a place
	// for them, so that a code's number still finds its row.
	byName := map[string]cpu.CodeID{}
	sites := make([]cpu.CodeID, len(p.Calls))
	for i := range p.Calls {
		spec := p.Calls[i].Spec
		if spec == nil {
			continue
		}
		name := spec.Name
		if name == "print" {
			name = "write"
		}
		id, ok := byName[name]
		if !ok {
			id = cpu.CodeID(len(im.Text.Codes))
			byName[name] = id
			im.addLibrary(thread, im.wrapper(name))
		}
		sites[i] = id
	}
	im.wrappers = append(im.wrappers, sites)
}

// textOffset is where a function of a program lies in its text. The first ones
// have their place below the constants, the others behind them.
func textOffset(fn int) uint64 {
	off := uint64(fn) << 16
	if off+1<<16 > uint64(program.RodataBase)-userBase {
		off += 1 << 31
	}
	return off
}

// addLibrary adds functions of a thread's library, one behind the other.
func (im *Image) addLibrary(thread int32, codes []code) {
	for _, c := range codes {
		c.Base = libraryBase + uint64(len(im.Text.Codes))*codeStride
		im.Text.Codes = append(im.Text.Codes, c)
		im.user = append(im.user, userFunc{thread: thread, fn: None})
	}
}

// bootCore makes a core with its idle task and its ksoftirqd.
func (m *Machine) bootCore(i int32) {
	c, k := &m.Cores[i], &m.CPUs[i]
	c.GSBase = perCPUBase + uint64(i)*perCPUSize
	c.ID, c.IRQ.Top = int8(i), uint64(irqStackTop)+uint64(i)*kernelStackGap
	m.mapKernelStack(c.IRQ.Top)
	c.Cause = sim.NoSeq
	c.APIC.Timer.WriteLVT(VectorTimer | cpu.LVTTSCDeadline) // setup_APIC_timer
	k.Idle = m.newTask(Task{Name: fmt.Sprintf("swapper/%d", i), Idle: true, State: Running, CPU: i, Affinity: i, Thread: None, Proc: None})
	k.Current, k.RQ.Curr, k.Polling = k.Idle, k.Idle, true
	k.Backlog.First, k.Backlog.Last, k.Completed = None, None, None
	k.Firing.Task = None
	k.Preempt = CountPreempt
	idle := &m.Tasks[k.Idle].Ctx
	if i == 0 && m.ABI.Arm64 {
		idle.Kernel.PushEntry(fnPrimarySwitched)
	} else {
		idle.Kernel.PushEntry(fnSecondaryStartup)
	}
	if i == 0 {
		idle.Kernel.Push(fnStartKernel, 0)
		idle.Kernel.Push(fnRestInit, 0)
	} else {
		idle.Kernel.Push(fnStartSecondary, 0)
	}
	idle.Kernel.Push(fnCpuStartupEntry, 0)
	idle.Kernel.Push(fnDoIdle, 0)
	idle.On = cpu.OnKernel
	idle.Regs = cpu.Regs{CS: cpu.KernelCS, SS: cpu.KernelSS, RFLAGS: cpu.DefaultFlags, CR3: bootPGD}
	k.Ksoftirqd = m.newTask(Task{Name: fmt.Sprintf("ksoftirqd/%d", i), Kernel: true, State: Interruptible, CPU: i, Affinity: i, Thread: None, Proc: None, PID: 14 + i*8, Preempt: bornPreempt})
	ks := &m.Tasks[k.Ksoftirqd].Ctx
	ks.Kernel.PushEntry(fnRetFromForkAsm).PC = 1
	ks.Kernel.Push(fnRetFromFork, 0).PC = 1
	ks.Kernel.Push(fnKthread, 0).PC = 1
	ks.Kernel.Push(fnSmpbootThreadFn, 0).PC = 1
	asleep(ks)
	c.Load(&m.Tasks[k.Idle].Ctx) // not idle: the arena may have moved
}

// asleep lays a kernel stack out as if its task had gone to sleep in schedule().
func asleep(ctx *cpu.Context) {
	ctx.Kernel.Push(fnSchedule, 0).PC = 1
	ctx.Kernel.Push(fnScheduleInner, 0).PC = 2
	ctx.Kernel.F[len(ctx.Kernel.F)-1].L[0] = 1
	ctx.Kernel.Push(fnContextSwitch, 0).PC = 2
	ctx.On = cpu.OnKernel
	ctx.Regs = cpu.Regs{CS: cpu.KernelCS, SS: cpu.KernelSS, RFLAGS: cpu.DefaultFlags &^ cpu.FlagIF}
}

// bornPreempt is preempt_count of a task that is switched to for the first time:
// the run queue's lock and schedule's preempt_disable (FORK_PREEMPT_COUNT).
const bornPreempt = 2 * CountPreempt

// newTask adds a task with its kernel stack.
func (m *Machine) newTask(t Task) TaskID {
	id := TaskID(len(m.Tasks))
	t.Ctx.Task = id
	t.Ctx.Kernel.Top = uint64(kernelStackTop) + uint64(id)*kernelStackGap
	m.mapKernelStack(t.Ctx.Kernel.Top)
	t.Wakee = sim.NoSeq
	t.Call.Site, t.PollTable = None, None
	m.initSched(&t)
	m.Tasks = append(m.Tasks, t)
	return id
}

// openCard sets the card up as the driver does when the interface is brought up:
// for each receive queue buffers in all descriptors but one, a NAPI instance, the
// interrupts' messages, and interrupts on.
func (m *Machine) openCard() {
	m.NIC.Init(m.Config.NIC, HostMAC)
	size := int32(m.Config.NIC.Ring)
	m.Napis = make([]Napi, m.Config.NIC.Queues)
	for q := range int32(len(m.Napis)) {
		m.Napis[q] = Napi{First: None, Last: None, Use: size - 1}
		if m.Config.NIC.IOMMU {
			m.NIC.WriteRDBA(q, m.mapRing())
		}
		for i := range size {
			addr := m.bufferAddr(q, i)
			if m.Config.NIC.IOMMU {
				addr = m.mapNow(addr, cpu.IOWrite)
			}
			m.NIC.Refill(q, i, addr)
		}
		if m.Config.NIC.AdaptiveRx {
			m.Napis[q].Rate = firstRate
			m.NIC.WriteITR(q, itrRegister(firstRate))
		}
		m.NIC.WriteRDT(q, uint32(size-1), 0, &m.Queue, sim.NoSeq)
	}
	for v := range len(m.NIC.MSIX) {
		addr, data := msiMessage(m.irqCPU(int32(v%len(m.Napis))), VectorCard+uint8(v))
		m.NIC.SetVector(v, addr, data)
	}
	if m.Config.NIC.Mode == nic.MSI {
		m.NIC.SetMSI(msiMessage(m.irqCPU(0), VectorCard))
	}
	if !m.Config.UIO {
		m.NIC.WriteIMS(m.allCauses(), 0, &m.Queue, sim.NoSeq)
	}
}

// allCauses are the interrupt causes that the driver lets through at the start.
func (m *Machine) allCauses() uint32 {
	causes := m.NIC.TxCause()
	for q := range int32(len(m.Napis)) {
		causes |= m.NIC.Cause(q)
	}
	return causes
}

// irqCPU is the core that a queue's interrupt goes to (smp_affinity). Unless the
// scenario says so, the queues go round the cores.
func (m *Machine) irqCPU(queue int32) int {
	if int(queue) < len(m.Config.IRQCPU) {
		return m.Config.IRQCPU[queue]
	}
	return int(queue) % m.Config.CPUs
}

// addThread makes the task of a thread; it becomes runnable at its start.
func (m *Machine) addThread(i int32) {
	tc := &m.Config.Threads[i]
	proc := m.process(tc.Process)
	m.Procs[proc].Live++
	pid := FirstPID + i
	if m.Procs[proc].PID == 0 {
		m.Procs[proc].PID = pid
	}
	id := m.newTask(Task{Name: tc.Name, PID: pid, State: NotStarted, Affinity: int32(tc.CPU), Prio: taskPrio(m.Config.Params.Scheduler, tc), Proc: proc, Thread: i, Preempt: bornPreempt})
	t := &m.Tasks[id]
	t.Mem.Slot, t.Mem.Low = int64(m.Procs[proc].Live-1), m.ABI.Gate != 0
	frame := tc.Program.Start(&t.Mem)
	t.Ctx.User.Top = uint64(userStackTop) - uint64(i)*userStackGap
	f := t.Ctx.User.Push(m.userCode[i], 0)
	f.L[0], f.L[1] = int64(frame.Slots), int64(frame.Data)
	regs := cpu.Regs{CS: cpu.UserCS, SS: cpu.UserSS, RFLAGS: cpu.DefaultFlags, CR3: m.Procs[proc].CR3}
	regs.RIP, regs.RSP = m.Text.Addr(m.userCode[i], 0), t.Ctx.User.SP()
	regs.RCX, regs.R11 = regs.RIP, regs.RFLAGS
	if m.ABI.Arm64 {
		regs.R11 = regs.PState()
	}
	t.Ctx.Kernel.PushEntry(fnRetFromForkAsm)
	t.Ctx.Kernel.PushRegs(&regs, 5)
	t.Ctx.On = cpu.OnKernel
	t.Ctx.Regs = cpu.Regs{CS: cpu.KernelCS, SS: cpu.KernelSS, RFLAGS: cpu.DefaultFlags &^ cpu.FlagIF}
	m.mapThread(id)
	if !tc.Spawned {
		m.Queue.Push(sim.Event{At: tc.Start, Cause: sim.NoSeq, Kind: evStart, A: id})
	}
}

// process finds a process by name, or makes it: three descriptors are open.
func (m *Machine) process(name string) int32 {
	for i := range m.Procs {
		if m.Procs[i].Name == name {
			return int32(i)
		}
	}
	console := m.newFile(FileConsole, None, oRdwr|oLargefile)
	m.Files[console].Refs = 3
	m.Procs = append(m.Procs, Process{Name: name, FDs: []FileID{console, console, console}, Free: 3, Shared: make([]int64, len(m.Config.Shared))})
	m.newMM(int32(len(m.Procs) - 1))
	return int32(len(m.Procs) - 1)
}

// startThread makes a thread runnable (wake_up_new_task): on the core it is
// bound to, or the one with the fewest tasks.
func (m *Machine) startThread(id TaskID, r *sim.Record) {
	t := &m.Tasks[id]
	if p := &m.Procs[t.Proc]; p.Killed != 0 { // its process has ended before it could begin
		t.ExitSignal = p.Killed
		m.setState(t, Dead)
		about(r, KindTask, id)
		r.Fn, r.Point, r.Task = uint16(fnThreadStart), PointProcessExit, int16(id)
		return
	}
	core := t.Affinity
	if core == None {
		core = 0
		for i := range m.CPUs {
			if m.CPUs[i].RQ.Nr < m.CPUs[core].RQ.Nr {
				core = int32(i)
			}
		}
	}
	t.CPU = core
	m.setState(t, Running)
	m.updateRqClock(core)
	m.enqueueTask(core, id, true)
	m.wakeupPreempt(core, id)
	t.Wakee = m.Seq
	about(r, KindTask, id)
	r.Fn, r.Point = uint16(fnThreadStart), PointSchedWakeupNew
	r.Arg[0] = int64(core)
}
