package web

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/language"
	"dnsbld/listing/removal"
)

// removalPart is how the listing can be ended.
type removalPart struct {
	Decision removal.Decision
	Retry    moment // where the decision does not say it itself
	Word     bool   // it rests on somebody's word: how the address greets is no proof
	Threat   bool   // what it did leads to another listing
	From     bool   // the request comes from the address
	Unfixed  bool   // it ends when what it rests on is fixed, and needs no other proof
	Came     *camePart
	Probe    string // where a mail from the address is proof
	Text     string // what in TXT at its name is proof
	TTL      string // how long resolvers keep an answer
	Form     *formPart
	Appeal   string // mailto: of who decides on appeals
}

// camePart is the last mail to the probe address.
type camePart struct {
	When         moment
	Proof, Clean bool
}

// formPart is the form that asks for the removal.
type formPart struct {
	Action, Token, Button string
	Mail, Note            string
	Fault                 string // what is wrong with Mail
}

// removal says how a listing can be ended, and offers the form where one helps.
func (s *Server) removal(v *visit, l *addressInfo) removalPart {
	r := removalPart{Decision: l.decision, Word: l.onWord(), Threat: slices.ContainsFunc(l.about.Entries, delist.Evident.Cause),
		From: comesFrom(v.from, l), TTL: v.language.Span(v.site.LongestTTL()), Retry: retry(l.decision, l.now)}
	if !l.listed() || l.decision.Code == removal.NotListed {
		return r
	}
	token := s.parts.Desk.Token(l.address, l.about.Stand)
	r.Probe, r.Text = v.site.Proofs(token)
	if v.site.Mail != "" {
		r.Appeal = "mailto:" + v.site.Mail + "?subject=" + url.QueryEscape(l.address.String())
	}
	if c := l.about.Came; c != nil {
		r.Came = &camePart{When: at(c.Time, l.now), Proof: c.Proof, Clean: c.Clean}
	}
	r.Unfixed = l.decision.Code == removal.NoProof && slices.ContainsFunc(l.about.Facts.Entries, func(e delist.Listing) bool {
		return e.Info.SelfDelist == listing.SelfFixed && !e.Fixed
	})
	useless := l.decision.Code == removal.RateLimit && !r.From && r.Text == "" || // no form could bring a proof
		l.decision.Code == removal.ExpiresSoon // it ends before anybody would look
	if !useless {
		r.Form = &formPart{Action: "/" + l.address.String(), Token: string(token), Button: buttonOf(l.decision.Code)}
	}
	if r.Unfixed {
		r.Form.Button = lookButton
	}
	return r
}

// lookButton is that of what ends when it is fixed.
const lookButton = "Look whether it is fixed"

// buttonOf says what pressing the button does.
func buttonOf(c removal.Code) string {
	switch c {
	case removal.OKSelf:
		return "Remove the listing"
	case removal.OKSupport:
		return "Ask our support"
	case removal.NoProof, removal.Identity, removal.RateLimit:
		return "Check the proof and remove the listing"
	}
	return "Open a ticket"
}

// comesFrom reports whether a request comes from the address it is about. Where
// what is listed is no wider than what one IPv6 customer has, any address of it
// speaks for it.
func comesFrom(o origin, l *addressInfo) bool {
	if !o.proven || o.addr == l.address {
		return o.proven
	}
	return o.addr.Is6() && l.listed() && !slices.ContainsFunc(l.about.Entries, func(e delist.Evident) bool {
		return e.Subject.Bits() < listing.ClientBits || !e.Subject.Contains(o.addr)
	})
}

// retry is from when on waiting helps, unless that is past or the words of the decision say it.
func retry(d removal.Decision, now time.Time) moment {
	if d.RetryAfter == nil || strings.Contains(d.ChangesWhen, language.Stamp(*d.RetryAfter)) {
		return moment{}
	}
	return ahead(*d.RetryAfter, now)
}
