package scenarios

import (
	"encoding/hex"
	"fmt"
	"net"
	"slices"

	"ringside/cpu"
	"ringside/kernel"
	"ringside/nic"
	"ringside/sim"
)

// card checks machine.nic and makes the card's configuration of it.
func (d *decoder) card(c *card) nic.Config {
	mode := nic.Mode(slices.Index(nic.Modes[:], c.IRQ))
	if c.Ring&(c.Ring-1) != 0 {
		d.failAt("machine.nic.ring", "machine.nic.ring: %d is not a power of two", c.Ring)
	}
	d.within("machine.nic.fifo", int(c.FIFO), 2048, 16<<20)
	d.within("machine.nic.rx_usecs", int(c.RxUsecs), 0, 1_000_000_000)
	_, given := d.at["machine.nic.irq_cpu"]
	switch {
	case len(c.IRQCPU) > c.Queues:
		d.failAt("machine.nic.irq_cpu", "machine.nic.irq_cpu: more cores than queues")
	case given && len(c.IRQCPU) < c.Queues:
		d.failAt("machine.nic.irq_cpu", "machine.nic.irq_cpu: %d cores for %d queues: name one for each", len(c.IRQCPU), c.Queues)
	}
	cfg := nic.DefaultConfig()
	cfg.Mode = mode
	cfg.Ring, cfg.FIFO, cfg.RxUsecs, cfg.RxFrames = c.Ring, int(c.FIFO), sim.Time(c.RxUsecs), c.RxFrames
	cfg.SetQueues(c.Queues)
	d.descriptors(c, &cfg)
	d.rss(c, &cfg.RSS)
	if c.AdaptiveRx && (cfg.Advanced || c.RxUsecs > 0) {
		d.failAt("machine.nic.adaptive_rx", "machine.nic.adaptive_rx: with legacy descriptors only, and without rx_usecs; igb's own rules are not modelled")
	}
	cfg.AdaptiveRx, cfg.PCIe = c.AdaptiveRx, c.PCIe
	cfg.Promiscuous = c.Promiscuous
	var groups [][6]byte
	for i, text := range c.Multicast {
		path := fmt.Sprintf("machine.nic.multicast[%d]", i)
		g := d.mac(path, text)
		if g[0]&1 == 0 {
			d.failAt(path, "%s: %s is the address of one station: a group's first byte is odd", path, text)
		}
		groups = append(groups, g)
	}
	cfg.MTA = nic.MulticastTable(groups)
	return cfg
}

// driver checks that programs take packets from the ring if the card is theirs,
// and only then.
func (d *decoder) driver(f *file, cfg *kernel.Config) {
	cfg.UIO = f.Machine.NIC.Driver == "uio"
	if cfg.UIO && (f.Live.Run == nil || *f.Live.Run) {
		d.failAt("machine.nic.driver", "machine.nic.driver: uio needs live: {run: false, why: ...}: the real lane has no card to give away")
	}
	for i := range cfg.Threads {
		for _, call := range cfg.Threads[i].Program.Calls {
			if call.Spec != nil && call.Spec.Name == "rx_burst" && !cfg.UIO {
				d.failAt(fmt.Sprintf("threads[%d].program", i), "rx_burst: the card is the kernel's; machine.nic: {driver: uio} gives it to programs")
			}
		}
	}
}

// descriptors reads which kind they are.
func (d *decoder) descriptors(c *card, cfg *nic.Config) {
	const path = "machine.nic.descriptors"
	switch {
	case c.Descriptors == "":
	case c.Descriptors == "advanced":
		cfg.Advanced, cfg.RSS.Enabled = true, true
	case c.Queues > 1:
		d.failAt(path, "%s: legacy descriptors have no room for a hash: %d queues need advanced ones", path, c.Queues)
	}
}

// rss reads how packets are spread over the queues.
func (d *decoder) rss(c *card, out *nic.RSS) {
	const base = "machine.nic.rss"
	if _, given := d.at[base]; given && !out.Enabled {
		d.failAt(base, "%s: legacy descriptors have no room for a hash: it needs descriptors: advanced", base)
	}
	if c.RSS.Key != "" {
		key, err := hex.DecodeString(c.RSS.Key)
		if err != nil || len(key) != nic.KeyLen {
			d.failAt(base+".key", "%s.key: a key is %d bytes, written as %d hexadecimal digits", base, nic.KeyLen, 2*nic.KeyLen)
		}
		out.Key = [nic.KeyLen]byte(key)
	}
	for i, queue := range c.RSS.Indirection {
		d.within(fmt.Sprintf("%s.indirection[%d]", base, i), queue, 0, c.Queues-1)
	}
	if n := len(c.RSS.Indirection); n > 0 {
		for i := range out.Table {
			out.Table[i] = byte(c.RSS.Indirection[i%n])
		}
	}
	out.UDP = c.RSS.UDP4 == "sdfn"
}

