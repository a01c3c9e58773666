package delist

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

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
	ReadBy       time.Time // by when a person reads the request; its zero value: none does
}

// Subject is the subject of the mail that carries it.
func (n Notice) Subject() string {
	what := "the answer to your request"
	switch {
	case n.Outcome != removal.Stands && n.Still:
		what = "still listed"
	case n.Outcome != removal.Stands:
		what = "removed from the list"
	case !n.ReadBy.IsZero():
		what = "we look at your request"
	}
	s := fmt.Sprintf("%s and %s: %s", n.Address, oneLine(n.Zone), what)
	if n.Ticket != "" {
		s += " [" + n.Ticket + "]"
	}
	return s
}

// Notice writes it.
func (l *Letters) Notice(n Notice) (string, error) {
	var out strings.Builder
	if err := l.set.ExecuteTemplate(&out, "notice", n); err != nil {
		return "", fmt.Errorf("writing the notice: %w", err)
	}
	return fill(out.String()), nil
}
