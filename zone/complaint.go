package zone

import (
	"log/slog"
	"maps"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// complaints are for the log: what goes wrong with those who transfer zones. Of one
// address there is a line a minute, and of all no more than some.
type complaints struct {
	log *slog.Logger // nil: none

	mu   sync.Mutex
	last map[netip.Addr]time.Time
}

const (
	complaintEvery = time.Minute
	mostComplaints = 60 // in that time
)

// Report says where lines go about transfers that are refused or broken off. It is
// called before Serve; without it there are none.
func (s *Server) Report(to *slog.Logger) { s.complaints.log = to }

// about writes a line, unless there was one.
func (c *complaints) about(from Peer, what, zone, why string) {
	if c.log != nil && c.isDue(from.Addr.Addr(), time.Now()) {
		c.log.Warn(what, "zone", zone, "secondary", from.Addr.Addr(), "because", why)
	}
}

// isDue reports whether there was no line about an address for a minute.
func (c *complaints) isDue(a netip.Addr, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		c.last = map[netip.Addr]time.Time{}
	}
	if _, is := c.last[a]; is || len(c.last) >= mostComplaints {
		maps.DeleteFunc(c.last, func(_ netip.Addr, at time.Time) bool { return now.Sub(at) >= complaintEvery })
	}
	if _, is := c.last[a]; is || len(c.last) >= mostComplaints {
		return false
	}
	c.last[a] = now
	return true
}

// complain tells of a transfer, or of a signed question for one, that is refused.
func (s *Server) complain(t *tables, r *request, k kind, sig *signature, from Peer) {
	const what = "zone transfer refused"
	switch {
	case k == kindNotAuth && r.questions == 1:
		s.complaints.about(from, what, r.name.text(), "the signature is not good: "+dns.RcodeToString[int(sig.wrong)])
	case k == kindRefused && r.transfers():
		why := "it is no zone of ours"
		if z, labels := t.zoneOf(r); z != nil && labels == 0 {
			if why = z.access.refuses(sig, from); why == "" {
				why = "it is asked for over UDP"
			}
		}
		s.complaints.about(from, what, r.name.text(), why)
	}
}
