package server

import (
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
)

// shownTop is how many of those that were asked for most are shown.
const shownTop = 20

// hits is how often entries were asked for; nil: that is not counted here. A listing
// that nobody has asked for yet does not have what was counted of a former one.
func (s *Server) hits() func(listing.Entry) (uint64, time.Time) {
	if s.cfg.Hits == nil {
		return nil
	}
	return func(e listing.Entry) (uint64, time.Time) {
		asked := s.cfg.Hits.Of(e.Subject, e.Reason)
		if asked.Last.Before(e.Since.Truncate(time.Second)) {
			return 0, time.Time{}
		}
		return asked.Count, asked.Last
	}
}

// asked is what was counted of queries; nil: nothing is.
func (s *Server) asked() *ctl.Asked {
	if s.cfg.Hits == nil {
		return nil
	}
	span := s.cfg.Hits.Span()
	return &ctl.Asked{Since: span.Since, Forgot: span.Forgot}
}

// mostAsked adds those that were asked for most, and the sums by zone and reason.
func (s *Server) mostAsked() *ctl.Asked {
	a := s.asked()
	if a == nil {
		return nil
	}
	reasons := s.cfg.Book.Rules().Reasons
	for _, l := range s.cfg.Hits.Top(shownTop) {
		a.Top = append(a.Top, ctl.AskedFor{Subject: l.Subject(), Reason: reasons.Symbol(l.Reason), Code: l.Reason, Hits: l.Count, LastHit: l.Last})
	}
	for _, t := range s.cfg.Hits.Totals() {
		a.Sums = append(a.Sums, ctl.AskedSum{Zone: t.Zone, Reason: reasons.Symbol(t.Reason), Hits: t.Count})
	}
	return a
}
