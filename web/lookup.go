package web

import (
	"cmp"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/sighting"
)

// homePage has the search box.
type homePage struct {
	frame
	From string // the address the request comes from, if it is known
}

// home shows the search box, and leads what was typed there to its page.
func (s *Server) home(v *visit) error {
	q := v.URL.Query().Get("q")
	if strings.TrimSpace(q) != "" {
		path, err := s.find(v, q)
		if err == nil {
			http.Redirect(v.w, v.Request, path, http.StatusSeeOther)
		}
		return err
	}
	p := homePage{frame: s.frame(v, v.language.Word("Look up an address"))}
	p.Here = "home"
	if v.from.proven {
		p.From = listing.Canonical(v.from.addr).String()
	}
	return s.render(v, http.StatusOK, "home", p)
}

// addressPage is all that is said of an address.
type addressPage struct {
	frame
	Address   string
	Listed    bool
	Until     moment // when the last reason ends
	Protected string // why the address is never listed
	Within    string // the range that is listed, where that is the only reason
	Reasons   []reasonPart
	HELO      bool // a reason rests on a greeting
	Counting  bool // what is seen anew extends a reason
	Counted   *countedPart
	Means     []string // what was counted means
	Diagnosis sighting.Diagnosis
	Last      *lastPart
	Spared    *sparedPart // what would list it, and does not
	Removal   removalPart
}

// reasonPart is one reason for which the address is listed.
type reasonPart struct {
	Symbol, Text, Why, Answer string
	Prefix, Source, Public    string
	Since, Until              moment
	Level                     int
	ByHand                    bool   // a person listed it, for no greeting
	Ask                       string // whom to ask then
	Sessions                  int    // that were counted for it
	Seen                      moment // the last of them
	Feed                      delist.Feed
	Heard                     []heardPart
}

// heardPart is one greeting as it came, and how often.
type heardPart struct {
	HELO      string
	Times     int
	When      moment // the last time
	Receivers []string
}

// At is the servers that heard it.
func (h heardPart) At() string { return strings.Join(h.Receivers, ", ") }

// countedPart is how the address greeted in 30 days.
type countedPart struct {
	Sessions, Bogus, Clean, Other int
	Days                          []sighting.DayCount
	Rows                          template.HTML // of the table of days
	Busy                          bool          // there are days enough for a chart
	HELOs                         []sighting.HELOCount
}

// fixPage is how a name is set in mail servers.
type fixPage struct {
	frame
	Note  string
	Fixes []fixStep
}

// fixStep is how the name is set in one kind of mail server.
type fixStep struct{ ID, Server, Where, Lines, Also string }

// showFix answers the page on how the name is set.
func (s *Server) showFix(v *visit) error {
	p := fixPage{frame: s.frame(v, v.language.Word("How the name is set")), Note: delist.FixNote}
	for _, f := range delist.Fixes("") {
		id := strings.ReplaceAll(strings.ToLower(f.Server), " ", "-")
		p.Fixes = append(p.Fixes, fixStep{id, f.Server, f.Where, strings.Join(f.Lines, "\n"), f.Also})
	}
	return s.render(v, http.StatusOK, "fix", p)
}

// lastPart is the last listing of an address that is not listed.
type lastPart struct {
	Text, Because string
	Since, Till   moment
}

// sparedPart is an entry that would list the address but for an exception or an
// allow entry.
type sparedPart struct {
	Prefix   string
	Excepted bool
	Own      bool   // the sender had it taken out of
	Source   string // this list
	Feed     delist.Feed
	Until    moment
}

// showAddress answers the page of an address. Each address has one URL: other
// spellings are led to it.
func (s *Server) showAddress(v *visit) error {
	text := v.PathValue("address")
	a, err := parseAddress(text)
	if e, ok := errors.AsType[*listing.Error](err); ok && e.Code == "prefix" {
		return s.showRange(v, text)
	}
	if err != nil {
		return notAPage(text, err)
	}
	if a.String() != text {
		http.Redirect(v.w, v.Request, "/"+a.String(), http.StatusMovedPermanently)
		return nil
	}
	l, err := s.look(v, a, v.now)
	if err != nil {
		return err
	}
	v.w.Header().Set("X-Robots-Tag", "noindex")
	return s.render(v, http.StatusOK, "address", s.addressPage(v, l))
}

// notAPage tells a mistyped address from the name of a page.
func notAPage(text string, err error) error {
	if e, ok := err.(*listing.Error); ok && e.Code != "prefix" && !strings.ContainsAny(text, ".:") {
		return &listing.Error{Kind: listing.ErrNotFound, Code: "no-such-page", Message: "there is no page of this name", Hint: "look up an address below"}
	}
	return err
}

