package ctl

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/desk"
)

// Grade is how a check came out.
type Grade string

// Grades, from good to bad.
const (
	Pass Grade = "PASS"
	Warn Grade = "WARN"
	Fail Grade = "FAIL"
)

// Check is one thing that RFC 6471 asks of a list.
type Check struct {
	Name    string `json:"name"`
	Section string `json:"section"` // of RFC 6471
	Grade   Grade  `json:"grade"`
	Text    string `json:"text"` // one sentence
}

// checkup is a run of all checks.
type checkup struct {
	*Server
	ctx   context.Context
	now   time.Time
	zones []Zone
	all   []Check
}

func (s *Server) selfcheck(w http.ResponseWriter, r *http.Request, _ Caller) error {
	c := &checkup{Server: s, ctx: r.Context(), now: s.cfg.Book.Now(), all: []Check{}}
	if s.cfg.Zones != nil {
		c.zones = s.cfg.Zones()
	}
	for _, check := range []func() error{c.criteria, c.audit, c.entries, c.contact, c.tickets, c.payment, c.nameServers, c.testPoints, c.world, c.special, c.canaries, c.change} {
		if err := check(); err != nil {
			return err
		}
	}
	return reply(w, http.StatusOK, c.all)
}

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
func (c *checkup) criteria() error {
	var wrong []string
	for _, z := range c.zones {
		if z.Page == "" {
			wrong = append(wrong, z.Name+" names no page where its criteria can be read")
		}
	}
	if len(c.zones) == 0 {
		wrong = append(wrong, "no zone is answered from here")
	}
	if c.cfg.Criteria != nil {
		if err := c.cfg.Criteria(); err != nil {
			c.add("criteria", "2.1.1", Fail, "the criteria that are published are not those in force: %v", err)
			return nil
		}
	}
	c.verdict("criteria", "2.1.1", Warn, wrong, "every zone names a page, and the criteria there are those in force")
	return nil
}

// audit: the chain of records is whole.
func (c *checkup) audit() error {
	v, ok := c.cfg.Book.Store().(interface {
		Verify(context.Context) (listing.Verified, error)
	})
	if !ok {
		c.add("audit", "2.1.2", Warn, "this store cannot verify its audit")
		return nil
	}
	_, err := v.Verify(c.ctx)
	if c.ctx.Err() != nil {
		return err
	}
	if err != nil {
		c.add("audit", "2.1.2", Fail, "the audit does not verify: %v", err)
		return nil
	}
	c.add("audit", "2.1.2", Pass, "the audit chain verifies from the first revision to the last")
	return nil
}

// entries: each ends, none over its cap, and none so wide that it lists a good
// part of the world.
func (c *checkup) entries() error {
	var endless, world []string
	n, v4 := 0, 0.0 // entries, and how many IPv4 addresses they list
	rules := c.cfg.Book.Rules()
	err := c.cfg.Book.Store().View(c.ctx, func(snap listing.Snapshot) error {
		sources, err := listing.SourcesOf(snap)
		if err != nil {
			return err
		}
		for e, err := range snap.Each(listing.Subject{}) {
			if err != nil {
				return err
			}
			end := sources.End(e.Source, e.Until)
			if e.Except || !c.now.Before(end) {
				continue
			}
			n++
			if bits := e.Subject.Bits(); e.Subject.Addr().Is4() {
				v4 += math.Exp2(float64(32 - bits))
			}
			longest := rules.Policy.Longest
			if info, ok := rules.Reasons.Info(e.Reason); ok && e.Source == "" {
				longest = min(longest, info.Longest)
			}
			if end.Sub(c.now) > longest.Duration() {
				endless = append(endless, fmt.Sprintf("%s lives longer than %s", e.Subject.Text(), longest))
			}
			if bits := e.Subject.Bits(); (e.Subject.Addr().Is4() && bits < rules.Policy.WidestV4) || (!e.Subject.Addr().Is4() && bits < rules.Policy.WidestV6) {
				world = append(world, e.Subject.String()+" is wider than anything may be")
			}
		}
		return nil
	})
	c.verdict("temporary", "2.2.1", Fail, endless, fmt.Sprintf("each of %d entries ends, none later than its cap", n))
	c.verdict("width", "3.4", Fail, world, "no entry is wider than policy.widest_v4 and policy.widest_v6 let it be")
	c.size(v4)
	return err
}

