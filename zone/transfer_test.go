package zone

import (
	"context"
	"encoding/base64"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"pgregory.net/rapid"

	"dnsbld/listing"
	"dnsbld/listing/index"
)

const keyName = "secondaries.bl.test."

var (
	keySecret   = base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	otherSecret = base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdeF"))
)

// transferConfig lets whoever has the key transfer bl.test, and whoever is at
// 127.0.0.1 strict.bl.test.
func transferConfig(t testing.TB) Config {
	c := config(t)
	c.Keys = []Key{{Name: "secondaries.bl.test", Algorithm: "hmac-sha256", Secret: keySecret}, {Name: "long.test", Algorithm: "hmac-sha512", Secret: keySecret}}
	c.Zones[0].TransferKey = "Secondaries.bl.test"
	c.Zones[1].TransferFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	return c
}

// pull transfers a zone as the library does, which checks every signature.
func (b *bench) pull(m *dns.Msg, secret string) (all []dns.RR, messages int, err error) {
	client := &dns.Transfer{DialTimeout: time.Minute, ReadTimeout: time.Minute, WriteTimeout: time.Minute} // it is bulk work
	if secret != "" {
		m.SetTsig(keyName, dns.HmacSHA256, 300, time.Now().Unix())
		client.TsigSecret = map[string]string{keyName: secret}
	}
	in, err := client.In(m, b.address())
	if err != nil {
		return nil, 0, err
	}
	for e := range in {
		if e.Error != nil {
			return nil, messages, e.Error
		}
		messages++
		all = append(all, e.RR...)
	}
	return all, messages, nil
}

func axfr(zone string) *dns.Msg { return new(dns.Msg).SetAxfr(zone) }

// X1: the whole zone, SOA first and last, signed, in many messages.
func TestX1(t *testing.T) {
	var list strings.Builder
	for _, a := range []string{"192.0.2.", "198.51.100.", "203.0.113."} {
		for n := range 256 {
			list.WriteString(a + string(itoa(n)) + " helo-bare-ip\n")
		}
	}
	list.WriteString("2001:db8::/33 network\n192.0.0.0/16 network\n")
	b := serve(t, transferConfig(t), list.String())
	all, messages, err := b.pull(axfr("bl.test."), keySecret)
	if err != nil || messages < 2 {
		t.Fatalf("%d messages, %v", messages, err)
	}
	if first, last := all[0], all[len(all)-1]; first.String() != last.String() || first.(*dns.SOA).Serial != 4711 {
		t.Errorf("from %v to %v", first, last)
	}
	z := b.server.tables.Load().ordered[0]
	var want, got []string
	for r := range (rendering{z, b.live.Set()}).records() {
		raw := r.appendData(slices.Concat([]byte(r.owner), z.wire.from(0)), z.ttl)
		rr, _, err := dns.UnpackRR(raw, 0)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, rr.String())
	}
	for _, rr := range all[1 : len(all)-1] {
		got = append(got, rr.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d records, want %d", len(got), len(want))
	}
	if _, _, err := b.pull(axfr("strict.bl.test."), ""); err != nil {
		t.Errorf("by address: %v", err)
	}
}

func itoa(n int) []byte {
	return []byte(strings.TrimPrefix(netip.AddrFrom4([4]byte{0, 0, 0, byte(n)}).String(), "0.0.0."))
}

