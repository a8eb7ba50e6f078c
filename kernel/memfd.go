package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// Files in memory: mm/memfd.c, mm/shmem.c. A memfd is what a file on a disk is to
// a program: reads and writes go on from the file's position and never wait, so
// there is no poll operation, and epoll takes no such file.

const fileShmem = "mm/shmem.c"

// Flags of memfd_create.
const (
	mfdCloexec      = 1
	mfdAllowSealing = 2
	mfdHugetlb      = 4
	mfdNoexecSeal   = 8
	mfdExec         = 16

	memfdNameMax = 249 // MFD_NAME_MAX_LEN
)

var memfdText = text{
	fnSysMemfdCreate: oneStep("__x64_sys_memfd_create", "mm/memfd.c", "make the file and its descriptor", costSocket, (*Machine).sysMemfdCreate,
		"Makes a file without a name, in memory.", "It behaves as a regular file, and is gone with its last descriptor."),
	fnShmemRead: oneStep("shmem_file_read_iter", fileShmem, "copy from the page cache", costCopy, (*Machine).shmemRead,
		"Copies from the file's position on.", "At the end there is nothing to wait for: 0 bytes."),
	fnShmemWrite: oneStep("shmem_file_write_iter", fileShmem, "copy to the page cache", costCopy, (*Machine).shmemWrite,
		"Copies to the file's position, or with O_APPEND to its end.", "The file grows as it must."),
	fnShmemRelease: oneStep("shmem_evict_inode", fileShmem, "free the pages", costFn, (*Machine).shmemRelease,
		"The last descriptor is gone, and the file with it.", "It has no other name."),
}

func (m *Machine) sysMemfdCreate(c *cpu.Core, r *sim.Record) {
	name, flags := m.userString(c, c.Frame().L[0]), uint32(c.Frame().L[1])
	switch {
	case flags&^(mfdCloexec|mfdAllowSealing|mfdHugetlb|mfdNoexecSeal|mfdExec) != 0,
		flags&(mfdNoexecSeal|mfdExec) == mfdNoexecSeal|mfdExec, len(name) > memfdNameMax:
		c.Return(-EINVAL)
	case flags&mfdHugetlb != 0:
		m.giveUp("memfd_create is not modelled with MFD_HUGETLB")
	default:
		c.Return(m.installFile(c, r, m.newFile(FileMemFD, m.newBuf(0), oRdwr|oLargefile)))
	}
}

func (m *Machine) shmemRead(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	f := &m.Files[l[0]]
	data := m.Bufs[f.Obj][f.Pos:]
	data = data[:min(int64(len(data)), l[2])]
	if !m.reach(c, l[1], int64(len(data)), toWrite) {
		return
	}
	if !m.copyToUser(c, l[1], data) {
		c.Return(-EFAULT)
		return
	}
	f.Pos += int64(len(data))
	r.Arg[0] = int64(len(data))
	c.Return(int64(len(data)))
}

// shmemWrite copies a page at a time. The position is never beyond the end:
// nothing moves it but reads and writes.
func (m *Machine) shmemWrite(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	f := &m.Files[l[0]]
	if !m.reach(c, l[1], l[2], toRead) {
		return
	}
	if f.Flags&oAppend != 0 && l[2] > 0 {
		f.Pos = int64(len(m.Bufs[f.Obj]))
	}
	done := int64(0)
	for done < l[2] {
		var page [pageSize]byte
		data := page[:min(l[2]-done, pageSize)]
		if !m.copyFromUser(c, data, l[1]+done) {
			if done == 0 {
				done = -EFAULT
			}
			break
		}
		n := copy(m.Bufs[f.Obj][f.Pos:], data)
		m.Bufs[f.Obj] = append(m.Bufs[f.Obj], data[n:]...)
		f.Pos += int64(len(data))
		done += int64(len(data))
	}
	r.Arg[0] = done
	c.Return(done)
}

func (m *Machine) shmemRelease(c *cpu.Core, r *sim.Record) {
	m.freeBuf(m.Files[c.Frame().L[0]].Obj)
	c.Return(0)
}
