package server

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/index"
	"dnsbld/listing/removal"
	"dnsbld/listing/report"
)

// status says how the daemon is. Monitors and scripts ask it first, so it walks
// through nothing.
func (s *Server) status(ctx context.Context, who listing.Caller) (ctl.Status, error) {
	store, err := s.cfg.Book.Store().Status(ctx)
	if err != nil {
		return ctl.Status{}, err
	}
	st := ctl.Status{Version: s.cfg.Version, Started: s.cfg.Started.UTC().Truncate(time.Second), User: who.Name, Role: who.Role.String(),
		Revision: store.Head, Store: store, Zones: s.zones()}
	if st.Zones == nil {
		st.Zones = []report.Zone{}
	}
	if !s.cfg.Started.IsZero() {
		st.Uptime = listing.Life(s.cfg.Book.Now().Sub(s.cfg.Started)).String()
	}
	if set := s.cfg.Live.Set(); set != nil {
		st.Served = set.Revision()
	}
	if s.cfg.Complete != nil {
		s.cfg.Complete(&st)
	}
	if st.Sources = []listing.Source{}; store.Failed == "" { // else nothing can be asked of it, and the rest is told all the same
		if err := s.statusOfList(ctx, &st); err != nil {
			return ctl.Status{}, err
		}
	}
	if s.cfg.Reload != nil {
		last := s.cfg.Reload()
		st.Reload = &last
	}
	st.Asked = s.asked()
	if s.cfg.Sensor != nil {
		how := s.cfg.Sensor.Status()
		st.Sensor, st.Breaker = &how, &how.Breaker
	}
	if s.cfg.Desk != nil {
		st.Mail, err = s.cfg.Desk.Post()
	}
	return st, err
}

// statusOfList is what of the status lies in the list.
func (s *Server) statusOfList(ctx context.Context, st *ctl.Status) (err error) {
	if st.Sources, err = s.inForce(ctx); err != nil {
		return err
	}
	if st.Tickets, err = s.countTickets(ctx); err != nil {
		return err
	}
	hidden, err := s.hidden.at(ctx, s.cfg.Book, st.Revision)
	if err != nil {
		return err
	}
	st.HiddenByAllow, st.Hidden = hidden.Entries, hidden.By
	if s.cfg.Desk != nil {
		st.SourceRemovals, err = s.cfg.Desk.SourceRemovals(ctx)
	}
	return err
}

// inForce are the sources in force.
func (s *Server) inForce(ctx context.Context) (found []listing.Source, err error) {
	now := s.cfg.Book.Now()
	err = s.cfg.Book.Store().View(ctx, func(snap listing.Snapshot) error {
		found, err = snap.Sources()
		return err
	})
	return none(slices.DeleteFunc(found, func(s listing.Source) bool { return !s.Active(now) }), err)
}

// countTickets counts those that are not decided; nil: there is no desk.
func (s *Server) countTickets(ctx context.Context) (*ctl.TicketCount, error) {
	if s.cfg.Desk == nil {
		return nil, nil
	}
	all, err := s.cfg.Desk.Tickets(ctx, removal.Query{})
	n := &ctl.TicketCount{}
	for _, t := range all { // the longest open first
		switch t.State {
		case removal.Open:
			n.Open++
		case removal.Asked:
			n.Asked++
		default:
			continue
		}
		if n.Oldest.IsZero() {
			n.Oldest = t.Opened
		}
	}
	return n, err
}

// hiddenCache keeps what allow entries hide at one revision: it takes a walk through
// all that lies inside them, and monitors ask every minute. Nothing is hidden or
// shown by time alone: what ends makes a revision.
type hiddenCache struct {
	mu       sync.Mutex
	revision listing.Revision
	known    bool
	hidden   report.Hidden
}

func (h *hiddenCache) at(ctx context.Context, book *listing.Book, head listing.Revision) (report.Hidden, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known && h.revision == head {
		return h.hidden, nil
	}
	err := book.Store().View(ctx, func(snap listing.Snapshot) error {
		i, err := listing.InstantOf(snap, book.Rules(), book.Now())
		if err == nil {
			h.hidden, err = report.HiddenIn(snap, i)
		}
		h.revision = snap.Revision()
		return err
	})
	h.known = err == nil
	return h.hidden, err
}

