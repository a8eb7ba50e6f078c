package cpu

// Place is a general register that a core keeps. What it is called depends on
// the processor: the place of RAX is x0 on arm64.
type Place uint8

const (
	NoPlace Place = iota
	PlaceRAX
	PlaceRCX
	PlaceR11
	PlaceRDI
	PlaceRSI
	PlaceRDX
	PlaceR10
	PlaceR8
	PlaceR9
	PlaceCR3
	PlaceRBX
	PlaceRBP
)

// At is the register at a place.
func (r *Regs) At(p Place) *uint64 {
	switch p {
	case PlaceRAX:
		return &r.RAX
	case PlaceRCX:
		return &r.RCX
	case PlaceR11:
		return &r.R11
	case PlaceRDI:
		return &r.RDI
	case PlaceRSI:
		return &r.RSI
	case PlaceRDX:
		return &r.RDX
	case PlaceR10:
		return &r.R10
	case PlaceR8:
		return &r.R8
	case PlaceCR3:
		return &r.CR3
	case PlaceRBX:
		return &r.RBX
	case PlaceRBP:
		return &r.RBP
	}
	return &r.R9
}

// Load fills the registers of a convention with its arguments; those without a
// register are passed on the stack.
func (r *Regs) Load(places *[6]Place, args *[6]int64) {
	for i, p := range places {
		if p != NoPlace {
			*r.At(p) = uint64(args[i])
		}
	}
}

// Read gives the arguments back.
func (r *Regs) Read(places *[6]Place) (args [6]int64) {
	for i, p := range places {
		if p != NoPlace {
			args[i] = int64(*r.At(p))
		}
	}
	return args
}

// NamedPlace is a register under the name that a processor gives it.
type NamedPlace struct {
	Name string
	At   Place
}

// ABI is the agreement between programs and a kernel on one kind of processor:
// which register holds what, and which instruction is the door. Function calls
// follow the System V ABI for x86-64, AAPCS64 on Arm, and Microsoft's x64
// calling convention; system calls follow syscall(2) and the systems' own.
type ABI struct {
	Name   string
	Arm64  bool     // exceptions as on Arm, else as on x86-64
	Call   [6]Place // arguments of a function
	Args   [6]Place // arguments of a system call
	Number Place    // its number
	Imm    uint16   // immediate of the instruction, on Arm
	Gate   uint8    // vector of the gate that the door is, or 0: SYSCALL

	Door, Back                  string        // into the kernel and out of it
	User                        string        // the level that programs run at
	PC, SP, Status, Link, Saved string        // Link and Saved: where the door leaves PC and Status
	Base                        string        // where the processor finds the entry code
	Frame                       string        // what the kernel calls the saved registers
	General                     [8]NamedPlace // in the order of the screen: number or result first
}

// ABIs are all there are. The first is the default.
var ABIs = []ABI{
	{
		Name: "linux-amd64", Call: sysvCall, Args: syscallArgs, Number: PlaceRAX,
		Door: "syscall", Back: "sysretq", User: "ring 3",
		PC: "RIP", SP: "RSP", Status: "RFLAGS", Link: "RCX", Saved: "R11", Base: "LSTAR", Frame: "pt_regs", General: amd64Names,
	},
	{
		Name: "linux-arm64", Arm64: true, Call: aapcs64, Args: aapcs64, Number: PlaceRDI,
		Door: "svc #0", Back: "eret", User: "EL0",
		PC: "PC", SP: "SP", Status: "PSTATE", Link: "ELR_EL1", Saved: "SPSR_EL1", Base: "VBAR_EL1", Frame: "pt_regs", General: arm64Names("x8"),
	},
	{
		Name: "macos-arm64", Arm64: true, Call: aapcs64, Args: aapcs64, Number: PlaceRDI, Imm: 0x80,
		Door: "svc #0x80", Back: "eret", User: "EL0",
		PC: "PC", SP: "SP", Status: "PSTATE", Link: "ELR_EL1", Saved: "SPSR_EL1", Base: "VBAR_EL1", Frame: "arm_saved_state", General: arm64Names("x16"),
	},
	{
		Name: "windows-amd64", Call: [6]Place{PlaceRCX, PlaceRDX, PlaceR8, PlaceR9}, Args: [6]Place{PlaceR10, PlaceRDX, PlaceR8, PlaceR9}, Number: PlaceRAX,
		Door: "syscall", Back: "sysretq", User: "ring 3",
		PC: "RIP", SP: "RSP", Status: "RFLAGS", Link: "RCX", Saved: "R11", Base: "LSTAR", Frame: "KTRAP_FRAME",
		General: [8]NamedPlace{{"RAX", PlaceRAX}, {"R10", PlaceR10}, {"RCX", PlaceRCX}, {"RDX", PlaceRDX}, {"R8", PlaceR8}, {"R9", PlaceR9}, {"R11", PlaceR11}, {"RSI", PlaceRSI}},
	},
	{
		Name: "linux-amd64, int $0x80", Call: sysvCall, Args: int80Args, Number: PlaceRAX, Gate: 0x80,
		Door: "int $0x80", Back: "iretq", User: "ring 3",
		PC: "RIP", SP: "RSP", Status: "RFLAGS", Link: "a word pushed", Saved: "another", Base: "gate 80 of the IDT", Frame: "pt_regs",
		General: [8]NamedPlace{{"RAX", PlaceRAX}, {"RBX", PlaceRBX}, {"RCX", PlaceRCX}, {"RDX", PlaceRDX}, {"RSI", PlaceRSI}, {"RDI", PlaceRDI}, {"RBP", PlaceRBP}, {"R8", PlaceR8}},
	},
}

var (
	sysvCall    = [6]Place{PlaceRDI, PlaceRSI, PlaceRDX, PlaceRCX, PlaceR8, PlaceR9}
	syscallArgs = [6]Place{PlaceRDI, PlaceRSI, PlaceRDX, PlaceR10, PlaceR8, PlaceR9}
	int80Args   = [6]Place{PlaceRBX, PlaceRCX, PlaceRDX, PlaceRSI, PlaceRDI, PlaceRBP}
	aapcs64     = [6]Place{PlaceRAX, PlaceRSI, PlaceRDX, PlaceR10, PlaceR8, PlaceR9}
	amd64Names  = [8]NamedPlace{{"RAX", PlaceRAX}, {"RDI", PlaceRDI}, {"RSI", PlaceRSI}, {"RDX", PlaceRDX}, {"R10", PlaceR10}, {"R8", PlaceR8}, {"R9", PlaceR9}, {"RCX", PlaceRCX}}
)

// arm64Names are the registers of an Arm system call; number is the one that
// holds its number.
func arm64Names(number string) [8]NamedPlace {
	return [8]NamedPlace{{number, PlaceRDI}, {"x0", PlaceRAX}, {"x1", PlaceRSI}, {"x2", PlaceRDX}, {"x3", PlaceR10}, {"x4", PlaceR8}, {"x5", PlaceR9}, {"TTBR0", PlaceCR3}}
}

// HasPtRegs tells whether the kernel saves registers as Linux does on x86-64: the
// words of a gate, orig_ax, and fifteen general registers.
func (a *ABI) HasPtRegs() bool { return !a.Arm64 && a.Frame == "pt_regs" }

// ABIOf finds an ABI by its name, or gives nil.
func ABIOf(name string) *ABI {
	for i := range ABIs {
		if ABIs[i].Name == name {
			return &ABIs[i]
		}
	}
	return nil
}