// Whoever may not have a zone is refused, and what is wrong with a signature is
// said (RFC 8945, section 5.2).
func TestTransferRefused(t *testing.T) {
	b := serve(t, transferConfig(t), "")
	ask := func(m *dns.Msg, name, algorithm, secret string, at time.Time) (rcode int, tsig uint16) {
		t.Helper()
		client := dns.Client{Net: "tcp", Timeout: time.Minute}
		if name != "" {
			m.SetTsig(name, algorithm, 300, at.Unix())
			client.TsigSecret = map[string]string{name: secret}
		}
		a, _, err := client.Exchange(m, b.address())
		if a == nil {
			t.Fatal(err)
		}
		if a.IsTsig() != nil {
			tsig = a.IsTsig().Error
		}
		return a.Rcode, tsig
	}
	now := time.Now()
	for about, row := range map[string]struct {
		name, algorithm, secret string
		at                      time.Time
		rcode                   int
		tsig                    uint16
	}{
		"unsigned":    {"", "", "", now, dns.RcodeRefused, 0},
		"another key": {"long.test.", dns.HmacSHA512, keySecret, now, dns.RcodeRefused, 0},
		"no such key": {"who.test.", dns.HmacSHA256, keySecret, now, dns.RcodeNotAuth, dns.RcodeBadKey},
		"algorithm":   {keyName, dns.HmacSHA512, keySecret, now, dns.RcodeNotAuth, dns.RcodeBadKey},
		"secret":      {keyName, dns.HmacSHA256, otherSecret, now, dns.RcodeNotAuth, dns.RcodeBadSig},
		"time":        {keyName, dns.HmacSHA256, keySecret, now.Add(-time.Hour), dns.RcodeNotAuth, dns.RcodeBadTime},
	} {
		if rcode, tsig := ask(axfr("bl.test."), row.name, row.algorithm, row.secret, row.at); rcode != row.rcode || tsig != row.tsig {
			t.Errorf("%s: %s, TSIG error %d", about, dns.RcodeToString[rcode], tsig)
		}
	}
	if rcode, _ := ask(axfr("7.2.0.192.bl.test."), keyName, dns.HmacSHA256, keySecret, now); rcode != dns.RcodeRefused {
		t.Errorf("a name in the zone: %s", dns.RcodeToString[rcode])
	}
	m := pack(t, axfr("bl.test.").SetTsig(keyName, dns.HmacSHA256, 300, now.Unix()))
	if a := b.answer(m, TCP); a[3]&0xf != dns.RcodeFormatError { // the library packs it without a MAC
		t.Errorf("a MAC of no octets: %x", a)
	}
}

// Questions about the zone are signed by secondaries too, and so are answers.
func TestSignedAnswer(t *testing.T) {
	b := serve(t, transferConfig(t), "192.0.2.7 helo-bare-ip")
	for _, proto := range []string{"udp", "tcp"} {
		for _, name := range []string{"bl.test.", "7.2.0.192.bl.test."} {
			m := query(name, "SOA")
			m.SetEdns0(1232, false)
			m.SetTsig(keyName, dns.HmacSHA256, 300, time.Now().Unix())
			client := dns.Client{Net: proto, Timeout: time.Minute, TsigSecret: map[string]string{keyName: keySecret}}
			a, _, err := client.Exchange(m, b.address())
			if err != nil || a.IsTsig() == nil || a.Rcode != 0 {
				t.Errorf("%s over %s: %v, %v", name, proto, err, a)
			}
		}
	}
}

// changeLog is a log of changes, of which those of one revision stand together.
type changeLog []listing.Change

func (l changeLog) Changes(ctx context.Context, after listing.Revision) iter.Seq2[listing.Change, error] {
	return func(yield func(listing.Change, error) bool) {
		if len(l) == 0 || after < l[0].Revision-1 {
			yield(listing.Change{}, listing.ErrCompacted)
			return
		}
		for _, c := range l {
			if c.Revision > after && !yield(c, nil) {
				return
			}
		}
		<-ctx.Done()
	}
}

// X2: from a serial in the log a secondary gets what changed, and has the zone
// afterwards; from another the zone.
func TestX2(t *testing.T) {
	c := transferConfig(t)
	rapid.Check(t, func(rt *rapid.T) {
		log := drawLog(t, rt)
		b := newServer(t, c, "")
		b.server.Follow(log)
		half := rapid.IntRange(1, len(log)).Draw(rt, "half")
		old, now := replay(t, log[:half]), replay(t, log)
		z := b.server.tables.Load().ordered[0]
		have := serial(old.Revision())
		d := b.server.difference(t.Context(), &transfer{zone: z, set: now, have: &have})
		gone, come, form := d.gone, d.come, d.form
		if half == len(log) {
			if form != current {
				rt.Fatalf("nothing changed: %d", form)
			}
			return
		}
		got := map[record]bool{}
		for r := range (rendering{z, old}).records() {
			got[r] = true
		}
		n := 0
		for range (rendering{z, now}).records() {
			n++
		}
		if form != incremental && n < 1000 && len(got) < 1000 { // of more the whole zone is as good
			rt.Fatalf("form %d for %d and %d records", form, len(got), n)
		}
		if form == whole {
			return
		}
		gone.but(&come, func(r *record) bool {
			if !got[*r] {
				rt.Fatalf("%v is removed and was not there", r)
			}
			delete(got, *r)
			return true
		})
		come.but(&gone, func(r *record) bool {
			if got[*r] {
				rt.Fatalf("%v is added and was there", r)
			}
			got[*r] = true
			return true
		})
		for r := range (rendering{z, now}).records() {
			if !got[r] {
				rt.Fatalf("%v is missing", r)
			}
		}
		if n != len(got) {
			rt.Fatalf("%d records, want %d", len(got), n)
		}
	})
}

