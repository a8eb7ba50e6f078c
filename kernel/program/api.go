// Package program reads thread programs: the bodies of small Go functions in
// which calls behave as in C. Both lanes run the same compiled program, the
// modelled kernel one operation a step, the live lane on a locked thread; they
// meet at the Effect of an operation.
//
// A Program is immutable. Everything that changes while it runs is in a Memory
// (one a thread) and in Frames (one a running function), both plain data that
// can be copied.
package program

// Addr is a virtual address of the thread's user space.
type Addr = int64

// User address space of a thread, as far as programs can see it.
const (
	RodataBase Addr = 0x0000_0000_0050_0000 // string constants, one every RodataStride bytes
	DataBase   Addr = 0x0000_7f00_0000_0000 // arrays, from the first declared one upwards
)

// Program is one compiled thread program.
type Program struct {
	Source string   // as written, for the screen
	Funcs  []Func   // Funcs[0] is main
	Consts []string // string constants; a string value is the Addr of its first byte
	Calls  []Call   // the call sites that Op.Call counts
}

// Func is one function of a program.
type Func struct {
	Name    string
	Params  int // the first Params slots
	Results int
	Slots   int // integer variables and temporaries
	Ops     []Op
	Line    int // of its declaration, from 1
}

// Effect is what an operation asks of whoever runs the program.
type Effect struct {
	Kind EffectKind
	Site int32    // index into Program.Calls, for EffCall, EffSyscall, EffLibrary, EffDirector
	Args [8]int64 // evaluated arguments; buffers and strings are Addrs
}

// EffectKind tells how the runner goes on.
type EffectKind uint8

const (
	EffNone     EffectKind = iota // an ordinary operation: go on with the next one
	EffCall                       // call of an own function: push a Frame with Enter
	EffReturn                     // return: pop the Frame with Leave
	EffSyscall                    // a system call through its C library wrapper
	EffLibrary                    // compute, print, load, store, cli, hlt
	EffDirector                   // spawn, settle, wait_blocked, join
	EffExit                       // main returned: the thread ends
	EffFault                      // the program did something undefined; Memory.Fault says what
)

// Frame is one running function: plain data.
type Frame struct {
	Func, PC int32
	Slots    int32 // first slot in Memory.Slots
	Data     int32 // length of Memory.Data at entry, restored at return
}