// size: a list that holds a good part of the Internet is a mistake.
func (c *checkup) size(v4 float64) {
	const some, many = 0.02, 0.2
	share := v4 / math.Exp2(32)
	grade := Pass
	switch {
	case share > many:
		grade = Fail
	case share > some:
		grade = Warn
	}
	c.add("size", "3.8", grade, "the entries list at most %.3g %% of all IPv4 addresses", 100*share)
}

// contact: there is one, and the list does not block it.
func (c *checkup) contact() error {
	if c.cfg.Desk == nil {
		c.add("contact", "2.2.2", Warn, "there is no support desk here")
		return nil
	}
	s := c.cfg.Desk.Settings()
	if s.Mail == "" && s.Page == "" {
		c.add("contact", "2.2.2", Fail, "letters name nowhere to ask for a removal: set desk.page or desk.mail")
		return nil
	}
	var wrong []string
	for _, p := range c.cfg.Book.Rules().Policy.Never {
		if shown, err := c.answered(p.Subject.Addr()); err != nil {
			return err
		} else if shown {
			wrong = append(wrong, p.Subject.Text()+", which "+p.Why+", is listed")
		}
	}
	if s.Mail == "" {
		c.verdict("contact", "2.2.2", Fail, wrong, "removals are asked for at "+s.Page+", and our own servers are not listed")
		return nil
	}
	servers, unknown := c.mailServers(s.Mail)
	for _, a := range servers {
		if shown, err := c.answered(a); err != nil {
			return err
		} else if shown {
			wrong = append(wrong, a.String()+", to which mail for "+s.Mail+" goes, is listed")
		}
	}
	if len(wrong) == 0 && unknown != nil {
		c.add("contact", "2.2.2", Warn, "our own servers are not listed, but whether those are to which mail for %s goes is not known: %v", s.Mail, unknown)
		return nil
	}
	c.verdict("contact", "2.2.2", Fail, wrong, "removals are asked for at "+s.Mail+", and neither its mail servers nor our own are listed")
	return nil
}

// mailServers are the addresses to which mail for an address of ours goes.
func (c *checkup) mailServers(mail string) ([]netip.Addr, error) {
	if c.cfg.MailServers == nil {
		return nil, errors.New("DNS is not asked")
	}
	_, domain, _ := strings.Cut(mail, "@")
	ctx, cancel := context.WithTimeout(c.ctx, allTime)
	defer cancel()
	return c.cfg.MailServers(ctx, domain)
}

// answered reports whether an address is answered as listed.
func (c *checkup) answered(a netip.Addr) (bool, error) {
	set := c.cfg.Live.Set()
	if set == nil {
		return false, &listing.Error{Kind: listing.ErrUnavailable, Code: "starting", Message: "the list is being loaded", Hint: "try again in a few seconds"}
	}
	return len(set.Lookup(a, uint32(c.now.Unix()), nil)) > 0, nil
}

// Targets of an answer to a request.
const (
	promptly = listing.Day
	tooLate  = 7 * listing.Day
)

