package conformance

import (
	"testing"

	"ringside/kernel/program"
	"ringside/scenarios/lanes"
)

func TestModelConforms(t *testing.T) {
	for _, c := range mustCases(t) {
		t.Run(c.ID, func(t *testing.T) { conforms(t, &c, program.LinuxAMD64) })
		t.Run(c.ID+"-int80", func(t *testing.T) { conforms(t, &c, program.LinuxInt80) })
		if c.ID == "L25" {
			continue // arm64 has no epoll_create: glibc refuses epoll_create(0) itself, without a call
		}
		t.Run(c.ID+"-arm64", func(t *testing.T) { conforms(t, &c, program.LinuxARM64) })
	}
}

func conforms(t *testing.T, c *Case, abi program.ABI) {
	cfg, err := c.Config()
	if err != nil {
		t.Fatal(err)
	}
	cfg.ABI = abi
	l, _, err := lanes.Model(cfg, lanes.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	check(t, c, l)
}
