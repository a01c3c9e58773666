package zone

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"dnsbld/listing"
)

// exported is a zone's master file.
func exported(t testing.TB, b *bench, zone string) string {
	t.Helper()
	var file bytes.Buffer
	if err := b.server.WriteZone(&file, zone, b.live.Set()); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

// parsed are the records of a master file, in order of their text.
func parsed(t testing.TB, file string) (all []string) {
	t.Helper()
	p := dns.NewZoneParser(strings.NewReader(file), "", "")
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		all = append(all, rr.String())
	}
	if p.Err() != nil {
		t.Fatalf("%v\n%s", p.Err(), file)
	}
	slices.Sort(all)
	return all
}

// A zone's file has what a transfer of it has, record by record.
func TestWriteZoneLikeTransfer(t *testing.T) {
	c := transferConfig(t)
	c.Zones = append(c.Zones, Zone{Name: "catalog.test", Catalog: true, TransferKey: "secondaries.bl.test"},
		Zone{Name: "5.19.198.bl.test", NS: []NameServer{{Name: "ns.5.19.198.bl.test"}}, TransferKey: "secondaries.bl.test"})
	c.Zones[3].NS[0].Name = "ns.other.test"
	c.Zones[1].TransferFrom, c.Zones[1].TransferKey = nil, "secondaries.bl.test"
	b := serve(t, c, wideList+`
		192.0.2.9 manual text=sent "mail" for $5; see \path
		198.51.100.0/24 allow
		198.51.100.7 helo-bare-ip
		203.0.113.7 rdns-missing
		0.0.0.0/0 imported source=wide
	`)
	for _, z := range c.Zones {
		records, _, err := b.pull(axfr(dns.Fqdn(z.Name)), keySecret)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, rr := range records[1:] { // SOA stands at both ends
			want = append(want, rr.String())
		}
		slices.Sort(want)
		if got := parsed(t, exported(t, b, z.Name)); !slices.Equal(got, want) {
			for _, rr := range got {
				if _, is := slices.BinarySearch(want, rr); !is {
					t.Errorf("%s: only in the file: %s", z.Name, rr)
				}
			}
			t.Errorf("%s: %d records in the file, %d in the transfer", z.Name, len(got), len(want))
		}
	}
}

func TestWriteZone(t *testing.T) {
	c := config(t)
	c.Zones = c.Zones[:1]
	c.Zones[0].NS = append(c.Zones[0].NS, NameServer{Name: "ns3.bl.test"})
	b := newServer(t, c, "192.0.2.7 helo-bare-ip\n198.51.100.0/24 network\n198.51.100.7 network except\n")
	file := exported(t, b, "BL.test.")
	for _, want := range []string{"$ORIGIN bl.test.\n$TTL 300\n@ SOA ns1.bl.test. hostmaster.bl.test. 4711 60 15 604800 300\n",
		"\n@ NS ns2.example.test.\n", "\n@ MX 10 mail.example.test.\n", "\nns1 AAAA 2001:db8::53\n", "\n7.2.0.192 A 127.0.0.2\n",
		"\npolicy TXT \"Lists hosts that greet with a \\\"bogus\\\" HELO \\\\ name\"\n",
		"\n*.100.51.198 A 127.0.0.21\n", "\n7.100.51.198 TYPE65280 \\# 0\n", "\n; the addresses of ns3.bl.test. belong here: it is in this zone\n"} {
		if !strings.Contains(file, want) {
			t.Errorf("it lacks %q:\n%s", want, file)
		}
	}
	if err := b.server.WriteZone(io.Discard, "other.test", b.live.Set()); !errors.Is(err, listing.ErrNotFound) {
		t.Errorf("a zone that is not here: %v", err)
	}
	if err := b.server.WriteZone(&full{100}, "bl.test", b.live.Set()); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("a full disk: %v", err)
	}
}

// full is a disk with little room.
type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}
