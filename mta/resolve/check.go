package resolve

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"dnsbld/listing/helo"
	"dnsbld/mta"
)

// CheckerConfig says how sessions are completed.
type CheckerConfig struct {
	Our      mta.Our
	Resolver *Resolver     // nil: DNS is not asked
	RDNS     bool          // look up the reverse name of every client that is not exempt, not only where the verdict may depend on it
	Timeout  time.Duration // for all lookups of a session; 0: 2 s
}

// Checker completes reports: from the configuration, and from DNS where the verdict may depend on it. It may be used by several
// goroutines at a time.
type Checker struct{ config CheckerConfig }

// NewChecker returns a checker.
func NewChecker(c CheckerConfig) *Checker {
	if c.Timeout <= 0 {
		c.Timeout = 2 * time.Second
	}
	return &Checker{c}
}

// maxPTR is how many reverse names of a client are looked at.
const maxPTR = 5

// Check returns r with what it lacks. What it has stays. Exempt sessions are never looked up.
func (c *Checker) Check(ctx context.Context, r mta.Report) mta.Report {
	c.config.Our.Fill(&r.Session)
	s := &r.Session
	s.Client = s.Client.Unmap().WithZone("")
	if c.config.Resolver == nil {
		return r
	}
	verdict := helo.Classify(*s)
	if verdict.Strength == helo.Exempt {
		return r
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	open := undecided(verdict)
	if open && s.HELOStatus == helo.Unset && len(s.HELOAddrs) == 0 {
		c.forward(ctx, s, verdict.Name)
		open = !slices.Contains(s.HELOAddrs, s.Client)
	}
	if (open || c.config.RDNS) && s.PTRStatus == helo.Unset && len(s.PTR) == 0 {
		c.reverse(ctx, s)
	}
	return r
}

// undecided reports whether DNS may change what a verdict is worth.
func undecided(v helo.Verdict) bool {
	return v.Flags.Has(helo.FlagDNSUnverified) || v.Code == helo.CodeOurName && v.Strength == helo.Strong
}

// forward looks up the addresses of the name in HELO.
func (c *Checker) forward(ctx context.Context, s *helo.Session, name string) {
	var v4, v6 Answer
	var both sync.WaitGroup
	both.Go(func() { v4 = c.config.Resolver.Lookup(ctx, name, dns.TypeA) })
	both.Go(func() { v6 = c.config.Resolver.Lookup(ctx, name, dns.TypeAAAA) })
	both.Wait()
	s.HELOAddrs = append(slices.Clone(v4.Addrs), v6.Addrs...)
	s.HELOStatus = merge(v4.Status, v6.Status)
	if slices.Contains(s.HELOAddrs, s.Client) {
		s.HELOStatus = helo.OK
	}
}

// merge is the status of a name of which two types were asked for. A failure of either leaves it open.
func merge(a, b helo.Status) helo.Status {
	for _, status := range [...]helo.Status{helo.TempError, helo.OK, helo.NXDomain} {
		if a == status || b == status {
			return status
		}
	}
	return helo.NoData
}

// reverse looks up the client's names and whether they lead back. If some do, these are kept, else all.
func (c *Checker) reverse(ctx context.Context, s *helo.Session) {
	reverse, err := dns.ReverseAddr(s.Client.String())
	if err != nil { // no address: exempt sessions are not looked up
		return
	}
	ptr := c.config.Resolver.Lookup(ctx, reverse, dns.TypePTR)
	s.PTR, s.PTRStatus = slices.Clone(ptr.Names), ptr.Status
	kind := dns.TypeA
	if s.Client.Is6() {
		kind = dns.TypeAAAA
	}
	names := s.PTR[:min(len(s.PTR), maxPTR)]
	answers := make([]Answer, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() { answers[i] = c.config.Resolver.Lookup(ctx, name, kind) })
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
