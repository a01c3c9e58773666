package report

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/sighting"
)

// Grade is how a check came out.
type Grade string

// Grades, from good to bad.
const (
	Pass Grade = "PASS"
	Warn Grade = "WARN"
	Fail Grade = "FAIL"
)

// Check is one thing that was looked at: of those that RFC 6471 asks of a list, or
// of how a zone stands in DNS.
type Check struct {
	Name    string `json:"name"`
	Section string `json:"section,omitempty"` // of RFC 6471
	Grade   Grade  `json:"grade"`
	Text    string `json:"text"`             // one sentence
	Remedy  string `json:"remedy,omitempty"` // what to do about it
}

// Checked is a list as far as a selfcheck looks at it. Book and View are
// needed; what else is missing is graded as that deserves.
type Checked struct {
	Book *listing.Book
	View View
	Desk *DeskState        // nil: there is no support desk here
	Rate *sighting.Breaker // nil: nothing is listed automatically

	Zones   []Zone
	Answers func(netip.Addr) []Answer            // what DNS says now
	Serials func(context.Context) []ServerSerial // what the zones' name servers answer when they are asked
	// MailServers are the addresses to which mail for a domain goes, as many
	// as could be found when there is an error.
	MailServers func(ctx context.Context, domain string) ([]netip.Addr, error)
	Criteria    func() error  // why the criteria that are published are not those in force
	WarnSources time.Duration // how long before the end of a source, and after it, to warn
	Unused      string        // why the configuration that was read last is not in force; empty: it is
}

// View is the served view at the instant of the check.
type View interface {
	Revision() listing.Revision
	Lists(netip.Addr) bool      // for any reason
	Overlaps(netip.Prefix) bool // with any entry
}

// Zone is a zone of the daemon as far as operators need it.
type Zone struct {
	Name        string                  `json:"name"`
	TTL         listing.Life            `json:"ttl"`               // the longest of positive answers
	NegativeTTL listing.Life            `json:"negative_ttl"`      // the longest of negative ones
	Reasons     []listing.Reason        `json:"reasons,omitempty"` // that it answers; none: those that are published
	Serial      uint32                  `json:"serial,omitempty"`
	NS          []string                `json:"ns,omitempty"`   // its name servers
	Glue        map[string][]netip.Addr `json:"-"`              // addresses of name servers, those that are configured
	Mail        string                  `json:"mail,omitempty"` // mailbox of who is responsible, as a name
	Page        string                  `json:"page,omitempty"` // what stands before an address in the URL of its page
	Secondaries []Secondary             `json:"secondaries,omitempty"`
	Mirror      *Mirror                 `json:"mirror,omitempty"` // it is taken from a primary
}

// checkup is a run of all checks.
type checkup struct {
	Checked
	ctx   context.Context
	rules listing.Rules
	all   []Check
}

// Selfcheck grades a list by RFC 6471. What is wrong with the list is in the
// grades; an error says that it could not be looked at.
func Selfcheck(ctx context.Context, of Checked) ([]Check, error) {
	c := &checkup{Checked: of, ctx: ctx, rules: of.Book.Rules()}
	c.criteria()
	c.configuration()
	c.primary()
	for _, check := range []func() error{c.audit, c.entries, c.sources} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	c.contact()
	c.tickets()
	c.payment()
	if err := c.nameServers(); err != nil {
		return nil, err
	}
	for _, check := range []func(){c.testPoints, c.world, c.special, c.canaries, c.rate} {
		check()
	}
	return c.all, nil
}

// add notes how a check came out.
func (c *checkup) add(name, section string, g Grade, format string, args ...any) {
	c.all = append(c.all, Check{Name: name, Section: section, Grade: g, Text: fmt.Sprintf(format, args...)})
}

// verdict adds a check that passes unless something is wrong.
func (c *checkup) verdict(name, section string, bad Grade, wrong []string, fine string) {
	const most = 5
	switch {
	case len(wrong) == 0:
		c.add(name, section, Pass, "%s", fine)
	case len(wrong) > most:
		c.add(name, section, bad, "%s, and %d more", strings.Join(wrong[:most], "; "), len(wrong)-most)
	default:
		c.add(name, section, bad, "%s", strings.Join(wrong, "; "))
	}
}

// criteria: the page about an address is where the criteria are published; it
// is made from the rules in force.
func (c *checkup) criteria() {
	if c.Criteria != nil {
		if err := c.Criteria(); err != nil {
			c.add("criteria", "2.1.1", Fail, "the criteria that are published are not those in force: %v", err)
			return
		}
	}
	var wrong []string
	for _, z := range c.Zones {
		if z.Page == "" {
			wrong = append(wrong, z.Name+" names no page where its criteria can be read")
		}
	}
	if len(c.Zones) == 0 {
		wrong = append(wrong, "no zone is answered from here")
	}
	c.verdict("criteria", "2.1.1", Warn, wrong, "every zone names a page, and the criteria there are those in force")
}

// configuration: the one that was read last is in force. The old one stays when the
// new one is bad, which nobody would notice until the next start fails.
func (c *checkup) configuration() {
	if c.Unused != "" {
		c.add("configuration", "3.8", Warn, "the configuration that was read last is not in force: %s", c.Unused)
		return
	}
	c.add("configuration", "3.8", Pass, "the configuration that was read last is in force")
}

// primary: a mirror hears it.
func (c *checkup) primary() {
	for _, z := range c.Zones {
		if z.Mirror != nil {
			g, text, _ := z.Mirror.Grade(c.Book.Now())
			c.add("primary", "3.8", g, "%s", text)
		}
	}
}

// audit: the chain of records is whole.
func (c *checkup) audit() error {
	v, ok := c.Book.Store().(interface {
		Verify(context.Context) (listing.Verified, error)
	})
	if !ok {
		c.add("audit", "2.1.2", Warn, "this store cannot verify its audit")
		return nil
	}
	_, err := v.Verify(c.ctx)
	switch {
	case c.ctx.Err() != nil:
		return err
	case err != nil:
		c.add("audit", "2.1.2", Fail, "the audit does not verify: %v", err)
	default:
		c.add("audit", "2.1.2", Pass, "the audit chain verifies from the first revision to the last")
	}
	return nil
}

// payment: nobody pays for a removal.
func (c *checkup) payment() {
	paid := regexp.MustCompile(`(?i)\b(fees?|pay(s|ing|ments?)?|donat(e|ions?)|invoices?|purchase|bitcoin|paypal|eur|usd)\b|[$€£]`)
	var wrong []string
	for _, i := range c.rules.Reasons.All() {
		if paid.MatchString(i.Text) {
			wrong = append(wrong, "the text of "+i.Symbol+" speaks of money")
		}
	}
	if c.Desk != nil {
		for _, name := range c.Desk.Mention(paid) {
			wrong = append(wrong, "the letter template "+name+" speaks of money")
		}
	}
	c.verdict("payment", "2.2.5", Fail, wrong, "no text of a reason and no letter speaks of money")
}

// rate: the list does not grow faster than it should.
func (c *checkup) rate() {
	switch b := c.Rate; {
	case b == nil:
		c.add("rate", "3.8", Pass, "nothing is listed automatically here")
	case b.Open:
		c.add("rate", "3.8", Fail, "automatic listing has stopped: %d listings in an hour, %d are the limit", b.Listed, b.Limit)
	default:
		c.add("rate", "3.8", Pass, "%d automatic listings in this hour, of at most %d", b.Listed, b.Limit)
	}
}
