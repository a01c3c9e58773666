package zone

import (
	"net/netip"
	"runtime"
	"testing"
	"time"
	"weak"

	"dnsbld/listing/index"

	"github.com/miekg/dns"
)

// Between batches a worker keeps nothing of the list or the configuration that
// it answered from: either may be replaced before the next query comes.
func TestWorkerLetsGo(t *testing.T) {
	b := newServer(t, config(t), wireList)
	w := b.server.newWorker()
	var queries [][]byte
	for range batchSize / 4 {
		for _, name := range []string{"7.2.0.192.bl.test.", "8.2.0.192.strict.bl.test.", "bl.test.", "1.100.51.198.bl.test."} {
			queries = append(queries, pack(t, query(name, "A")))
		}
	}
	if got := b.askBoth(t, w, queries, wirePeers[0]); got != batchSize*3/4 {
		t.Fatalf("%d on the wire path", got)
	}
	set, zone := weak.Make(b.live.Set()), weak.Make(b.server.tables.Load().ordered[0])
	b.publish("")
	if err := b.server.Configure(config(t)); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	if w.spots != ([batchSize]index.Spot{}) || set.Value() != nil {
		t.Error("the worker keeps the list")
	}
	if zone.Value() != nil {
		t.Error("the worker keeps the configuration")
	}
	runtime.KeepAlive(w)
}

// An entry is answered in its last second, with a TTL of 1, and not in the
// second of its end, on either path: alone at its address, among others, in a
// leaf or not.
func TestWireExpires(t *testing.T) {
	b := newServer(t, config(t), `
		192.0.2.7 helo-bare-ip until=1000
		192.0.2.9 helo-bare-ip until=1000
		192.0.2.9 helo-our-ip until=1000
		198.51.100.0/24 network until=1000
		2001:db8::7 manual until=1000
	`)
	w := b.server.newWorker()
	for after, rcode := range map[time.Duration]int{999 * time.Second: dns.RcodeSuccess, 1000*time.Second - 1e6: dns.RcodeSuccess, 1000 * time.Second: dns.RcodeNameError} {
		b.at(after)
		for _, address := range []string{"192.0.2.7", "192.0.2.9", "198.51.100.1", "2001:db8::7"} {
			raw := pack(t, query(reversed(netip.MustParseAddr(address), "bl.test."), "A"))
			if b.askBoth(t, w, [][]byte{raw}, wirePeers[0]) != 1 {
				t.Fatal("not on the wire path")
			}
			a := new(dns.Msg)
			if err := a.Unpack(b.answer(raw, UDP)); err != nil || a.Rcode != rcode || (rcode == dns.RcodeSuccess && a.Answer[0].Header().Ttl != 1) {
				t.Errorf("%s after %s: %v, %v", address, after, a, err)
			}
		}
	}
}
