package scenarios

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringside/cpu"
	"ringside/kernel"
	"ringside/kernel/program"
	"ringside/nic"
	"ringside/scenarios/lanes"
)

// TestTheCourseRunsAlikeOnArm64: a program's system calls and their answers do
// not depend on the processor. The kernel's work takes a little more or less
// time there, but no scenario of the course depends on that.
func TestTheCourseRunsAlikeOnArm64(t *testing.T) { runsAlike(t, program.LinuxARM64) }

// TestTheCourseRunsAlikeThroughInt80: nor on the door, where the addresses are
// below 4 GiB.
func TestTheCourseRunsAlikeThroughInt80(t *testing.T) { runsAlike(t, program.LinuxInt80) }

// TestTheCourseRunsAlikeBehindAnIOMMU: programs do not notice it, and the kernel maps
// whatever the card needs, on its way out too.
func TestTheCourseRunsAlikeBehindAnIOMMU(t *testing.T) {
	for _, name := range Builtin() {
		t.Run(name, func(t *testing.T) {
			s, err := Open(name)
			if err != nil {
				t.Fatal(err)
			}
			plain, _ := s.Config()
			if n := &plain.NIC; cpu.ABIs[plain.ABI].Arm64 || n.Advanced || n.PCIe || n.IOMMU || plain.UIO || plain.Stop > 0 {
				t.Skip("not with an IOMMU, or it ends at a time")
			}
			remapped := *plain
			remapped.NIC.IOMMU = true
			if diff := cmp.Diff(straceOf(t, plain).Threads, straceOf(t, &remapped).Threads); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func runsAlike(t *testing.T, abi program.ABI) {
	for _, name := range Builtin() {
		t.Run(name, func(t *testing.T) {
			s, err := Open(name)
			if err != nil {
				t.Fatal(err)
			}
			amd64, _ := s.Config()
			if amd64.ABI != program.LinuxAMD64 {
				t.Skip("made for", amd64.ABI)
			}
			if cpu.ABIs[abi].Arm64 && (amd64.NIC.Mode != nic.MSIX || amd64.IRQChip != kernel.ChipIOAPIC || amd64.USB.Every > 0) {
				t.Skip("its interrupts are a PC's")
			}
			want, got := straceOf(t, amd64), straceOf(t, rebuild(t, amd64, abi))
			if amd64.Stop > 0 { // where it cuts a run depends on the time that each step takes
				for name, lines := range want.Threads {
					n := max(0, min(len(lines), len(got.Threads[name]))-1)
					want.Threads[name], got.Threads[name] = lines[:n], got.Threads[name][:n]
				}
			}
			if diff := cmp.Diff(want.Threads, got.Threads); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// rebuild compiles a scenario's programs for another system.
func rebuild(t *testing.T, cfg *kernel.Config, abi program.ABI) *kernel.Config {
	t.Helper()
	out := *cfg
	out.ABI, out.Threads = abi, slices.Clone(cfg.Threads)
	env := program.Env{Shared: cfg.Shared, ABI: abi}
	for i := range out.Threads {
		env.Threads = append(env.Threads, out.Threads[i].Name)
	}
	for i := range out.Threads {
		env.Self = i
		p, err := program.Compile(out.Threads[i].Program.Source, env)
		if err != nil {
			t.Fatal(err)
		}
		if err := abi.Check(p); err != nil {
			t.Skip(err)
		}
		if abi == program.LinuxInt80 && strings.Contains(p.Source, "HEAP") {
			t.Skip("the heap is above 4 GiB")
		}
		out.Threads[i].Program = p
	}
	return &out
}

func straceOf(t *testing.T, cfg *kernel.Config) *lanes.Lane {
	t.Helper()
	lane, _, err := lanes.Model(cfg, lanes.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return lane
}
