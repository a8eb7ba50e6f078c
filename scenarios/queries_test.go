package scenarios

import (
	"bytes"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/gopacket/gopacket/layers"

	"ringside/nic"
)

var update = flag.Bool("update", false, "rewrite the golden files and the embedded capture file")

// queries is the embedded capture file: some queries to a name server, as its
// machine's tcpdump saw them, with what else was on the wire.
func queries(t *testing.T) []byte {
	t.Helper()
	const us = time.Microsecond
	server, client, other := "192.168.1.5:5353", "192.168.1.20:40001", "192.168.1.21:40002"
	arp := append(append(bytes.Repeat([]byte{0xff}, 6), peerMAC[:]...), 0x08, 0x06)
	syn := edited(udp(t, other, "192.168.1.5:22", "a segment of another connection"), nic.EthHeader+9, nic.ProtoTCP)
	return pcapngFile(t, layers.LinkTypeEthernet,
		recorded{0, append(arp, make([]byte, 46)...)},
		recorded{40 * us, udp(t, client, server, "query 1: www.example.org")},
		recorded{95 * us, udp(t, server, client, "answer 1: 192.0.2.1")},
		recorded{150 * us, udp(t, other, server, "query 2: ftp.example.org")},
		recorded{151 * us, syn},
		recorded{152 * us, udp(t, client, server, "query 3: mail.example.org")},
		recorded{180 * us, udp(t, other, "192.168.1.5:9", "nobody has this port")},
		recorded{210 * us, udp(t, client, "224.0.0.251:5353", "multicast")},
		recorded{400 * us, udp(t, other, server, "query 4: example.net")},
		recorded{405 * us, udp(t, client, server, "query 5: example.com")},
	)
}

// TestTheEmbeddedCaptureFile is what the helper above makes.
func TestTheEmbeddedCaptureFile(t *testing.T) {
	golden(t, "course/queries.pcapng", queries(t))
}

// golden holds something against a file, and rewrites that with -update.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s (go test ./scenarios -update rewrites it) is not\n%s", path, got)
	}
}
