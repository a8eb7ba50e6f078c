package cpu

// Regs are the registers a program can see, as of "syscall": the six argument
// registers, the result, the two that the syscall instruction overwrites, the two
// more that int 0x80 takes arguments in, and the ones that an interrupt saves. Values as on x86-64 (AMD64 Architecture
// Programmer's Manual, volume 2).
type Regs struct {
	RIP, RSP, RFLAGS, CS, SS, CR3 uint64
	RAX, RCX, R11                 uint64
	RDI, RSI, RDX, R10, R8, R9    uint64
	RBX, RBP                      uint64
}

// Segment selectors as Linux uses them (arch/x86/include/asm/segment.h).
const (
	KernelCS = 0x10
	KernelSS = 0x18
	UserCS   = 0x33
	UserSS   = 0x2b
)

// FlagIF is the interrupt flag in RFLAGS; the other bits that are set here are
// the always-one bit and ZF|PF, as a plain process has them.
const (
	FlagIF       = 0x200
	DefaultFlags = 0x046 | FlagIF
)

// IF tells whether maskable interrupts are let in.
func (r *Regs) IF() bool { return r.RFLAGS&FlagIF != 0 }

// Ring is the current privilege level, the low two bits of CS.
func (r *Regs) Ring() uint8 { return uint8(r.CS & 3) }

// SetArgs loads the six argument registers of a system call, in the order of
// the x86-64 system call convention (syscall(2)).
func (r *Regs) SetArgs(a [6]int64) {
	r.RDI, r.RSI, r.RDX = uint64(a[0]), uint64(a[1]), uint64(a[2])
	r.R10, r.R8, r.R9 = uint64(a[3]), uint64(a[4]), uint64(a[5])
}

// Args reads them back.
func (r *Regs) Args() [6]int64 {
	return [6]int64{int64(r.RDI), int64(r.RSI), int64(r.RDX), int64(r.R10), int64(r.R8), int64(r.R9)}
}
