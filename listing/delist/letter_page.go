package delist

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/sighting"
)

// page is what templates see: words that are ready to be printed, each one
// line of printable ASCII. Templates have no way to anything else.
type page struct {
	Zone, Address, Page, Desk          string
	Probe, Proof                       string // proof by mail to it, and in TXT
	Now, EffectiveBy, Delay            string
	Decision, Sentence, Changes, Retry string
	Outcome                            string
	Listed                             bool
	Asked                              bool // the letter answers what somebody sent us
	HELO                               bool // a HELO reason is among the listings
	Unmended                           bool // what a listing rests on can still be seen
	Reasons                            []block
	Traffic                            *trafficPage
	Diagnosis, Means                   string   // its name, and the same in words
	Steps                              []string // to do about it
	FixNote                            string   // before Fixes
	Fixes                              []Fix    // how the name is set
	Server                             string   // that their message points to, whose fix stands first; empty: of none
	OK                                 bool     // the decision allows it
	Last                               *endedPage
	Claims                             []claimPage
	ListedThen, Then                   string
	Wait                               string // Retry, where Changes does not say it
	NoEvidence                         bool   // of what was listed, where the letter apologises
	Reference, Ticket, References      string
}

// block is what the template of a reason sees.
type block struct {
	Address, Prefix      string
	Symbol, Text, Answer string
	Basis, Title         string
	Why                  string // what the reason means
	Since, Until         string
	Level                int
	Source, Public       string // Public is without the last dot
	Sessions             int
	Receivers            string
	First, Last          string // of the samples
	Sightings            []samplePage
	Counted              bool // what is seen extends it: rules count for the reason
	Range                bool // Prefix is more than the address
	Escaped              bool // a greeting has octets that cannot be printed
	Printed              string
}

type samplePage struct{ Time, Receiver, HELO, DNS string }

type trafficPage struct {
	From, To               string
	Sessions, Clean, Bogus int
	Others                 int
	HELOs                  []heloPage
}

type heloPage struct {
	HELO     string
	Sessions int
}

type endedPage struct{ Symbol, Text, Since, Till, Because string }

type claimPage struct {
	What, Text, Proves, DoesNotProve string
	Counts                           bool // it speaks of HELO
	HELO                             string
}

// Limits of a letter.
const (
	maxSightings   = 5
	maxLetterClaim = 8
	maxHELO        = 300 // octets of a greeting
)

func newPage(f LetterFacts) *page {
	p := &page{
		Zone: line(f.Zone), Address: f.Address.String(), Page: line(f.Page), Desk: line(f.Desk), Probe: line(f.Probe), Proof: line(f.Text),
		Now: stamp(f.Now), EffectiveBy: optional(f.EffectiveBy),
		Decision: string(f.Decision.Code), Sentence: line(f.Decision.Sentence), Changes: line(f.Decision.ChangesWhen),
		OK: f.Decision.Code.OK(), Outcome: string(f.Outcome), Listed: len(f.Entries) > 0,
		Reference: line(f.Reference), Ticket: line(f.Ticket),
	}
	if f.Decision.RetryAfter != nil {
		p.Retry = stamp(*f.Decision.RetryAfter)
		if f.Decision.Code.Waits() && !strings.Contains(p.Changes, p.Retry) {
			p.Wait = p.Retry
		}
	}
	if d := f.EffectiveBy.Sub(f.Now); !f.EffectiveBy.IsZero() && d > 0 {
		p.Delay = span(d)
	}
	var theirs []string
	for _, r := range f.References {
		theirs = append(theirs, line(r))
	}
	p.References = join(theirs)
	for _, e := range f.Entries {
		p.Reasons = append(p.Reasons, newBlock(f, e))
		p.HELO = p.HELO || e.Info.Basis == listing.BasisHELO
		p.Unmended = p.Unmended || unmended(e.Listing)
	}
	stands := f
	stands.Outcome = Stands
	p.NoEvidence = stands.Evidence() != nil
	if f.Outcome == Removed && p.NoEvidence { // say nothing of what cannot be shown
		p.Reasons = nil
	}
	p.conclude(f)
	return p
}

// conclude adds what is drawn from the facts.
func (p *page) conclude(f LetterFacts) {
	if p.HELO {
		d := cmp.Or(f.Traffic.Diagnosis, sighting.CannotTell)
		p.Diagnosis, p.Means, p.Steps = string(d), d.Sentence(), d.Steps()
		if f.Finding != nil && d != sighting.SecondHost { // what they run is not that other sender
			p.Server = f.Finding.Server
		}
		p.FixNote, p.Fixes = FixNote, Fixes(p.Server)
		if f.Traffic.Sessions > 0 {
			p.Traffic = newTraffic(f.Traffic)
		}
	}
	if f.Last != nil {
		p.Last = &endedPage{Symbol: f.Last.Reason.Symbol, Text: line(f.Last.Reason.Text), Since: stamp(f.Last.Since),
			Till: stamp(f.Last.Till), Because: Because(f.Last.Because)}
	}
	if f.Finding == nil {
		return
	}
	p.Asked = true
	p.Claims = newClaims(f.Finding.Claims)
	if f.Finding.ListedThen != nil && f.Finding.Time != nil {
		p.Then, p.ListedThen = stamp(*f.Finding.Time), "not listed"
		if *f.Finding.ListedThen {
			p.ListedThen = "listed"
		}
	}
}

