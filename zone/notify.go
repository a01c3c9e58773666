package zone

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"

	"dnsbld/listing/report"
)

// Times of NOTIFY (RFC 1996, section 3.6).
const (
	notifyEvery = 250 * time.Millisecond // how often changes are looked for
	notifyLeast = time.Second            // between two to one secondary
	notifyMost  = time.Minute            // between two that it does not answer
	notifyTime  = 2 * time.Second        // for an answer
)

// secondary is a server that is told when a zone changes.
type secondary struct {
	zone string
	at   netip.AddrPort
}

// notice is how far the NOTIFY of one secondary is.
type notice struct {
	busy     bool // a NOTIFY is on its way
	answered bool // ever
	serial   uint32
	newest   uint32        // that it is to be told of
	again    time.Time     // not before
	wait     time.Duration // after one more failure
	failures uint64
	last     time.Time // answered
	err      error     // of the last one
}

// secondaries are all that were ever told of something.
type secondaries struct {
	mu  sync.Mutex
	all map[secondary]*notice
}

// notifies tells secondaries of every change, those of a second together, until
// they answer or ctx is done. After a start it tells all: no stock secondary
// asks by itself then.
func (s *Server) notifies(ctx context.Context, ours []netip.Addr) {
	tick := time.NewTicker(notifyEvery)
	defer tick.Stop()
	var sending sync.WaitGroup
	defer sending.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		set := s.view.Set()
		if set == nil {
			continue
		}
		t := s.tables.Load()
		for _, z := range t.ordered {
			now := z.serial(set)
			for _, at := range z.notify {
				if one := s.secondaries.due(secondary{z.name, at}, now); one != nil {
					sending.Go(func() { s.secondaries.done(one, now, notify(ctx, t.keys, z, at, sourceFor(at, ours), now)) })
				}
			}
		}
	}
}

// due takes the one that is to be told of a serial, if it is time to.
func (s *secondaries) due(who secondary, serial uint32) *notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[secondary]*notice{}
	}
	one := s.all[who]
	if one == nil {
		one = new(notice)
		s.all[who] = one
	}
	one.newest = serial
	if one.busy || (one.answered && one.serial == serial) || time.Now().Before(one.again) {
		return nil
	}
	one.busy = true
	return one
}

// done notes how a NOTIFY went. One that failed is sent again, after twice as long
// as the last time (RFC 1996, section 3.6).
func (s *secondaries) done(one *notice, serial uint32, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one.busy, one.err = false, err
	if err != nil {
		one.failures++
		one.wait = min(max(2*one.wait, notifyLeast), notifyMost)
	} else {
		one.answered, one.serial, one.wait, one.last = true, serial, notifyLeast, time.Now()
	}
	one.again = time.Now().Add(one.wait)
	if err == nil {
		one.wait = 0
	}
}

// Secondaries are those that are told of changes of a zone, in order of address.
func (s *Server) Secondaries(zone string) (all []report.Secondary) {
	s.secondaries.mu.Lock()
	defer s.secondaries.mu.Unlock()
	for who, one := range s.secondaries.all {
		if who.zone != dns.CanonicalName(zone) {
			continue
		}
		r := report.Secondary{Address: who.at, Serial: one.serial, Answered: one.last.UTC(), Failures: one.failures}
		if one.err != nil {
			r.Error = one.err.Error()
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b report.Secondary) int {
		return a.Address.Compare(b.Address)
	})
	return all
}

// sourceFor is the address from which a secondary is told: one at which this server
// answers, since that is how the secondary knows it. nil: that which the system
// chooses is one, or there is none that would do.
func sourceFor(at netip.AddrPort, ours []netip.Addr) net.Addr {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(at)) // sends nothing
	if err != nil {
		return nil
	}
	defer conn.Close()
	chosen := conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
	var other net.Addr
	for _, a := range ours {
		if a == chosen || (a.IsUnspecified() && (a.Is6() || chosen.Is4())) {
			return nil
		}
		if other == nil && a.Is4() == chosen.Is4() && a.IsLoopback() == at.Addr().IsLoopback() {
			other = net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 0))
		}
	}
	return other
}

// notify tells a secondary of a serial, and waits for its answer.
func notify(ctx context.Context, known keys, z *zone, at netip.AddrPort, from net.Addr, serial uint32) error {
	m := new(dns.Msg).SetNotify(z.name)
	soa := z.soa
	soa.Serial = serial
	m.Answer = []dns.RR{&soa}
	client := dns.Client{Timeout: notifyTime, Dialer: &net.Dialer{Timeout: notifyTime, LocalAddr: from}}
	if k := z.access.key; k != nil {
		m.SetTsig(k.name, k.algorithm, tsigFudge, time.Now().Unix())
		client.TsigProvider = known
	}
	answer, _, err := client.ExchangeContext(ctx, m, at.String())
	if err != nil {
		return fmt.Errorf("telling %s: %w", at, err)
	}
	if answer.Rcode != dns.RcodeSuccess {
		return fmt.Errorf("telling %s: %s", at, dns.RcodeToString[answer.Rcode])
	}
	return nil
}

// collect gives a monitoring system how it is with each.
func (s *secondaries) collect(emit func(name, help string, kind prometheus.ValueType, v float64, zone, at string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for who, one := range s.all {
		emit("notify_failures_total", "NOTIFY messages that a secondary did not answer, or not well.", prometheus.CounterValue, float64(one.failures), who.zone, who.at.String())
		if one.answered {
			emit("notify_lag", "Serials that a secondary is behind, by the last NOTIFY that it answered.", prometheus.GaugeValue, float64(one.newest-one.serial), who.zone, who.at.String())
			emit("notify_serial", "Serial of the last NOTIFY that a secondary answered.", prometheus.GaugeValue, float64(one.serial), who.zone, who.at.String())
		}
	}
}
