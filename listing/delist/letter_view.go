package delist

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/removal"
	"dnsbld/listing/sighting"
)

// letter is what the templates of a letter see: its facts, and what follows
// from them. All that a template prints passes printed, so that a template can
// use the facts as they are.
type letter struct{ LetterFacts }

// HELO reports whether a listing rests on greetings.
func (l letter) HELO() bool {
	return slices.ContainsFunc(l.Entries, func(e Evident) bool { return e.Info.Basis == listing.BasisHELO })
}

// Unmended reports whether what a listing rests on can still be seen.
func (l letter) Unmended() bool {
	return slices.ContainsFunc(l.Entries, func(e Evident) bool { return unmended(e.Listing) })
}

// NoEvidence reports whether the record does not show what the address was
// listed for.
func (l letter) NoEvidence() bool {
	l.Outcome = removal.Stands
	return l.Evidence() != nil
}

// Reasons are what is said of each listing. Of one that is ended nothing is said
// that cannot be shown.
func (l letter) Reasons() []block {
	if l.Outcome == removal.Removed && l.NoEvidence() {
		return nil
	}
	var all []block
	for _, e := range l.Entries {
		all = append(all, block{e, l.Address})
	}
	return all
}

// StillListed are the listings that stand although what was asked about has ended.
func (l letter) StillListed() (all []block) {
	for _, e := range l.Still {
		all = append(all, block{e, l.Address})
	}
	return all
}

// Diagnosis is what the counters mean.
func (l letter) Diagnosis() sighting.Diagnosis {
	return cmp.Or(l.Traffic.Diagnosis, sighting.CannotTell)
}

// Server is the mail server that their message points to. What they run is not
// the other sender behind their address.
func (l letter) Server() string {
	if l.Finding == nil || l.Diagnosis() == sighting.SecondHost {
		return ""
	}
	return l.Finding.Server
}

// OtherList is the list that a refusal in their mail names, if it is not ours.
func (l letter) OtherList() string {
	if l.Finding == nil {
		return ""
	}
	return l.Finding.OtherList
}

// FixNote stands before Fixes.
func (l letter) FixNote() string { return FixNote }

// Fixes are how the name is set, in their server first.
func (l letter) Fixes() []Fix { return Fixes(l.Server()) }

// Delay is how long resolvers may keep the old answer; empty: not at all.
func (l letter) Delay() string {
	if d := l.EffectiveBy.Sub(l.Now); !l.EffectiveBy.IsZero() && d > 0 {
		return span(d)
	}
	return ""
}

// Wait is from when on waiting helps, where the decision does not say it.
func (l letter) Wait() *time.Time {
	at := l.Decision.RetryAfter
	if at == nil || !l.Decision.Code.Waits() || strings.Contains(l.Decision.ChangesWhen, stamp(*at)) {
		return nil
	}
	return at
}

// ListedThen says how the address stood at the instant that their mail is
// about; empty: nobody knows.
func (l letter) ListedThen() string {
	switch {
	case l.Finding == nil || l.Finding.Time == nil || l.Finding.ListedThen == nil:
		return ""
	case *l.Finding.ListedThen:
		return "listed"
	}
	return "not listed"
}

// maxLetterClaims is how many claims a letter answers.
const maxLetterClaims = 8

// Claims are every piece of evidence, and of remarks the best one of a kind: a
// letter answers a point once.
func (l letter) Claims() []offered {
	var all []offered
	if l.Finding == nil {
		return nil
	}
	for n, c := range l.Finding.Claims {
		if len(all) < maxLetterClaims && !repeated(l.Finding.Claims, n) {
			all = append(all, offered{c})
		}
	}
	return all
}

// repeated reports whether another claim says what one does: one that quotes it,
// or a better remark of its kind.
func repeated(all []removal.Claim, n int) bool {
	c := all[n]
	remark := c.Kind != removal.ClaimReceived && c.Kind != removal.ClaimLog && c.Kind != removal.ClaimBounce
	for m, o := range all {
		quoted := o.Kind == removal.ClaimTelnet && strings.Contains(o.Text, c.Text)
		better := o.Kind == c.Kind && remark && (weight(o) > weight(c) || weight(o) == weight(c) && m < n)
		if m != n && (quoted || better) {
			return true
		}
	}
	return false
}

