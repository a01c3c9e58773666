package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func plainFile(t *testing.T, d *dataset) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "list")
	if err := d.writePlain(path); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The list of a seed is a promise: figures of different days are about the same data.
func TestDatasetFollowsFromItsSeed(t *testing.T) {
	sum := sha256.Sum256([]byte(plainFile(t, newDataset(1, 10000, 24))))
	const want = "1a038c790d904398"
	if got := hex.EncodeToString(sum[:8]); got != want {
		t.Errorf("seed 1, 10,000 hosts: digest %s, want %s", got, want)
	}
	if plainFile(t, newDataset(2, 10000, 24)) == plainFile(t, newDataset(1, 10000, 24)) {
		t.Error("seeds 1 and 2 give the same list")
	}
}

func TestDatasetIsSortedDisjointAndOfItsSize(t *testing.T) {
	for _, widest := range []int{24, 16} {
		d := newDataset(3, 20000, widest)
		if len(d.hosts) != 20000 || len(d.spans) != 200 || len(d.v6) != 200 {
			t.Fatalf("widest %d: %d hosts, %d spans, %d IPv6", widest, len(d.hosts), len(d.spans), len(d.v6))
		}
		var prefixes []netip.Prefix
		for _, s := range d.spans {
			if s.prefix() != s.prefix().Masked() {
				t.Errorf("%s has bits beyond its length", s.prefix())
			}
			prefixes = append(prefixes, s.prefix())
		}
		for _, h := range d.hosts {
			prefixes = append(prefixes, netip.PrefixFrom(addr4(h), 32))
		}
		slices.SortFunc(prefixes, netip.Prefix.Compare)
		for i := 1; i < len(prefixes); i++ {
			if prefixes[i-1].Overlaps(prefixes[i]) {
				t.Errorf("widest %d: %s and %s overlap", widest, prefixes[i-1], prefixes[i])
			}
		}
	}
}

func TestWidestLetsSixteensIn(t *testing.T) {
	sixteens := func(d *dataset) (n int) {
		for _, s := range d.spans {
			if s.bits == 16 {
				n++
			}
		}
		return n
	}
	if n := sixteens(newDataset(1, 20000, 24)); n != 0 {
		t.Errorf("widest 24: %d /16s", n)
	}
	if n := sixteens(newDataset(1, 20000, 16)); n != 200/16 {
		t.Errorf("widest 16: %d /16s", n)
	}
}

func TestDatasetIsClustered(t *testing.T) {
	d := newDataset(1, 20000, 24)
	nets := map[uint32]bool{}
	for _, h := range d.hosts {
		nets[h>>8] = true
	}
	if len(nets) > len(d.hosts)/2 {
		t.Errorf("%d hosts lie in %d /24s", len(d.hosts), len(nets))
	}
}

func TestDatasetLeavesSpecialAddressesOut(t *testing.T) {
	d := newDataset(1, 20000, 24)
	for _, h := range d.hosts {
		if a := addr4(h); a.IsPrivate() || a.IsLoopback() || a.IsMulticast() || h>>24 < 10 {
			t.Errorf("%s is listed", a)
		}
	}
}

func TestChurnReplacesOneInAHundred(t *testing.T) {
	d := newDataset(1, 20000, 24)
	c := d.churned(1)
	kept := 0
	for _, h := range c.hosts {
		if _, ok := slices.BinarySearch(d.hosts, h); ok {
			kept++
		}
	}
	// A host that left may be drawn again, rarely.
	if len(c.hosts) != 20000 || kept < 19800 || kept > 19810 || !slices.IsSorted(c.hosts) {
		t.Errorf("%d hosts, %d of them old", len(c.hosts), kept)
	}
}

func TestListed(t *testing.T) {
	d := &dataset{
		hosts: []uint32{0xc0000207, 0xc0000209},
		spans: []span{{0xc6330000, 16}, {0xcb007100, 24}},
	}
	for text, want := range map[string]bool{
		"192.0.2.7": true, "192.0.2.8": false, "192.0.2.9": true, "0.0.0.0": false, "255.255.255.255": false,
		"198.50.255.255": false, "198.51.0.0": true, "198.51.255.255": true, "198.52.0.0": false,
		"203.0.113.0": true, "203.0.113.255": true, "203.0.114.0": false,
	} {
		b := netip.MustParseAddr(text).As4()
		if got := d.listed4(uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])); got != want {
			t.Errorf("listed4(%s) = %v", text, got)
		}
	}
}

