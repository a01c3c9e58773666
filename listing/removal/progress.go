package removal

import (
	"net/netip"
	"time"
)

// Progress is what a sender sees of his ticket where he follows it. Whoever has the
// link sees it, so nothing of a person is in it, and no note of ours.
type Progress struct {
	Ticket  string
	Address netip.Addr // its zero value: the sender was asked for it
	Listed  bool       // now
	State   State
	Appeal  bool
	Opened  time.Time
	Changed time.Time // when the state last did
	ReadBy  time.Time // by when a person reads it as a rule, if it waits for one
	Denied  Code      // by a person, or by the rules
	Told    *Told
}

// Progress is that of a ticket. Whether the address is listed is left to the caller.
func (t Ticket) Progress() Progress {
	p := Progress{Ticket: t.ID, Address: t.Address, State: t.State, Appeal: t.Appeal, Opened: t.Opened, Changed: t.Changed, Denied: t.Denied, Told: t.Told}
	if t.State == Open {
		p.ReadBy = t.Changed.Add(ReadWithin)
	}
	return p
}