// weight orders remarks of a kind: one that names an address or a name, then one
// in the sender's words, then one that quotes ours.
func weight(c removal.Claim) int {
	switch {
	case c.Addr.IsValid() || c.PTR != "" || quad.MatchString(c.Text):
		return 2
	case strings.Contains(c.Text, "matches rcpt"):
		return 0
	}
	return 1
}

// offered is a claim as letters answer it.
type offered struct{ removal.Claim }

// Name is what the claim is called.
func (o offered) Name() string {
	switch o.Kind {
	case removal.ClaimReceived:
		return "A Received line"
	case removal.ClaimBounce:
		return "The refusal"
	case removal.ClaimLog:
		return "A line from a log"
	case removal.ClaimBanner:
		return "What your server answers on port 25"
	case removal.ClaimRDNS:
		return "What you say of reverse DNS"
	case removal.ClaimRcpt:
		return "What you say of RCPT TO"
	}
	return "The session typed by hand"
}

// Quote is the claim, cut to what fits into a letter.
func (o offered) Quote() string { return clip(o.Text, 300) }

// Greeting is what was sent in HELO, as the claim says.
func (o offered) Greeting() string { return clip(o.HELO, maxHELO) }

// Counts reports whether the claim speaks of the greeting of a mail that was
// sent.
func (o offered) Counts() bool { return o.HELO != "" && o.Addr.IsValid() }

// block is what the template of a reason sees: a listing of the address.
type block struct {
	Evident
	Address netip.Addr
}

// Limits of a block.
const (
	maxSightings = 5
	maxHELO      = 300 // octets of a greeting
)

// Symbol and Text are those of the reason.
func (b block) Symbol() string { return b.Info.Symbol }

// Text is what follows the address in a sentence.
func (b block) Text() string { return b.Info.Text }

// Prefix is what is listed.
func (b block) Prefix() string { return b.Subject.Text() }

// Range reports whether more is listed than the address.
func (b block) Range() bool { return b.Subject.IsValid() && !b.Subject.IsHost() }

// Public is what the operator says in public, without the last dot.
func (b block) Public() string { return strings.TrimSuffix(oneLine(b.Info.Note(b.PublicNote)), ".") }

// byTime are the samples, the oldest first.
func (b block) byTime() []listing.Sample {
	return slices.SortedStableFunc(slices.Values(b.Samples), func(x, y listing.Sample) int { return x.Time.Compare(y.Time) })
}

// Receivers are the servers that have samples.
func (b block) Receivers() []string {
	var all []string
	for _, s := range b.byTime() {
		if s.Receiver != "" && !slices.Contains(all, s.Receiver) {
			all = append(all, s.Receiver)
		}
	}
	return all
}

// First is the time of the oldest sample; zero: there is none.
func (b block) First() (t time.Time) {
	for _, s := range b.byTime() {
		return s.Time
	}
	return t
}

// Last is the time of the newest sample.
func (b block) Last() (t time.Time) {
	for _, s := range b.byTime() {
		t = s.Time
	}
	return t
}

// Sightings are the newest samples.
func (b block) Sightings() []listing.Sample {
	all := b.byTime()
	all = all[max(0, len(all)-maxSightings):]
	for n := range all {
		all[n].HELO = clip(all[n].HELO, maxHELO)
	}
	return all
}

// Escaped reports whether a greeting has octets that cannot be printed.
func (b block) Escaped() bool {
	return slices.ContainsFunc(b.Sightings(), func(s listing.Sample) bool { return strings.Contains(s.HELO, `\x`) })
}

// ready is text that is fit for a letter as it is.
type ready string

// printed is what a template prints of a value: one line of printable ASCII.
func printed(v any) string {
	switch v := v.(type) {
	case ready:
		return string(v)
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return stamp(v)
	case *time.Time:
		return stamp(*v)
	case []string:
		return oneLine(join(v))
	}
	return oneLine(fmt.Sprint(v))
}

// oneLine is s as one line of printable ASCII.
func oneLine(s string) string {
	return listing.Printable(strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), " "))
}