// mac reads a hardware address.
func (d *decoder) mac(path, s string) [6]byte {
	a, err := net.ParseMAC(s)
	if err != nil || len(a) != 6 {
		d.failAt(path, "%s: %q is not a hardware address: write it like \"02:00:00:00:00:09\"", path, s)
	}
	return [6]byte(a)
}

// onTheWire reads what of an entry is about its frame.
func (d *decoder) onTheWire(base string, p *packet, fl *flow, out *kernel.Packets) {
	if fl.MAC != "" {
		out.MAC = d.mac("flows."+p.Flow+".mac", fl.MAC)
	}
	out.BadFCS, out.BadCsum = p.FCS != "", p.Csum != ""
	switch {
	case fl.Proto == "tcp" && (out.BadFCS || out.BadCsum || fl.MAC != ""):
		d.failAt(base, "%s: mac, fcs and csum are for UDP flows: that remote hosts send a lost TCP segment again is not modelled", base)
	case out.BadCsum && len(out.Payload) > csumBreak:
		d.failAt(base+".csum", "%s.csum: %d bytes of data; a wrong checksum of more than %d is found late, in recvmsg, which is not modelled", base, len(out.Payload), csumBreak)
	}
}

// csumBreak is how much data a datagram may have whose checksum the stack checks
// at once (CHECKSUM_BREAK, with the UDP header).
const csumBreak = 76 - nic.UDPHeader

// iommu refuses what an IOMMU is not modelled with.
func (d *decoder) iommu(f *file, cfg *kernel.Config) {
	m := &f.Machine
	if _, given := d.at["machine.nic.stray_dma"]; given {
		d.within("machine.nic.stray_dma", m.NIC.StrayDMA, 1, maxCount)
		if !m.IOMMU {
			d.failAt("machine.nic.stray_dma", "machine.nic.stray_dma: needs machine.iommu: true; what the write does where nothing blocks it is not modelled")
		}
	}
	cfg.NIC.IOMMU, cfg.NIC.Stray = m.IOMMU, m.NIC.StrayDMA
	switch {
	case !m.IOMMU:
	case cpu.ABIs[cfg.ABI].Arm64:
		d.failAt("machine.iommu", "machine.iommu: it is Intel's; that of Arm machines, the SMMU, is not modelled")
	case cfg.NIC.Advanced:
		d.failAt("machine.iommu", "machine.iommu: with legacy descriptors only: igb maps its pages once and keeps them, which is not modelled")
	case cfg.NIC.PCIe:
		d.failAt("machine.iommu", "machine.iommu: not with nic.pcie: each packet on the bus would be translated, and is not")
	case m.NIC.Driver == "uio":
		d.failAt("machine.iommu", "machine.iommu: not with nic.driver uio: its mappings are made by vfio")
	}
}

// affinity reads the moves of interrupts.
func (d *decoder) affinity(f *file, cfg *kernel.Config) {
	const path = "machine.nic.irq_affinity"
	moves := f.Machine.NIC.Affinity
	switch {
	case len(moves) == 0:
		return
	case cfg.NIC.Mode != nic.MSIX:
		d.failAt(path, "%s: only msi-x can keep one interrupt back while its message is changed", path)
	case cpu.ABIs[cfg.ABI].Arm64:
		d.failAt(path, "%s: on Arm the message stays and the ITS's table changes, which is not modelled", path)
	}
	var last Duration
	for i, m := range moves {
		at := fmt.Sprintf("%s[%d]", path, i)
		d.within(at+".queue", m.Queue, 0, f.Machine.NIC.Queues-1)
		d.within(at+".cpu", m.CPU, 0, f.Machine.CPUs-1)
		if m.At < last {
			d.failAt(at+".at", "%s.at: it is before the move above it", at)
		}
		last = m.At
		cfg.Affinity = append(cfg.Affinity, kernel.Affinity{At: sim.Time(m.At), Queue: m.Queue, CPU: m.CPU})
	}
}
