package zone

import "sync/atomic"

// traffic counts what came over one transport.
type traffic struct {
	queries   atomic.Uint64
	silent    atomic.Uint64
	truncated atomic.Uint64
	answers   [kinds]atomic.Uint64
}

// Stats are counts since the start.
type Stats struct {
	UDP, TCP     Traffic
	Connections  int    // TCP, open now
	TurnedAway   uint64 // TCP connections over a limit
	SocketErrors uint64
}

// Traffic counts the messages that came over one transport. Every one of them
// was answered in one of the ways from Listed to BadVers, or with Silence.
type Traffic struct {
	Queries   uint64
	Listed    uint64 // an address that is listed
	Data      uint64 // other records
	NoData    uint64
	NXDomain  uint64
	FormErr   uint64
	ServFail  uint64
	NotImp    uint64
	Refused   uint64
	BadVers   uint64
	Silence   uint64 // no query, or no message
	Truncated uint64 // of the answers
}

func (t *traffic) read() Traffic {
	of := func(k kind) uint64 { return t.answers[k].Load() }
	return Traffic{Queries: t.queries.Load(), Silence: t.silent.Load(), Truncated: t.truncated.Load(),
		Listed: of(kindListed), Data: of(kindData), NoData: of(kindNoData), NXDomain: of(kindNXDomain),
		FormErr: of(kindFormErr), ServFail: of(kindServFail), NotImp: of(kindNotImp), Refused: of(kindRefused), BadVers: of(kindBadVers)}
}

// Stats reads the counts. They are read one after the other, so their sums may
// differ by what is under way.
func (s *Server) Stats() Stats {
	return Stats{UDP: s.traffic[UDP].read(), TCP: s.traffic[TCP].read(), Connections: s.clients.open(),
		TurnedAway: s.clients.turnedAway.Load(), SocketErrors: s.errors.Load()}
}
