package kernel

import (
	"fmt"
	"strconv"

	"ringside/cpu"
	"ringside/kernel/program"
)

// The door between a program and the kernel, as the machine's ABI has it: which
// registers are filled, which instruction knocks, and what a number means.

// fillSysCalls makes sys_call_table by the ABI's numbers.
func (im *Image) fillSysCalls() {
	for i := range im.sysNR {
		im.sysNR[i] = None
	}
	for linux, fn := range sysCallTable {
		if nr, ok := im.Config.ABI.Number(int64(linux)); ok {
			im.sysCalls[nr], im.sysNR[nr], im.numbers[linux] = fn, int16(linux), int16(nr)
		}
	}
}

// sysCall finds the function of a number, and its number on linux-amd64, which
// names the call everywhere else in the model.
func (m *Machine) sysCall(t *Task, nr uint64) (int32, cpu.CodeID) {
	switch {
	case nr < uint64(len(m.sysCalls)) && m.sysCalls[nr] != fnNone:
		return int32(m.sysNR[nr]), m.sysCalls[nr]
	case m.Config.ABI == program.LinuxAMD64:
		return int32(nr), fnSysNi
	case nr < neverUsed:
		m.giveUp(fmt.Sprintf("%s: number %d is a system call of %s that the model does not have", t.Name, nr, m.ABI.Name))
	}
	return None, fnSysNi
}

// neverUsed is above the numbers of all system calls that there are.
const neverUsed = 600

// numberText names a call under the number that the program has used; nr is that
// of linux-amd64.
func (im *Image) numberText(nr int64) string {
	number := "?"
	if nr != None {
		number = strconv.FormatInt(int64(im.numbers[nr]), 10)
	}
	return im.ABI.General[0].Name + "=" + number + " " + SysName(nr)
}

// door is the instruction by which a program enters the kernel.
func (m *Machine) door(c *cpu.Core) {
	entry := m.Text.LSTAR
	if m.ABI.Arm64 {
		c.Svc(entry, m.Text.Codes[entry].Base, m.ABI.Imm)
		return
	}
	if m.ABI.Gate != 0 {
		c.Int(m.ABI.Gate)
		return
	}
	c.Syscall(entry, m.Text.Codes[entry].Base)
}

// abiRows are the rows that take the place of linux-amd64's, in this order.
var abiRows = [...][]text{
	program.LinuxARM64: {arm64Rows}, program.MacosARM64: {arm64Rows, xnuRows}, program.WindowsAMD64: {windowsRows}, program.LinuxInt80: nil,
}

// abiText makes the table of functions that of the ABI.
func (im *Image) abiText(codes []code) {
	for _, rows := range abiRows[im.Config.ABI] {
		for id, c := range rows {
			c.Base = codes[id].Base
			codes[id] = c
		}
	}
	if im.ABI.Gate != 0 {
		compatTable(codes)
	}
	if im.ABI.Arm64 {
		armTable(codes)
		w := im.stub("exit")
		w.Base = codes[fnSyscallWrapper].Base
		codes[fnSyscallWrapper] = w
	}
}