func tinyDataset() *dataset {
	return &dataset{
		hosts: []uint32{0xc0000207},
		spans: []span{{0xc6330000, 16}, {0xcb007100, 24}},
		v6:    []netip.Prefix{netip.MustParsePrefix("2001:db8::1/128"), netip.MustParsePrefix("2001:db8:1:2::/64")},
	}
}

func TestZoneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "zone")
	if err := tinyDataset().writeZone(path, "bl.test"); err != nil {
		t.Fatal(err)
	}
	const want = `$ORIGIN bl.test.
$TTL 300
@ SOA ns hostmaster 1 600 300 86400 300
@ NS ns
ns A 192.0.2.53
7.2.0.192 A 127.0.0.23
 TXT "Listed, see http://bl.test/?192.0.2.7"
*.51.198 A 127.0.0.23
 TXT "Listed, see http://bl.test/?198.51.0.0/16"
*.113.0.203 A 127.0.0.23
 TXT "Listed, see http://bl.test/?203.0.113.0/24"
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2 A 127.0.0.23
 TXT "Listed, see http://bl.test/?2001:db8::1/128"
*.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2 A 127.0.0.23
 TXT "Listed, see http://bl.test/?2001:db8:1:2::/64"
`
	if got := readFile(t, path); got != want {
		t.Errorf("zone file:\n%s\nwant:\n%s", got, want)
	}
}

func TestRbldnsdFiles(t *testing.T) {
	dir, d := t.TempDir(), tinyDataset()
	trie, tset, six := filepath.Join(dir, "trie"), filepath.Join(dir, "tset"), filepath.Join(dir, "six")
	for _, err := range []error{d.writeRbldnsd4(trie, "bl.test", true), d.writeRbldnsd4(tset, "bl.test", false), d.writeRbldnsd6(six)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		trie: "192.0.2.7\n198.51.0.0/16\n203.0.113.0/24\n",
		tset: "192.0.2.7\n",
		six:  "2001:db8::1/128\n2001:db8:1:2::/64\n",
	} {
		_, data, _ := strings.Cut(readFile(t, path), "?$\n")
		if data != want {
			t.Errorf("%s:\n%s\nwant:\n%s", filepath.Base(path), data, want)
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Each list has its size, and what is listed or not is told by it.
func TestOtherLists(t *testing.T) {
	nets, texts := newList(listNets, 1, 5000, 24), newList(listTexts, 1, 5000, 24)
	if len(nets.hosts) != 5 || len(nets.spans) < 4990 || len(nets.v6) < 4990 || len(texts.hosts) != 5000 || len(texts.spans)+len(texts.v6) != 0 {
		t.Fatalf("%d hosts, %d spans, %d IPv6; %d hosts with texts", len(nets.hosts), len(nets.spans), len(nets.v6), len(texts.hosts))
	}
	for _, d := range []*dataset{nets, texts} {
		for _, c := range []candidate{rbldnsdTrie(), nsdServer()} {
			p := newPool(d, 1, "bl.test", 4000, d.coverable(c))
			for i, q := range p.queries {
				if a := askedAddr(t, p.packet(i)); d.lists(a) != (q.want&wantListed != 0) {
					t.Fatalf("%s: %s listed: %v", c.name, a, d.lists(a))
				} else if c.master && d.nets && a.Is4() && q.want&wantListed != 0 && !slices.Contains(d.hosts, binary.BigEndian.Uint32(a.AsSlice())) {
					t.Fatalf("%s is asked for %s, which its zone file has not", c.name, a)
				}
			}
		}
	}
	path := filepath.Join(t.TempDir(), "texts")
	if err := texts.writeRbldnsd4(path, "bl.test", true); err != nil {
		t.Fatal(err)
	}
	raw, _ := os.ReadFile(path)
	if n := strings.Count(string(raw), " :127.0.0.23:Listed, see http://bl.test/?session "); n != 5000 {
		t.Errorf("%d texts in\n%.300s", n, raw)
	}
	if next := nets.churned(1); len(next.spans) < 4990 || slices.Equal(next.spans, nets.spans) || len(next.v6) < 4990 {
		t.Error("one prefix in a hundred is not replaced")
	}
}
