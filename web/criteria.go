package web

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"dnsbld/listing"
	"dnsbld/listing/language"
	"dnsbld/listing/removal"
	"dnsbld/listing/sighting"
)

// criteria are the rules in force, made from the configuration: there is no
// other text that could differ from it.
type criteria struct {
	Zones   []zonePart
	Reasons []criterion
	Policy  policyPart
	Codes   []codePart
	PerWeek int
	TTL     string
}

// zonePart is a zone; no reasons are named where it answers all published ones.
type zonePart struct{ Name, TTL, Reasons string }

// criterion is a reason with what it takes to be listed for it, and how it ends.
type criterion struct {
	Code                 listing.Reason
	Symbol, Text, Answer string
	Takes                []string // what it takes, a clause each; none: no sessions are counted for it
	Sole                 []string // while one receiver alone reports; none: nothing suffices then
	Lasts                string
	Removal              string
	Shown                bool
}

// policyPart is how widely may be listed, and what never is.
type policyPart struct {
	WidestV4, WidestV6, HandV4, HandV6 int
	Longest                            string
	Never                              []string
}

// codePart is a decision and when it is made.
type codePart struct {
	Code  removal.Code
	Words string
}

// newCriteria makes the rules out of a configuration.
func newCriteria(c Config, l *language.Language) criteria {
	out := criteria{PerWeek: c.PerWeek, TTL: l.Span(c.LongestTTL())}
	for _, z := range c.Zones {
		var shown []string
		for _, r := range z.Reasons {
			shown = append(shown, c.Reasons.Symbol(r))
		}
		out.Zones = append(out.Zones, zonePart{z.Name, l.Span(z.TTL), strings.Join(shown, ", ")})
	}
	for _, i := range c.Reasons.All() {
		k := criterion{Code: i.Code, Symbol: i.Symbol, Text: i.Text, Answer: answerOf(i.Code), Lasts: lasts(l, i, c.Policy.Longest), Removal: removalWords[i.SelfDelist], Shown: c.answers(i.Code)}
		if t, counted := c.Thresholds[i.Code]; counted {
			k.Takes = clauses(l, t)
			if sole, possible := t.Sole(); possible {
				k.Sole = clauses(l, sole)
			}
		}
		out.Reasons = append(out.Reasons, k)
	}
	p := c.Policy
	out.Policy = policyPart{WidestV4: p.WidestV4, WidestV6: p.WidestV6, HandV4: p.HandV4, HandV6: p.HandV6, Longest: l.Span(p.Longest.Duration())}
	for _, n := range p.NeverList() {
		out.Policy.Never = append(out.Policy.Never, n.Subject.Text()+" "+l.Word(n.Why))
	}
	for _, code := range removal.Codes() {
		out.Codes = append(out.Codes, codePart{code, codeWords[code]})
	}
	return out
}

// lasts says how long a listing for a reason lives.
func lasts(l *language.Language, i listing.ReasonInfo, longest listing.Life) string {
	base, most := l.Span(i.Base.Duration()), l.Span(min(i.Longest, longest).Duration())
	switch {
	case i.Base <= 0:
		return l.Say("as given, at most %s", most)
	case i.Repeat > 1:
		return l.Say("%s, ×%d each time it comes back, at most %s", base, i.Repeat, most)
	}
	return l.Say("%s, at most %s", base, most)
}

var removalWords = map[listing.SelfDelist]string{
	listing.SelfYes:   "by the sender, at once",
	listing.SelfTwice: "by the sender, from the third listing on by our support",
	listing.SelfProof: "by the sender once in 30 days, then with proof",
	listing.SelfFixed: "by the sender, as soon as it is fixed",
	listing.SelfNo:    "by the operator",
}

// clauses say what a threshold takes.
func clauses(l *language.Language, t sighting.Threshold) []string {
	all := []string{l.Say("at least %s", l.Count(t.Sessions, "session"))}
	add := func(n int, format string) {
		if n > 1 {
			all = append(all, l.Say(format, n))
		}
	}
	add(t.Hours, "in at least %d different hours")
	add(t.Receivers, "at %d or more of our servers")
	add(t.Targets, "with at least %d different false names")
	if t.Share > 0 {
		all = append(all, l.Say("which are at least %s %% of the address's sessions", strconv.FormatFloat(100*t.Share, 'g', -1, 64)))
	}
	var either []string
	for _, a := range t.Also {
		either = append(either, alternative(l, a))
	}
	if len(either) > 0 {
		all = append(all, l.Say("and besides %s", strings.Join(either, l.Word(", or "))))
	}
	return all
}

// alternative says one of the ways to pass a threshold.
func alternative(l *language.Language, a sighting.Alternative) string {
	var all []string
	for _, part := range []struct {
		n      int
		format string
	}{{a.Sessions, "%d sessions"}, {a.Targets, "%d different false names"}, {a.Receivers, "%d of our servers"}} {
		if part.n > 0 {
			all = append(all, l.Say(part.format, part.n))
		}
	}
	return l.Say("at least %s", strings.Join(all, l.Word(" and ")))
}

// criteriaPage is the rules for people.
type criteriaPage struct {
	frame
	criteria
}

// criteriaHTML makes the page in each language, once for a configuration.
func (s *Server) criteriaHTML(site *site) (map[string][]byte, error) {
	all := map[string][]byte{}
	for _, l := range site.languages.All() {
		v := &visit{site: site, language: l}
		p := criteriaPage{frame: s.frame(v, l.Word("Criteria")), criteria: newCriteria(site.Config, l)}
		p.Here = "criteria"
		var body bytes.Buffer
		if err := site.sets[l.Tag()].ExecuteTemplate(&body, "criteria", p); err != nil {
			return nil, fmt.Errorf("making the page of the criteria: %w", err)
		}
		all[l.Tag()] = body.Bytes()
	}
	return all, nil
}

// showCriteria sends the page that was made when the configuration came into force.
func (s *Server) showCriteria(v *visit) error {
	v.send(http.StatusOK, htmlType, bytes.NewBuffer(v.site.criteria[v.language.Tag()]))
	return nil
}

// Criteria are the rules for programs: what a check holds against the running
// configuration.
type Criteria struct {
	Zones      []string                      `json:"zones"`
	Reasons    []listing.ReasonInfo          `json:"reasons"`
	Thresholds map[string]sighting.Threshold `json:"thresholds"`
	PerWeek    int                           `json:"requests_per_week"`
	Decisions  []removal.Code                `json:"decisions"`
	Longest    listing.Life                  `json:"longest"`
	WidestV4   int                           `json:"widest_v4"`
	WidestV6   int                           `json:"widest_v6"`
}

// criteriaJSON is the page for programs.
func (s *Server) criteriaJSON(v *visit) error {
	c := v.site.Config
	out := Criteria{Reasons: slices.Clone(c.Reasons.All()), Thresholds: c.Thresholds.BySymbol(), PerWeek: c.PerWeek, Decisions: removal.Codes(),
		Longest: c.Policy.Longest, WidestV4: c.Policy.WidestV4, WidestV6: c.Policy.WidestV6}
	for _, z := range c.Zones {
		out.Zones = append(out.Zones, z.Name)
	}
	return s.reply(v, http.StatusOK, out)
}

// Thresholds are those that the page of criteria says.
func (s *Server) Thresholds() sighting.Thresholds { return s.site.Load().Thresholds }
