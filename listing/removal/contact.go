package removal

import (
	"slices"
	"strings"
	"time"
)

// Contact is a person who asked. It is personal data, kept apart from tickets
// and from the audit: erasing it leaves tickets that name nobody.
type Contact struct {
	ID       string               `json:"id"` // random: NewID('C')
	Mail     string               `json:"mail,omitempty"`
	Name     string               `json:"name,omitempty"`
	Received time.Time            `json:"received"`           // of the first mail or request
	Tickets  []string             `json:"tickets,omitempty"`  // that they asked about
	Answered map[string]time.Time `json:"answered,omitempty"` // by ticket: the last automatic answer
}

// AnswerPause is how long after an automatic answer a correspondent gets no
// other on the same ticket (RFC 3834, section 2).
const AnswerPause = 24 * time.Hour

// Matches reports whether a mail address is the contact's, for those who ask
// what is known of them. Case does not count, for hardly any system counts it.
func (c Contact) Matches(mail string) bool {
	mail = BareMail(mail)
	return mail != "" && mail == BareMail(c.Mail)
}

// Follow notes a ticket that the contact asked about.
func (c *Contact) Follow(ticket string) {
	if !slices.Contains(c.Tickets, ticket) {
		c.Tickets = append(c.Tickets, ticket)
	}
}

// MayAnswer reports whether an automatic answer on a ticket may be sent now.
func (c Contact) MayAnswer(ticket string, now time.Time) bool {
	last, ever := c.Answered[ticket]
	return !ever || now.Sub(last) >= AnswerPause
}

// BareMail is the address out of "Name <local@domain>", in lower case.
func BareMail(s string) string {
	if open := strings.LastIndexByte(s, '<'); open >= 0 {
		s = s[open+1:]
		if end := strings.IndexByte(s, '>'); end >= 0 {
			s = s[:end]
		}
	}
	return strings.ToLower(strings.Trim(s, " \t\r\n<>"))
}
