package cpu

// CodeID names a row of a Text.
type CodeID uint16

// FrameKind tells what lies on a stack.
type FrameKind uint8

const (
	Call      FrameKind = iota // a running function
	HWFrame                    // the words the processor pushed by itself
	PtRegs                     // the registers that entry code saved, struct pt_regs
	StackArgs                  // arguments that have no register, in L, above room for those that have
)

// NumLocals is how many integers a frame carries.
const NumLocals = 6

// Frame is one thing on a stack. For a Call it is the running function; for a
// HWFrame, L holds the words in the order they were pushed (SS, RSP, RFLAGS,
// CS, RIP) and then the error code with what the model needs to undo the switch.
type Frame struct {
	L    [NumLocals]int64
	Addr uint64 // its lowest address: RSP when it is on top
	Code CodeID
	PC   uint16 // the next step
	Kind FrameKind
	N    uint8 // words pushed so far, for a HWFrame; words that software has pushed, for PtRegs
}

// Stack grows down from Top, as on x86. F[0] is the outermost frame.
type Stack struct {
	Top uint64
	F   []Frame
	R   []Regs // the contents of the PtRegs frames, innermost last
}

// Bytes that frames take. A call pushes the return address, the frame pointer
// and some locals; the numbers are typical, only their order matters.
const (
	callBytes   = 0x38
	wordBytes   = 8
	ptRegsBytes = 0x80 // r15 … rdi and orig_ax, below the five words
)

// SP is the stack pointer.
func (s *Stack) SP() uint64 {
	if n := len(s.F); n > 0 {
		return s.F[n-1].Addr
	}
	return s.Top
}

// Cur is the innermost running function: the data frames above it are its own.
// The stack must not be empty.
func (s *Stack) Cur() *Frame {
	i := len(s.F) - 1
	for s.F[i].Kind != Call {
		i--
	}
	return &s.F[i]
}

// Push puts a call of code on the stack; size is what it takes beyond an
// ordinary frame.
func (s *Stack) Push(code CodeID, size uint64) *Frame {
	s.F = append(s.F, Frame{Code: code, Addr: s.SP() - callBytes - size})
	return &s.F[len(s.F)-1]
}

// PushEntry puts entry code on the stack, which has no frame of its own.
func (s *Stack) PushEntry(code CodeID) *Frame {
	s.F = append(s.F, Frame{Code: code, Addr: s.SP()})
	return &s.F[len(s.F)-1]
}

// PushArgs puts arguments on the stack for the function that is called next, and
// below them room for so many bytes. The stack pointer is a multiple of 16 at a call.
func (s *Stack) PushArgs(room uint64, args ...int64) {
	n := uint64(len(args))
	s.F = append(s.F, Frame{Kind: StackArgs, N: uint8(n), Addr: (s.SP() - room - n*wordBytes) &^ 15})
	copy(s.F[len(s.F)-1].L[:], args)
}

// PushLeaf puts a function on the stack that keeps nothing there but its return
// address.
func (s *Stack) PushLeaf(code CodeID) *Frame {
	s.F = append(s.F, Frame{Code: code, Addr: s.SP() - wordBytes})
	return &s.F[len(s.F)-1]
}

// Pop takes the innermost frame away.
func (s *Stack) Pop() { s.F = s.F[:len(s.F)-1] }

// PushRegs saves registers as struct pt_regs. When the processor has not pushed
// the five words before (a system call), they are part of it; when it has pushed an
// error code too, orig_ax is there already: words is -1.
func (s *Stack) PushRegs(r *Regs, words int) {
	s.F = append(s.F, Frame{Kind: PtRegs, N: uint8(ptRegsBytes/wordBytes + words), Addr: s.SP() - ptRegsBytes - uint64(words*wordBytes)})
	s.R = append(s.R, *r)
}

// PopRegs takes the innermost pt_regs away and gives its contents.
func (s *Stack) PopRegs() Regs {
	s.Pop()
	r := s.R[len(s.R)-1]
	s.R = s.R[:len(s.R)-1]
	return r
}

// Saved is the innermost pt_regs, which the code above it may read and change.
func (s *Stack) Saved() *Regs { return &s.R[len(s.R)-1] }

// copyFrom makes s an exact copy of src in its own memory.
func (s *Stack) copyFrom(src *Stack) {
	s.Top = src.Top
	s.F = append(s.F[:0], src.F...)
	s.R = append(s.R[:0], src.R...)
}

// Context is what belongs to a task: two stacks, and the registers while it
// does not run.
type Context struct {
	Task   int32
	User   Stack
	Kernel Stack
	Regs   Regs
	On     StackID
	Cause  int32 // the record its next step follows from
}

// CopyFrom makes c an exact copy of src in its own memory.
func (c *Context) CopyFrom(src *Context) {
	u, k := c.User, c.Kernel
	*c = *src
	c.User, c.Kernel = u, k
	c.User.copyFrom(&src.User)
	c.Kernel.copyFrom(&src.Kernel)
}

// StackID tells which stack a core executes on.
type StackID uint8

const (
	OnUser   StackID = iota // the task's user stack
	OnKernel                // the task's kernel stack
	OnIRQ                   // the core's interrupt stack
)