// tickets: none has waited too long, and all decisions are published ones.
func (c *checkup) tickets() error {
	if c.cfg.Desk == nil {
		return nil
	}
	all, err := c.cfg.Desk.Tickets(c.ctx, desk.Query{All: true})
	if err != nil {
		return err
	}
	var oldest delist.Ticket
	var unknown []string
	for _, t := range all {
		if waits(t.State) && (oldest.ID == "" || t.Changed.Before(oldest.Changed)) {
			oldest = t
		}
		if t.Decision != "" && !slices.Contains(delist.Codes(), t.Decision) {
			unknown = append(unknown, fmt.Sprintf("ticket %s was decided as %s", t.ID, t.Decision))
		}
	}
	switch age := c.now.Sub(oldest.Changed); {
	case oldest.ID == "" || age <= promptly:
		c.add("prompt", "2.2.3", Pass, "no ticket has waited for us for a day")
	case age <= tooLate:
		c.add("prompt", "2.2.3", Warn, "ticket %s has waited since %s", oldest.ID, oldest.Changed.UTC().Format(time.RFC3339))
	default:
		c.add("prompt", "2.2.3", Fail, "ticket %s has waited since %s, over 7 days", oldest.ID, oldest.Changed.UTC().Format(time.RFC3339))
	}
	c.verdict("codes", "2.2.4", Fail, unknown, "only published codes were decided")
	return nil
}

// waits reports whether a ticket waits for us and not for the sender.
func waits(s delist.State) bool {
	return s == delist.New || s == delist.Eligible || s == delist.Appealed || s == delist.Overturned
}

// payment: nobody pays for a removal.
func (c *checkup) payment() error {
	paid := regexp.MustCompile(`(?i)\b(fees?|pay(s|ing|ments?)?|donat(e|ions?)|invoices?|purchase|bitcoin|paypal|eur|usd)\b|[$€£]`)
	var wrong []string
	for _, i := range c.cfg.Book.Rules().Reasons.All() {
		if paid.MatchString(i.Text) {
			wrong = append(wrong, "the text of "+i.Symbol+" speaks of money")
		}
	}
	if c.cfg.Desk != nil {
		for _, name := range c.cfg.Desk.Settings().Letters.Mention(paid) {
			wrong = append(wrong, "the letter template "+name+" speaks of money")
		}
	}
	c.verdict("payment", "2.2.5", Fail, wrong, "no text of a reason and no letter speaks of money")
	return nil
}

// special: addresses that nobody has of his own are never listed.
func (c *checkup) special() error {
	var wrong []string
	for _, text := range []string{"0.0.0.1", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.0.1", "172.16.0.1", "192.168.0.1", "224.0.0.1", "255.255.255.255",
		"::1", "fc00::1", "fe80::1", "ff02::1", "64:ff9b::1"} {
		listed, err := c.answered(netip.MustParseAddr(text))
		if err != nil {
			return err
		}
		if listed {
			wrong = append(wrong, text+" is listed")
		}
	}
	c.verdict("special", "3.5", Fail, wrong, "no private, local or multicast address is listed")
	return nil
}

// canaries: what must never be listed is not.
func (c *checkup) canaries() error {
	canaries := c.cfg.Book.Rules().Policy.Canaries
	if len(canaries) == 0 {
		c.add("canaries", "3.8", Warn, "no canaries are named: set policy.canaries to big senders, whose listing is a sign of a mistake")
		return nil
	}
	set := c.cfg.Live.Set()
	var wrong []string
	for _, s := range canaries {
		if set != nil && set.Overlaps(s.Prefix) {
			wrong = append(wrong, s.Text()+" is listed, or a part of it")
		}
	}
	c.verdict("canaries", "3.8", Fail, wrong, "none of the canaries is listed")
	return nil
}

// change: the list does not grow faster than it should.
func (c *checkup) change() error {
	if c.cfg.Sensor == nil {
		c.add("rate", "3.8", Pass, "nothing is listed automatically here")
		return nil
	}
	b := c.cfg.Sensor.Status().Breaker
	if b.Open {
		c.add("rate", "3.8", Fail, "automatic listing has stopped: %d listings in an hour, %d are the limit", b.Listed, b.Limit)
		return nil
	}
	c.add("rate", "3.8", Pass, "%d automatic listings in this hour, of at most %d", b.Listed, b.Limit)
	return nil
}

// Selfcheck is how the list stands to RFC 6471.
func (c *Client) Selfcheck(ctx context.Context) (out []Check, err error) {
	return out, c.call(ctx, http.MethodGet, "/v1/selfcheck", nil, nil, &out)
}
