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
	Follow       string // the path of the page where the sender follows it
	ReadBy       moment // by when a person reads it
	Mailed       bool   // a mail goes to who left an address
	NotMailed    string // why none does
	Ours         bool   // it was our error
	Feeds        bool   // it was taken out of an imported list
	Cause        bool   // if what led to the listing goes on, it is listed again
	By           moment
	Retry        moment
	Probe, Proof string
	WatchDays    int    // so long the address is watched; 0: it is not
	Letter       string // the same in full
}

// showResult answers a request. The address is looked at again, for what stands
// after the request.
func (s *Server) showResult(v *visit, l *addressInfo, d removal.Answer) error {
	after, err := s.look(v, l.address, s.parts.Now().UTC())
	if err != nil {
		return err
	}
	p := resultPage{frame: s.frame(v, l.address.String()), Address: l.address.String(), Decision: d.Decision, Ticket: d.Ticket,
		Ours: d.Outcome == removal.Withdrawn, By: ahead(d.EffectiveBy, v.now), ReadBy: ahead(d.ReadBy, v.now), Cause: d.Cause, Retry: retry(d.Decision, v.now), Letter: d.Letter}
	p.Mailed, p.NotMailed = d.Mailed, d.NotMailed
	if d.Ticket != "" {
		p.Follow = "/" + s.parts.Desk.PathOf(d.Ticket)
	}
	if d.State == removal.Granted {
		p.WatchDays = int(removal.Watch / listing.Day)
	}
	p.Outcome = s.outcome(d)
	if p.Outcome == "removed" && after.listed() {
		p.Outcome = "still"
	}
	p.Title = v.language.Word(resultTitles[p.Outcome]) + ": " + p.Address
	p.Feeds = after.about.Own
	p.Probe, p.Proof = s.removal(v, l).proofs(d.Decision.Code)
	status := http.StatusOK
	if d.Decision.Code == removal.RateLimit {
		status = http.StatusTooManyRequests
		if t := d.Decision.RetryAfter; t != nil && t.After(v.now) {
			v.w.Header().Set("Retry-After", seconds(t.Sub(v.now)))
		}
	}
	return s.render(v, status, "result", p)
}

// outcome names what a page says of an answer. An end counts as done once the
// served view has it.
func (s *Server) outcome(d removal.Answer) string {
	set := s.parts.View.Set()
	switch ended := d.Outcome != removal.Stands; {
	case ended && set != nil && set.Revision() >= d.Revision:
		return "removed"
	case ended:
		return "pending"
	case d.Decision.Code == removal.NotListed:
		return "clear"
	case d.Decision.Code.OK() || d.State == removal.Open:
		return "ticket"
	}
	return "refused"
}

// proofs are the probe address and the text for TXT, where they would change a
// decision.
func (r removalPart) proofs(code removal.Code) (probe, text string) {
	switch {
	case r.Unfixed:
		return "", ""
	case code == removal.NoProof, code == removal.RateLimit:
		return r.Probe, r.Text
	case code == removal.StillOffending, code == removal.MixedTraffic:
		return r.Probe, ""
	}
	return "", ""
}

// resultTitles are by outcome.
var resultTitles = map[string]string{
	"removed": "The listing is removed", "pending": "The listing is being removed", "ticket": "Your request is with our support",
	"still": "It is still listed", "refused": "The listing stands for now", "clear": "Nothing to remove",
}
