package web

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/desk"
	"dnsbld/listing/removal"
)

// removalPart is how the listing can be ended.
type removalPart struct {
	Decision removal.Decision
	Retry    moment // where the decision does not say it itself
	From     bool   // the request comes from the address
	Mend     bool   // it ends when what it rests on is mended, and needs no other proof
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

type formPart struct {
	Action, Token, Button string
	Mail, Note            string
	Fault                 string // what is wrong with Mail
}

func (s *Server) removal(v *visit, l *addressInfo) removalPart {
	r := removalPart{Decision: l.decision, From: comesFrom(v.from, l), TTL: span(v.site.longestTTL()), Retry: retry(l.decision, l.now)}
	if !l.listed() || l.decision.Code == removal.NotListed {
		return r
	}
	token := string(s.parts.Desk.Token(l.address, l.about.Stand))
	if v.site.Texts {
		r.Text = desk.TokenPrefix + token
	}
	if v.site.Probe != "" {
		r.Probe = desk.TokenPrefix + token + "@" + v.site.Probe
	}
	if v.site.Mail != "" {
		r.Appeal = "mailto:" + v.site.Mail + "?subject=" + url.QueryEscape(l.address.String())
	}
	if c := l.about.Came; c != nil {
		r.Came = &camePart{When: at(c.Time, l.now), Proof: c.Proof, Clean: c.Clean}
	}
	r.Mend = l.decision.Code == removal.NoProof && slices.ContainsFunc(l.about.Facts.Entries, func(e delist.Listing) bool {
		return e.Info.SelfDelist == listing.SelfFixed && !e.Fixed
	})
	if l.decision.Code != removal.RateLimit || r.From || r.Text != "" { // else no form could bring a proof
		r.Form = &formPart{Action: "/" + l.address.String(), Token: token, Button: buttonOf(l.decision.Code)}
	}
	if r.Mend {
		r.Form.Button = "Look whether it is mended"
	}
	return r
}

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
		return e.Subject.Bits() < loneCustomerV6 || !e.Subject.Contains(o.addr)
	})
}

// retry is from when on waiting helps, unless the words of the decision say it.
func retry(d removal.Decision, now time.Time) moment {
	if d.RetryAfter == nil || strings.Contains(d.ChangesWhen, d.RetryAfter.UTC().Format("2006-01-02 15:04:05 UTC")) {
		return moment{}
	}
	return at(*d.RetryAfter, now)
}
