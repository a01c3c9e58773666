package resolve

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"dnsbld/listing/helo"
	"dnsbld/mta"
)

// Checker completes reports: from the configuration, and from DNS. It may be used by several
// goroutines at a time.
type Checker struct {
	our      mta.Our
	resolver *Resolver     // nil: DNS is not asked
	timeout  time.Duration // for all lookups of a session
}

// NewChecker returns a checker. Without a resolver DNS is not asked.
func NewChecker(our mta.Our, r *Resolver) *Checker {
	return &Checker{our, r, 2 * time.Second}
}

// maxPTR is how many reverse names of a client are looked at.
const maxPTR = 5

// Check fills in what r lacks and leaves the rest. It looks nothing up for an exempt session; else
// the client's reverse name always, and the addresses of the name in HELO where the verdict may
// depend on them.
func (c *Checker) Check(ctx context.Context, r mta.Report) mta.Report {
	c.our.Fill(&r.Session)
	s := &r.Session
	s.Client = s.Client.Unmap().WithZone("")
	verdict := helo.Classify(*s)
	if c.resolver == nil || verdict.Strength == helo.Exempt {
		return r
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if undecided(verdict) && s.HELOStatus == helo.Unset && len(s.HELOAddrs) == 0 {
		c.forward(ctx, s, verdict.Name)
	}
	if s.PTRStatus == helo.Unset && len(s.PTR) == 0 {
		c.reverse(ctx, s)
	}
	return r
}

// undecided spares questions: of most greetings the verdict is the same whatever DNS says. It
// reports whether DNS may change what this one is worth.
func undecided(v helo.Verdict) bool {
	return v.Flags.Has(helo.FlagDNSUnverified) || v.Code == helo.CodeOurName && v.Strength == helo.Strong
}

// forward looks up the addresses of the name in HELO.
func (c *Checker) forward(ctx context.Context, s *helo.Session, name string) {
	s.HELOAddrs, s.HELOStatus = c.addresses(ctx, name)
	if slices.Contains(s.HELOAddrs, s.Client) {
		s.HELOStatus = helo.OK
	}
}

// addresses looks up the addresses of a name, of both kinds. A failure of either leaves the status
// open.
func (c *Checker) addresses(ctx context.Context, name string) ([]netip.Addr, helo.Status) {
	var v4, v6 Answer
	var both sync.WaitGroup
	both.Go(func() { v4 = c.resolver.Lookup(ctx, name, dns.TypeA) })
	both.Go(func() { v6 = c.resolver.Lookup(ctx, name, dns.TypeAAAA) })
	both.Wait()
	all := append(slices.Clone(v4.Addrs), v6.Addrs...)
	for _, status := range [...]helo.Status{helo.TempError, helo.OK, helo.NXDomain} {
		if v4.Status == status || v6.Status == status {
			return all, status
		}
	}
	return all, helo.NoData
}

// reverse looks up the client's names and whether they lead back. If some do, these are kept, else
// all.
func (c *Checker) reverse(ctx context.Context, s *helo.Session) {
	reverse, err := dns.ReverseAddr(s.Client.String())
	if err != nil { // no address: exempt sessions are not looked up
		return
	}
	ptr := c.resolver.Lookup(ctx, reverse, dns.TypePTR)
	s.PTR, s.PTRStatus = slices.Clone(ptr.Names), ptr.Status
	kind := dns.TypeA
	if s.Client.Is6() {
		kind = dns.TypeAAAA
	}
	names := s.PTR[:min(len(s.PTR), maxPTR)]
	answers := make([]Answer, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() { answers[i] = c.resolver.Lookup(ctx, name, kind) })
	}
	all.Wait()
	var confirmed []string
	failed := false
	for i, a := range answers {
		failed = failed || a.Status == helo.TempError
		if slices.Contains(a.Addrs, s.Client) {
			confirmed = append(confirmed, names[i])
		}
	}
	if len(confirmed) > 0 {
		s.PTR, s.FCrDNS = confirmed, true
	} else if failed {
		s.PTRStatus = helo.TempError
	}
}