// addressPage gathers what the page says; the template only arranges it.
func (s *Server) addressPage(v *visit, l *addressInfo) addressPage {
	p := addressPage{frame: s.frame(v, l.address.String()), Address: l.address.String(), Listed: l.listed()}
	p.addReasons(l)
	p.Title = v.titleOf(p.Address, p.Listed)
	if never, yes := v.site.Policy.Protects(listing.HostSubject(l.address)); yes {
		p.Protected = never.Subject.Text() + " " + v.language.Word(never.Why)
	}
	account := l.about.Counted.Account()
	account.Diagnosis = cmp.Or(account.Diagnosis, sighting.CannotTell)
	p.Diagnosis = account.Diagnosis
	for _, said := range account.Sentences(p.Address) {
		p.Means = append(p.Means, v.language.Say(said.English, said.Args...))
	}
	if l.about.Counted.Sessions > 0 {
		p.Counted = newCounted(l.about.Counted)
	}
	if !p.Listed {
		p.addFormer(l)
	}
	p.Removal = s.removal(v, l)
	return p
}

// titleOf is the title of a page about an address or a range.
func (v *visit) titleOf(what string, listed bool) string {
	if listed {
		return v.language.Say("%s: listed", what)
	}
	return v.language.Say("%s: not listed", what)
}

// addReasons says why an address is listed, and until when.
func (p *addressPage) addReasons(l *addressInfo) {
	var until time.Time
	for _, e := range l.about.Entries {
		r := newReason(e, l.now)
		r.Ask = p.Mail
		p.Reasons = append(p.Reasons, r)
		p.HELO = p.HELO || e.Shown() && e.Info.Basis == listing.BasisHELO
		p.Counting = p.Counting || e.Info.Counted
		if e.Until.After(until) {
			until = e.Until
		}
	}
	p.Until = at(until, l.now)
	if len(p.Reasons) == 1 {
		p.Within = p.Reasons[0].Prefix
	}
}

// addFormer says of an address that is not listed when it was, and what would list
// it but for an exception or an allow entry.
func (p *addressPage) addFormer(l *addressInfo) {
	if last := l.about.Last; last != nil {
		p.Last = &lastPart{Text: last.Reason.Text, Because: delist.Because(last.Because), Since: at(last.Since, l.now), Till: at(last.Till, l.now)}
	}
	if x := l.about.Spared; x != nil {
		p.Spared = &sparedPart{Prefix: x.Subject.Text(), Excepted: x.WhyNot.Kind == listing.IsExcepted, Until: at(x.WhyNot.Until, l.now), Feed: l.about.Feed}
		p.Spared.Own, p.Spared.Source = p.Spared.Excepted && x.Source != "" && l.about.Own, x.Source
	}
}

// newReason is one entry for the page, with its newest sessions if it rests on
// greetings.
func newReason(e delist.Evident, now time.Time) reasonPart {
	p := reasonPart{Symbol: e.Info.Symbol, Text: e.Info.Text, Why: e.Info.Explanation, Answer: answerOf(e.Reason),
		Source: e.Source, Public: e.Info.Note(e.PublicNote), Since: at(e.Since, now), Until: at(e.Until, now), Level: e.Level,
		ByHand: e.Reason == listing.Manual || e.Reason == listing.Network}
	if e.Subject.IsValid() && !e.Subject.IsHost() {
		p.Prefix = e.Subject.String()
	}
	p.Feed, p.Sessions = e.Feed, e.Sessions
	var last time.Time
	for _, m := range e.Samples {
		if m.Time.After(last) {
			last = m.Time
		}
	}
	p.Seen = at(last, now)
	if e.Info.Basis == listing.BasisHELO { // else what it said has nothing to do with it
		p.Heard = heardOf(e.Samples, now)
	}
	return p
}

// heardOf are the greetings of samples, each once, the newest first.
func heardOf(samples []listing.Sample, now time.Time) (all []heardPart) {
	const most = 5
	samples = slices.Clone(samples)
	slices.SortStableFunc(samples, func(x, y listing.Sample) int { return y.Time.Compare(x.Time) })
	for _, m := range samples {
		n := slices.IndexFunc(all, func(h heardPart) bool { return h.HELO == m.HELO })
		if n < 0 {
			if len(all) == most {
				continue
			}
			n, all = len(all), append(all, heardPart{HELO: m.HELO, When: at(m.Time, now)})
		}
		all[n].Times++
		if m.Receiver != "" && !slices.Contains(all[n].Receivers, m.Receiver) {
			all[n].Receivers = append(all[n].Receivers, m.Receiver)
		}
	}
	return all
}

// newCounted is what was counted. One day is no chart.
func newCounted(f sighting.Facts) *countedPart {
	p := &countedPart{Sessions: f.Sessions, Bogus: f.Bogus, Clean: f.Clean, Other: max(0, f.Sessions-f.Bogus-f.Clean), HELOs: f.HELOs, Days: f.Days}
	busy := 0
	for _, d := range f.Days {
		if d.Bogus+d.Clean > 0 {
			busy++
		}
	}
	if p.Busy = busy > 1; p.Busy {
		p.Rows = table(f.Days)
	}
	return p
}

// answerOf is what DNS answers for a reason (RFC 5782, section 2.1).
func answerOf(r listing.Reason) string { return "127.0.0." + strconv.Itoa(int(r)) }
