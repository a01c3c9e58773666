package delist

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"dnsbld/listing/language"
	"dnsbld/listing/removal"
)

// Notice is what a mail says to an address that somebody typed on the page. Nobody
// has shown that the address is his. So it holds no word that a stranger chose: no
// greeting, no name, no note.
type Notice struct {
	Zone, Desk   string
	Page, Follow string // of the address, and of the request; empty: there is none
	Probe        string // where a mail from the address is proof, if proof is needed
	Ticket       string
	Reference    string // of the mail
	Address      netip.Addr
	Decision     removal.Decision
	Outcome      removal.Outcome
	Still        bool      // with an Outcome: the address is listed all the same
	EffectiveBy  time.Time // with an Outcome: when resolvers have it
	Language     *language.Language
	Waits        bool      // without an Outcome: a person reads the request
	ReadBy       time.Time // by when; its zero value: that is past already
}

// Subject is the subject of the mail that carries it.
func (n Notice) Subject() string {
	in := n.Language
	s := in.Say("%s and %s: the answer to your request", n.Address, oneLine(n.Zone))
	switch {
	case n.Outcome != removal.Stands && n.Still:
		s = in.Say("%s and %s: still listed", n.Address, oneLine(n.Zone))
	case n.Outcome != removal.Stands:
		s = in.Say("%s and %s: the listing has ended", n.Address, oneLine(n.Zone))
	case n.Waits:
		s = in.Say("%s and %s: we look at your request", n.Address, oneLine(n.Zone))
	}
	if n.Ticket != "" {
		s += " [" + n.Ticket + "]"
	}
	return s
}

// Sentence and Changes are those of the decision, in the notice's language.
func (n Notice) Sentence() ready { return ready(n.Decision.Sentence) }

// Changes is what would change the decision.
func (n Notice) Changes() ready { return ready(n.Decision.ChangesWhen) }

// Notice writes it.
func (l *Letters) Notice(n Notice) (string, error) {
	var out strings.Builder
	if err := l.in(n.Language).ExecuteTemplate(&out, "notice", n); err != nil {
		return "", fmt.Errorf("writing the notice: %w", err)
	}
	return fill(out.String()), nil
}
