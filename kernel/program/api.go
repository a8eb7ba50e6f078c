// Package program reads thread programs: the bodies of small Go functions in
// which calls behave as in C. Both lanes run the same compiled program, the
// modelled kernel one operation a step, the live lane on a locked thread; they
// meet at the Effect of an operation.
//
// A Program is immutable. Everything that changes while it runs is in a Memory
// (one a thread) and in Frames (one a running function), both plain data that
// can be copied. All values are 64-bit integers: numbers, truth values, addresses
// of strings and arrays, handles of maps.
//
// A runner executes like this:
//
//	f := p.Start(&mem)
//	for {
//		switch e := p.Exec(&mem, &f, shared); e.Kind {
//		case EffSyscall:
//			p.Complete(&mem, &f, theResultOf(e))
//		case EffCall: // push f, f = p.Enter(&mem, p.Calls[e.Site].Func, args)
//		case EffReturn: // results := p.Leave(&mem, &f), pop f, p.Complete(&mem, &f, results...)
//		case EffExit: // done
//		}
//	}
package program

// Addr is a virtual address of the thread's user space.
type Addr = int64

// The address space of a process, as far as programs can see it. What belongs to
// one thread lies in a place of its own: all threads of a process have the same
// page tables. Threads of other processes may have the same addresses.
const (
	RodataBase   Addr = 0x0000_0000_0050_0000 // string constants, one every RodataStride bytes
	RodataStride      = 1 << 16
	HeapBase     Addr = 0x0000_5555_5560_0000 // HEAP: memory that is there when it is touched
	HeapBytes         = 0x21000               // what malloc's first brk asks for
	DataBase     Addr = 0x0000_7f00_0000_0000 // arrays, from the first declared one upwards
	ScratchBase  Addr = 0x0000_7ffd_0000_0000 // ScratchBytes that C library functions use for structures
	ScratchBytes      = 32

	ImageStride   = 1 << 32 // from a thread's text and constants to the next one's
	DataStride    = 1 << 24 // from a thread's arrays to the next one's in its process
	ScratchStride = 1 << 12

	// The same below 4 GiB: what a program has whose pointers must fit into 32 bits.
	LowImageStride      = 1 << 24
	LowScratchBase Addr = 0x7f00_0000
	LowDataBase    Addr = 0xa000_0000
	LowThreads          = 80                              // so many there is room for
	LowConsts           = LowImageStride/RodataStride - 1 // of each

	KernelText Addr = -0x7f00_0000 // KERNEL: 0xffffffff81000000
)

// Program is one compiled thread program.
type Program struct {
	Source string   // as written, for the screen
	Funcs  []Func   // Funcs[0] is main
	Consts []string // string constants; a string value is the Addr of its first byte
	Calls  []Call   // the call sites that Effect.Site counts
	rodata Addr     // of Consts[0]
}

// Func is one function of a program.
type Func struct {
	Name    string
	Params  int // the first Params slots
	Results int
	Slots   int // integer variables and temporaries
	Data    int // bytes of arrays
	Ops     []Op
	Line    int // of its declaration, from 1
}

// Call is one place where a program calls something: an own function, or a row
// of the table of calls.
type Call struct {
	Spec *Spec // nil for an own function
	Func int   // the own function
	Line int
	Col  int
	dst  []*lvalue
	lens []int64 // for each argument that is an array: how many elements it has, or lenOfString; else 0
}

// lenOfString stands for the length of a string that is not known before.
const lenOfString = -1

// Effect is what an operation asks of whoever runs the program.
type Effect struct {
	Kind EffectKind
	Site int32    // index into Program.Calls, for EffCall, EffSyscall, EffLibrary, EffDirector
	Args [8]int64 // evaluated arguments; buffers and strings are Addrs
	N    int      // how many arguments the call has
}

// EffectKind tells how the runner goes on.
type EffectKind uint8

const (
	EffNone     EffectKind = iota // an ordinary operation: go on with the next one
	EffCall                       // call of an own function: push a Frame with Enter
	EffReturn                     // return: pop the Frame with Leave
	EffSyscall                    // a system call through its C library wrapper
	EffLibrary                    // compute, print, load, store, cli, rx_burst …
	EffDirector                   // spawn, settle, wait_blocked, join
	EffExit                       // main returned: the thread ends
	EffDivide                     // a division by zero: the operation is to be done again, Memory.Fault names the line
	EffFault                      // the program did something undefined; Memory.Fault says what
)

// Frame is one running function: plain data.
type Frame struct {
	Func, PC int32
	Slots    int32 // its first slot in Memory.Slots
	Data     int32 // its first byte in Memory.Data
}

// Error is what is wrong with a program, and where.
type Error struct {
	Line, Col int // from 1, in the program's text
	Msg       string
}

func (e *Error) Error() string { return e.Msg }
