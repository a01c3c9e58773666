package web

import (
	"net/http"

	"dnsbld/listing"
	"dnsbld/listing/removal"
)

// resultPage says what happens after a request.
type resultPage struct {
	frame
	Address      string
	Outcome      string // "removed", "pending", "ticket", "refused", "clear"
	Decision     removal.Decision
	Ticket       string
	Ours         bool // it was our error
	Still        bool // other reasons stand
	By           moment
	Retry        moment
	Probe, Proof string
	WatchDays    int
	Letter       string // the same in full
}

func (s *Server) showResult(v *visit, l *addressInfo, d removal.Answer) error {
	after, err := s.look(v.Context(), l.address, s.parts.Now().UTC())
	if err != nil {
		return err
	}
	p := resultPage{frame: s.frame(v.site, l.address.String()), Address: l.address.String(), Decision: d.Decision, Ticket: d.Ticket,
		Ours: d.Outcome == removal.Withdrawn, By: at(d.EffectiveBy, v.now), WatchDays: int(removal.Watch / listing.Day), Retry: retry(d.Decision, v.now), Letter: d.Letter}
	set := s.parts.View.Set()
	switch ended := d.Outcome != removal.Stands; {
	case ended && set != nil && set.Revision() >= d.Revision:
		p.Outcome, p.Still = "removed", after.listed()
	case ended:
		p.Outcome = "pending"
	case d.Decision.Code == removal.NotListed:
		p.Outcome = "clear"
	case d.Decision.Code.OK():
		p.Outcome = "ticket"
	default:
		p.Outcome = "refused"
	}
	p.Title = resultTitles[p.Outcome] + ": " + p.Address
	switch r := s.removal(v, l); d.Decision.Code {
	case removal.NoProof, removal.RateLimit:
		if !r.Mend {
			p.Probe, p.Proof = r.Probe, r.Text
		}
	case removal.StillOffending, removal.MixedTraffic:
		p.Probe = r.Probe
	}
	status := http.StatusOK
	if d.Decision.Code == removal.RateLimit {
		status = http.StatusTooManyRequests
		if t := d.Decision.RetryAfter; t != nil {
			v.w.Header().Set("Retry-After", seconds(t.Sub(v.now)))
		}
	}
	return s.render(v, status, "result", p)
}

var resultTitles = map[string]string{
	"removed": "The listing is removed", "pending": "The listing is being removed", "ticket": "Your request is with our support",
	"refused": "The listing stands for now", "clear": "Nothing to remove",
}