// newClaims takes every piece of evidence, and of remarks the best one of a
// kind: a letter answers a point once.
func newClaims(all []Claim) []claimPage {
	var pages []claimPage
	for n, c := range all {
		if len(pages) == maxLetterClaim || repeated(all, n) {
			continue
		}
		pages = append(pages, claimPage{What: claimNames[c.Kind], Text: line(clip(c.Text, 300)), Proves: line(c.Proves), DoesNotProve: line(c.DoesNotProve),
			Counts: c.HELO != "" && c.Addr.IsValid(), HELO: line(clip(c.HELO, maxHELO))})
	}
	return pages
}

// repeated reports whether another claim says what one does: one that quotes it,
// or a better remark of its kind.
func repeated(all []Claim, n int) bool {
	c := all[n]
	remark := c.Kind != ClaimReceived && c.Kind != ClaimLog && c.Kind != ClaimBounce
	for m, o := range all {
		quoted := o.Kind == ClaimTelnet && strings.Contains(o.Text, c.Text)
		better := o.Kind == c.Kind && remark && (weight(o) > weight(c) || weight(o) == weight(c) && m < n)
		if m != n && (quoted || better) {
			return true
		}
	}
	return false
}

// weight orders remarks of a kind: one that names an address or a name, then one
// in the sender's words, then one that quotes ours.
func weight(c Claim) int {
	switch {
	case c.Addr.IsValid() || c.PTR != "" || quad.get().MatchString(c.Text):
		return 2
	case strings.Contains(c.Text, "matches rcpt"):
		return 0
	}
	return 1
}

var claimNames = map[ClaimKind]string{
	ClaimReceived: "A Received line", ClaimBounce: "The refusal", ClaimLog: "A line from a log", ClaimBanner: "What your server answers on port 25",
	ClaimRDNS: "What you say of reverse DNS", ClaimRcpt: "What you say of RCPT TO", ClaimTelnet: "The session typed by hand",
}

func newBlock(f LetterFacts, e Evident) block {
	b := block{Address: f.Address.String(), Prefix: e.Subject.Text(), Symbol: line(e.Info.Symbol), Text: line(e.Info.Text), Title: line(e.Info.Title), Why: line(e.Info.Explanation),
		Answer: "127.0.0." + itoa(int(e.Reason)), Since: stamp(e.Since), Until: stamp(e.Until), Level: e.Level,
		Source: line(e.Source), Public: strings.TrimSuffix(line(e.PublicNote), "."), Sessions: e.Sessions, Basis: string(e.Info.Basis), Counted: e.Info.Counted, Range: e.Subject.IsValid() && !e.Subject.IsHost()}
	samples := slices.Clone(e.Samples)
	slices.SortStableFunc(samples, func(x, y listing.Sample) int { return x.Time.Compare(y.Time) })
	var receivers []string
	for _, s := range samples {
		if s.Receiver != "" && !slices.Contains(receivers, line(s.Receiver)) {
			receivers = append(receivers, line(s.Receiver))
		}
	}
	b.Receivers = join(receivers)
	if len(samples) > 0 {
		b.First, b.Last = stamp(samples[0].Time), stamp(samples[len(samples)-1].Time)
	}
	for _, s := range samples[max(0, len(samples)-maxSightings):] {
		b.Escaped = b.Escaped || strings.Contains(s.HELO, `\x`)
		b.Sightings = append(b.Sightings, samplePage{optional(s.Time), line(s.Receiver), line(clip(s.HELO, maxHELO)), line(s.DNS)})
	}
	return b
}

func newTraffic(t Traffic) *trafficPage {
	p := &trafficPage{From: optional(t.From), To: optional(t.To), Sessions: t.Sessions, Clean: t.Clean, Bogus: t.Bogus,
		Others: max(0, t.Sessions-t.Clean-t.Bogus)}
	for _, h := range t.HELOs {
		p.HELOs = append(p.HELOs, heloPage{line(clip(h.HELO, maxHELO)), h.Sessions})
	}
	return p
}

func optional(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return stamp(t)
}

// line is s as one line of printable ASCII.
func line(s string) string {
	return listing.Printable(strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), " "))
}
