package zone

import (
	"bytes"
	"net/netip"
	"testing"

	"dnsbld/listing"

	"github.com/miekg/dns"
	"pgregory.net/rapid"
)

func readName(t rapid.TB, text string) *name {
	t.Helper()
	buf := make([]byte, maxName)
	end, err := dns.PackDomainName(text, buf, 0, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	n := new(name)
	if _, ok := n.read(buf[:end], 0); !ok {
		t.Fatalf("%s cannot be read", text)
	}
	return n
}

// The name of an address reads back as the address under which it is listed.
func TestReversed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "octets")
		space := rapid.SampledFrom([]string{"v4", "v6", "mapped", "6to4"}).Draw(t, "space")
		a := netip.AddrFrom16([16]byte(b))
		switch space {
		case "v4":
			a = netip.AddrFrom4([4]byte(b))
		case "mapped":
			a = netip.AddrFrom16(netip.AddrFrom4([4]byte(b)).As16())
		case "6to4":
			copy(b, []byte{0x20, 0x02})
			a = netip.AddrFrom16([16]byte(b))
		}
		n := readName(t, reversed(a, "bl.test."))
		got, ok := n.address(n.labels - 2)
		if !ok || got != listing.Canonical(a) {
			t.Fatalf("%s: %s, %v", n.text(), got, ok)
		}
	})
}

func TestEmbedded(t *testing.T) {
	for in, want := range map[string][2]string{
		"::/4":                   {"0.0.0.0/0", ""},
		"::/80":                  {"0.0.0.0/0", ""},
		"::ffff:0:0/96":          {"0.0.0.0/0", ""},
		"::ffff:c000:0/100":      {"192.0.0.0/4", ""},
		"::ffff:c000:200/120":    {"192.0.2.0/24", ""},
		"2000::/4":               {"", "0.0.0.0/0"},
		"2002::/16":              {"", "0.0.0.0/0"},
		"2002:c000::/24":         {"", "192.0.0.0/8"},
		"2002:c000:207::/48":     {"", "192.0.2.7/32"},
		"2002:c000:207:f00::/60": {"", "192.0.2.7/32"},
		"2001:db8::/32":          {"", ""},
		"::fffe:0:0/96":          {"", ""},
	} {
		for n, space := range embedding {
			got, ok := embedded(netip.MustParsePrefix(in), space)
			if ok != (want[n] != "") || (ok && got.String() != want[n]) {
				t.Errorf("%s in %s: %s, %v, want %q", in, space, got, ok, want[n])
			}
		}
	}
}

// A name longer than the protocol allows is not read, however it is packed.
func TestNameLimits(t *testing.T) {
	label := append([]byte{63}, make([]byte, 63)...)
	var long []byte
	for range 3 {
		long = append(long, label...)
	}
	fits := append(append(long, label[1:63]...), 0)
	fits[192] = 61
	n := new(name)
	if end, ok := n.read(fits, 0); !ok || end != maxName || n.labels != 4 {
		t.Errorf("255 octets: %d, %v", end, ok)
	}
	if end, ok := skipName(fits, 0); !ok || end != maxName {
		t.Errorf("255 octets: %d, %v", end, ok)
	}
	over := append(append(long, label...), 0)
	if _, ok := n.read(over, 0); ok {
		t.Error("257 octets")
	}
	for _, raw := range [][]byte{{}, {1}, {1, 'a'}, {0xc0}, {0x40, 0}, {0x80, 0}} {
		if _, ok := n.read(raw, 0); ok {
			t.Errorf("read %x", raw)
		}
		if _, ok := skipName(raw, 0); ok {
			t.Errorf("skipped %x", raw)
		}
	}
	for _, size := range []byte{0x40, 0x80, 0xc0} { // no lengths, whatever follows: pointers are not for questions
		if _, ok := n.read(append([]byte{size}, make([]byte, maxName)...), 0); ok {
			t.Errorf("read a label of %d octets", size)
		}
	}
}

// Every octet of a label comes out as DNS compares it (RFC 4343), and the
// lengths of labels as they are.
func TestNameInLowerCase(t *testing.T) {
	for size := 1; size <= maxLabel; size++ {
		for first := range 256 {
			raw := []byte{byte(size)}
			for i := range size {
				raw = append(raw, byte(first+i))
			}
			raw = append(raw, 3, 'B', 'l', 'Z', 0)
			want := bytes.Clone(raw)
			for i, c := range want {
				if 'A' <= c && c <= 'Z' && i > 0 && i != size+1 {
					want[i] = c + 'a' - 'A'
				}
			}
			n := new(name)
			if end, ok := n.read(raw, 0); !ok || end != len(raw) {
				t.Fatalf("% x is no name", raw)
			}
			if got := n.from(0); !bytes.Equal(got, want) {
				t.Fatalf("% x\nbecomes % x\nwant    % x", raw, got, want)
			}
		}
	}
}
