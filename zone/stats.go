package zone

import (
	"sync"
	"sync/atomic"
)

// traffic counts what came over one transport.
type traffic struct {
	queries   atomic.Uint64
	silent    atomic.Uint64
	truncated atomic.Uint64
	wire      atomic.Uint64
	answers   [kinds]atomic.Uint64
}

// lane is the traffic of one worker. No other shares its cache lines.
type lane struct {
	_ [cacheLine]byte
	traffic
	_ [cacheLine]byte
}

const cacheLine = 64 // octets

// lanes are those of all workers that there ever were.
type lanes struct {
	mu  sync.Mutex
	all []*lane
}

func (l *lanes) add(one *lane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, one)
}

// read adds them up.
func (l *lanes) read() (sum Traffic) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, one := range l.all {
		sum.add(one.read())
	}
	return sum
}

// Stats are counts since the start.
type Stats struct {
	UDP          Traffic `json:"udp"`
	TCP          Traffic `json:"tcp"`
	Connections  int     `json:"connections"` // TCP, open now
	TurnedAway   uint64  `json:"turned_away"` // TCP connections over a limit
	SocketErrors uint64  `json:"socket_errors"`
}

// Traffic counts the messages that came over one transport. Every one of them
// was answered in one of the ways from Listed to BadCookie, or with Silence.
type Traffic struct {
	Queries   uint64 `json:"queries"`
	Listed    uint64 `json:"listed"` // an address that is listed
	Data      uint64 `json:"data"`   // other records
	NoData    uint64 `json:"nodata"`
	NXDomain  uint64 `json:"nxdomain"`
	FormErr   uint64 `json:"formerr"`
	ServFail  uint64 `json:"servfail"`
	NotImp    uint64 `json:"notimp"`
	Refused   uint64 `json:"refused"`
	BadVers   uint64 `json:"badvers"`
	Cookie    uint64 `json:"cookie"` // a cookie alone
	BadCookie uint64 `json:"badcookie"`
	Silence   uint64 `json:"silence"`   // no query, or no message
	Truncated uint64 `json:"truncated"` // of the answers
	Wire      uint64 `json:"wire"`      // of the answers, on the wire path; all others on the message path
}

func (t *Traffic) add(o Traffic) {
	t.Queries += o.Queries
	t.Listed += o.Listed
	t.Data += o.Data
	t.NoData += o.NoData
	t.NXDomain += o.NXDomain
	t.FormErr += o.FormErr
	t.ServFail += o.ServFail
	t.NotImp += o.NotImp
	t.Refused += o.Refused
	t.BadVers += o.BadVers
	t.Cookie += o.Cookie
	t.BadCookie += o.BadCookie
	t.Silence += o.Silence
	t.Truncated += o.Truncated
	t.Wire += o.Wire
}

func (t *traffic) read() Traffic {
	of := func(k kind) uint64 { return t.answers[k].Load() }
	return Traffic{Queries: t.queries.Load(), Silence: t.silent.Load(), Truncated: t.truncated.Load(), Wire: t.wire.Load(),
		Listed: of(kindListed), Data: of(kindData), NoData: of(kindNoData), NXDomain: of(kindNXDomain),
		FormErr: of(kindFormErr), ServFail: of(kindServFail), NotImp: of(kindNotImp), Refused: of(kindRefused), BadVers: of(kindBadVers),
		Cookie: of(kindCookie), BadCookie: of(kindBadCookie)}
}

// Stats reads the counts. They are read one after the other, so their sums may
// differ by what is under way.
func (s *Server) Stats() Stats {
	udp := s.lanes.read()
	udp.add(s.traffic[UDP].read())
	return Stats{UDP: udp, TCP: s.traffic[TCP].read(), Connections: s.clients.open(),
		TurnedAway: s.clients.turnedAway.Load(), SocketErrors: s.errors.Load()}
}
