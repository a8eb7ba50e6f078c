package kernel

import (
	"fmt"
	"slices"

	"ringside/cpu"
	"ringside/nic"
)

// A card with advanced descriptors is an 82576, and its driver is igb. The driver's
// functions have other names there and write other registers, and do the same in
// the same order: drivers/net/ethernet/intel/igb/igb_main.c.

const fileIgb = "drivers/net/ethernet/intel/igb/igb_main.c"

var igbNames = map[cpu.CodeID]string{
	fnE1000Intr: "igb_msix_ring", fnE1000Poll: "igb_poll", fnE1000CleanRx: "igb_clean_rx_irq",
	fnE1000IntrMSI: "igb_intr_msi", fnE1000IntrPin: "igb_intr",
	fnE1000AllocRx: "igb_alloc_rx_buffers", fnE1000Xmit: "igb_xmit_frame", fnE1000CleanTx: "igb_clean_tx_irq",
}

// loadIgb puts igb's names into the text.
func (im *Image) loadIgb() {
	for fn, name := range igbNames {
		im.Text.Codes[fn].Name, im.Text.Codes[fn].File = name, fileIgb
	}
	if im.Config.NIC.Mode == nic.MSIX {
		poll := &im.Text.Codes[fnE1000Poll]
		poll.Steps = slices.Clone(poll.Steps)
		poll.Steps[len(poll.Steps)-1].Name = "interrupt on again (EIMS)"
	}
	for _, fn := range cardFns {
		im.Text.Codes[fn].File = "Intel 82576 datasheet"
	}
}

// irqName is the name of a vector's interrupt in /proc/interrupts (e1000e:
// e1000_request_msix, igb: igb_request_msix).
func (im *Image) irqName(vector int) string {
	switch {
	case im.Config.NIC.Advanced:
		return fmt.Sprint("eth0-TxRx-", vector)
	case vector == im.Config.NIC.Queues:
		return "eth0-tx-0"
	}
	return fmt.Sprint("eth0-rx-", vector)
}