// stats counts what is in force. It walks through the whole list, in a
// snapshot.
func (s *Server) stats(ctx context.Context, _ listing.Caller) (st ctl.Stats, err error) {
	if err := s.cfg.Book.Store().View(ctx, func(snap listing.Snapshot) error { return s.count(snap, &st) }); err != nil {
		return ctl.Stats{}, err
	}
	if set := s.cfg.Live.Set(); set != nil {
		has := set.Stats()
		st.Answered = s.answered(set)
		st.Index = ctl.Index{Hosts: has.Hosts, Prefixes: has.Prefixes, Exceptions: has.Exceptions, Bytes: has.Bytes}
	}
	st.Asked = s.mostAsked()
	if s.cfg.Stats != nil {
		st.DNS = s.cfg.Stats()
	}
	return st, nil
}

// answered counts the subjects that the served view lists for a reason which a zone
// answers. A subject that several entries list counts for the first of them.
func (s *Server) answered(set *index.Set) (n ctl.Answered) {
	now, zones, reasons := uint32(s.cfg.Book.Now().Unix()), s.zones(), s.cfg.Book.Rules().Reasons
	var answers [256]bool
	for _, info := range reasons.All() {
		answers[info.Code] = slices.ContainsFunc(zones, func(z report.Zone) bool { return info.AnsweredBy(z.Reasons) })
	}
	var hits []index.Hit
	for e := range set.Each() {
		if e.Except {
			continue
		}
		hits = slices.DeleteFunc(set.LookupPrefix(e.Subject.Prefix, hits[:0]), func(h index.Hit) bool {
			return h.Prefix != e.Subject.Prefix || h.Until > 0 && h.Until <= now || !answers[h.Reason]
		})
		switch {
		case len(hits) == 0 || hits[0].Reason != e.Reason || hits[0].Source != e.Source:
		case e.Subject.IsHost():
			n.Hosts++
		default:
			n.Prefixes++
		}
	}
	return n
}

// count goes through what is served, which is the smallest part of an entry
// that says enough.
func (s *Server) count(snap listing.Snapshot, st *ctl.Stats) error {
	sources, err := listing.SourcesOf(snap)
	if err != nil {
		return err
	}
	now := s.cfg.Book.Now()
	soon := now.Add(listing.Day)
	var byReason [256]int
	byNetwork := map[listing.Subject]int{}
	bySource := map[string]*int{"": new(int)}
	for name := range sources {
		bySource[name] = new(int)
	}
	for e, err := range snap.Served() {
		if err != nil {
			return err
		}
		end := sources.End(e.Source, e.Until)
		switch {
		case !now.Before(end):
			continue
		case e.Except:
			st.Excepts++
			continue
		case end.Before(soon):
			st.Expiring++
		}
		st.Entries++
		byReason[e.Reason]++
		byNetwork[report.NetworkOf(e.Subject)]++
		if n := bySource[e.Source]; n != nil {
			*n++
		}
	}
	st.Revision = snap.Revision()
	st.Reasons, st.Sources = countReasons(s.cfg.Book.Rules().Reasons, byReason), countSources(bySource)
	st.Networks = countNetworks(byNetwork)
	allows, err := listing.AllowsInForce(snap, now)
	st.Allows = len(allows)
	return err
}

// countReasons are the counts of the reasons that have entries, strongest
// first; then those that the catalogue no longer knows.
func countReasons(reasons *listing.Reasons, by [256]int) []ctl.Count {
	counts := []ctl.Count{}
	for _, info := range reasons.All() {
		if n := by[info.Code]; n > 0 {
			counts = append(counts, ctl.Count{Name: info.Symbol, Entries: n, Published: info.Published})
			by[info.Code] = 0
		}
	}
	for code, n := range by {
		if n > 0 {
			counts = append(counts, ctl.Count{Name: reasons.Symbol(listing.Reason(code)), Entries: n})
		}
	}
	return counts
}

// countSources are the counts of sources by name, this list itself first.
func countSources(by map[string]*int) []ctl.Count {
	counts := []ctl.Count{}
	for _, name := range slices.Sorted(maps.Keys(by)) {
		counts = append(counts, ctl.Count{Name: name, Entries: *by[name]})
	}
	return counts
}

// countNetworks are the networks with the most entries, the greatest first.
func countNetworks(by map[listing.Subject]int) []ctl.Count {
	const shown = 10
	counts := []ctl.Count{}
	for _, s := range slices.SortedFunc(maps.Keys(by), func(a, b listing.Subject) int {
		return cmp.Or(cmp.Compare(by[b], by[a]), a.Compare(b))
	})[:min(len(by), shown)] {
		counts = append(counts, ctl.Count{Name: s.String(), Entries: by[s]})
	}
	return counts
}