// drawLog draws changes that follow from each other.
func drawLog(t *testing.T, rt *rapid.T) (log changeLog) {
	entries, allows := map[listing.Key]*listing.Entry{}, map[listing.Subject]*listing.Allow{}
	log = append(log, listing.Change{Revision: 100, Kind: listing.ConfigChange, Last: true})
	log = append(log, listing.Change{Revision: 101, Kind: listing.SourceChange, Last: true, SourceAfter: &listing.Source{Name: "feed", Until: time.Unix(epoch+1000, 0)}})
	for n, line := range strings.Split(strings.TrimSpace(drawList(rt)+drawList(rt)+drawPrefix(rt).String()+" allow\n"+drawList(rt)), "\n") {
		c, _ := change(t, strings.Fields(line))
		c.Revision, c.Last = listing.Revision(102+n), true
		gone := rapid.IntRange(0, 2).Draw(rt, "ends") == 0
		if e := c.After; e != nil {
			if c.Before = entries[e.Key]; c.Before != nil && gone {
				c.After = nil
			}
			entries[e.Key] = c.After
		} else if a := c.AllowAfter; a != nil {
			c.AllowBefore = allows[a.Subject]
			allows[a.Subject] = a
		}
		log = append(log, c)
	}
	return log
}

// revised is a line of a list as a change.
func revised(t *testing.T, r uint32, line string) []listing.Change {
	t.Helper()
	c, _ := change(t, strings.Fields(line))
	c.Revision, c.Last = listing.Revision(r), true
	return []listing.Change{c}
}

func replay(t *testing.T, log changeLog) *index.Set {
	t.Helper()
	s, err := index.NewSet().With(log)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestX2OnTheWire(t *testing.T) {
	b := serve(t, transferConfig(t), "")
	list := func(r uint32, line string) listing.Change { return revised(t, r, line)[0] }
	log := changeLog{list(11, "192.0.2.7 helo-bare-ip"), list(12, "192.0.2.8 helo-bare-ip"), list(14, "192.0.2.9 helo-bare-ip")}
	b.server.Follow(log)
	b.live.Publish(replay(t, log))
	for serial, records := range map[uint32]int{14: 1, 15: 1, 12: 4 + 2, 11: 4 + 4, 13: -1, 10: -1, 3: -1} {
		m := new(dns.Msg).SetIxfr("bl.test.", serial, "ns1.bl.test.", "desk.bl.test.")
		all, _, err := b.pull(m, keySecret)
		if err != nil {
			t.Errorf("%d: %v", serial, err)
			continue
		}
		whole := len(all) > 1 && all[1].Header().Rrtype != dns.TypeSOA
		if whole != (records < 0) || (!whole && len(all) != records) {
			t.Errorf("from %d: %v", serial, all)
		}
	}
	if got := gathered(t, registered(t, b.server)); got["dnsbld_dns_transfers_total form=incremental"] != 2 || got["dnsbld_dns_transfers_total form=whole"] != 3 {
		t.Errorf("%v", got)
	}
	m := new(dns.Msg).SetIxfr("bl.test.", 11, "ns1.bl.test.", "desk.bl.test.")
	m.SetTsig(keyName, dns.HmacSHA256, 300, time.Now().Unix())
	client := dns.Client{Timeout: time.Minute, TsigSecret: map[string]string{keyName: keySecret}}
	if a, _, err := client.Exchange(m, b.address()); err != nil || len(a.Answer) != 1 || a.Answer[0].(*dns.SOA).Serial != 14 { // RFC 1995, section 2
		t.Errorf("over UDP: %v, %v", a, err)
	}
}
