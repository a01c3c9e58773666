package report

import (
	"context"
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"dnsbld/listing"
)

// DeskState is the support desk as far as a selfcheck looks at it.
type DeskState struct {
	Mail, Page string    // where removals are asked for; empty: not there
	Waiting    string    // the ticket that has waited longest for us; empty: none waits
	Since      time.Time // how long it has
	Unknown    []string  // of each ticket that was decided with a code that is not published, a sentence
	Mention    func(*regexp.Regexp) []string
}

// contact: there is one, and the list does not block it.
func (c *checkup) contact() {
	switch {
	case c.Desk == nil:
		c.add("contact", "2.2.2", Warn, "there is no support desk here")
		return
	case c.Desk.Mail == "" && c.Desk.Page == "":
		c.add("contact", "2.2.2", Fail, "letters name nowhere to ask for a removal: set desk.page or desk.mail")
		return
	}
	var wrong []string
	for _, p := range c.rules.Policy.Never {
		if c.View.Lists(p.Subject.Addr()) {
			wrong = append(wrong, p.Subject.Text()+", which "+p.Why+", is listed")
		}
	}
	mail := c.Desk.Mail
	if mail == "" {
		c.verdict("contact", "2.2.2", Fail, wrong, "removals are asked for at "+c.Desk.Page+", and our own servers are not listed")
		return
	}
	servers, unknown := c.mailServers(mail)
	for _, a := range servers {
		if c.View.Lists(a) {
			wrong = append(wrong, a.String()+", to which mail for "+mail+" goes, is listed")
		}
	}
	if len(wrong) == 0 && unknown != nil {
		c.add("contact", "2.2.2", Warn, "our own servers are not listed, but whether those are to which mail for %s goes is not known: %v", mail, unknown)
		return
	}
	c.verdict("contact", "2.2.2", Fail, wrong, "removals are asked for at "+mail+", and neither its mail servers nor our own are listed")
}

// mailServers are the addresses to which mail for an address of ours goes.
func (c *checkup) mailServers(mail string) ([]netip.Addr, error) {
	if c.MailServers == nil {
		return nil, errors.New("DNS is not asked")
	}
	_, domain, _ := strings.Cut(mail, "@")
	ctx, cancel := context.WithTimeout(c.ctx, allTime)
	defer cancel()
	return c.MailServers(ctx, domain)
}

// Targets of an answer to a request.
const (
	promptly = listing.Day
	tooLate  = 7 * listing.Day
)

// tickets: none has waited too long, and all decisions are published ones.
func (c *checkup) tickets() {
	if c.Desk == nil {
		return
	}
	since := c.Desk.Since.UTC().Format(time.RFC3339)
	switch age := c.Book.Now().Sub(c.Desk.Since); {
	case c.Desk.Waiting == "" || age <= promptly:
		c.add("prompt", "2.2.3", Pass, "no ticket has waited for us for a day")
	case age <= tooLate:
		c.add("prompt", "2.2.3", Warn, "ticket %s has waited since %s", c.Desk.Waiting, since)
	default:
		c.add("prompt", "2.2.3", Fail, "ticket %s has waited since %s, over 7 days", c.Desk.Waiting, since)
	}
	c.verdict("codes", "2.2.4", Fail, c.Desk.Unknown, "only published codes were decided")
}
