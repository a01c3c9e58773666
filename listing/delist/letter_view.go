package delist

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/language"
	"dnsbld/listing/removal"
	"dnsbld/listing/sighting"
)

// letter is what the templates of a letter see: its facts, and what follows
// from them. All that a template prints passes printed, so that a template can
// use the facts as they are.
type letter struct {
	LetterFacts
	Trim int // how much of what the page says too is left out
}

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
	return slices.ContainsFunc(l.Entries, func(e Evident) bool { return !e.Shown() })
}

// ProvedByGreeting reports whether proper greetings are proof: they do not show whose the
// address is.
func (l letter) ProvedByGreeting() bool {
	return l.Decision.Code != removal.RateLimit && !slices.ContainsFunc(l.Entries, func(e Evident) bool { return e.Word })
}

// Reasons are what is said of each listing. Of one that is ended nothing is said
// that cannot be shown.
func (l letter) Reasons() []block {
	if l.Outcome == removal.Removed && l.NoEvidence() {
		return nil
	}
	var all []block
	for _, e := range l.Entries {
		all = append(all, block{e, l})
	}
	return all
}

// StillListed are the listings that stand although what was asked about has ended.
func (l letter) StillListed() (all []block) {
	for _, e := range l.Still {
		all = append(all, block{e, l})
	}
	return all
}

// Diagnosis is what the counters mean.
func (l letter) Diagnosis() sighting.Diagnosis {
	return cmp.Or(l.Traffic.Diagnosis, sighting.CannotTell)
}

// Means is the same in sentences.
func (l letter) Means() ready {
	account := l.Traffic.Account
	account.Diagnosis = l.Diagnosis()
	var all []string
	for _, said := range account.Sentences(l.Address.String()) {
		all = append(all, l.Language.Say(said.English, said.Args...))
	}
	return ready(strings.Join(all, " "))
}

// Repeats reports whether the diagnosis says what the decision would say, and says it
// better: that the mail server is right comes first.
func (l letter) Repeats() bool {
	return l.Outcome == removal.Stands && l.Decision.Code == removal.MixedTraffic && l.Diagnosis() == sighting.SecondHost
}

// Steps are what the sender can do, the first ones first.
func (l letter) Steps() []string {
	all := l.Diagnosis().Steps()
	return all[:max(1, len(all)-l.Trim)]
}

// Sentence and Changes are those of the decision, in the letter's language.
func (l letter) Sentence() ready { return ready(l.Decision.Sentence) }

// Changes is what would change the decision. The way by a mail to the probe address
// is said where that address stands.
func (l letter) Changes() ready {
	changes := l.Decision.ChangesWhen
	if l.Probe != "" {
		changes = strings.TrimSuffix(changes, " "+l.Language.Say(withoutWaiting))
	}
	return ready(changes)
}

// Server is the mail server that their message points to. Where it is not at fault,
// how its name is set is of no use.
func (l letter) Server() string {
	if l.Finding == nil || !l.Diagnosis().ServerAtFault() {
		return ""
	}
	return l.Finding.Server
}

// AtFault reports whether a mail server may have a wrong setting.
func (l letter) AtFault() bool { return l.Diagnosis().ServerAtFault() }

// OtherList is the list that a refusal in their mail names, if it is not ours.
func (l letter) OtherList() string {
	if l.Finding == nil {
		return ""
	}
	return l.Finding.OtherList
}

// FixNote stands before Fixes.
func (l letter) FixNote() string { return FixNote }

// Fixes are how the name is set: in the mail server that they run; where that is not
// known, in each.
func (l letter) Fixes() []Fix {
	all := Fixes(l.Server())
	if l.Server() != "" {
		return all[:1]
	}
	return all
}

// Delay is how long resolvers may keep the old answer; 0: not at all.
func (l letter) Delay() time.Duration {
	if l.EffectiveBy.IsZero() {
		return 0
	}
	return max(0, l.EffectiveBy.Sub(l.Now))
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
			all = append(all, offered{c, l.Language})
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
type offered struct {
	removal.Claim
	in *language.Language
}

// evidence reports whether the claim is of a session, and not a remark.
func (o offered) evidence() bool { return beside[o.Kind] == "" }

// Shows and ShowsNot are what the claim proves and what not, in the letter's language.
func (o offered) Shows() ready { return ready(proves(o.in, o.Claim)) }

// ShowsNot is what it does not prove.
func (o offered) ShowsNot() ready { return ready(provesNot(o.in, o.Claim)) }

// Name is what the claim is called.
func (o offered) Name() ready { return ready(o.in.Word(claimNames[o.Kind])) }

var claimNames = map[removal.ClaimKind]string{
	removal.ClaimReceived: "The Received line", removal.ClaimBounce: "The refusal", removal.ClaimLog: "The line from a log",
	removal.ClaimBanner: "What your server answers on port 25", removal.ClaimRDNS: "What you say of reverse DNS",
	removal.ClaimRcpt: "What you say of RCPT TO", removal.ClaimTelnet: "The session typed by hand",
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
	letter
}

// Limits of a block.
const (
	maxSightings = 5
	maxHELO      = 300 // octets of a greeting
)

// Symbol and Text are those of the reason.
func (b block) Symbol() string { return b.Info.Symbol }

// Text is what follows the address in a sentence.
func (b block) Text() ready { return translated(b.Language, b.Info.Text) }

// Title is the heading of the reason.
func (b block) Title() ready { return translated(b.Language, b.Info.Title) }

// Explanation is what the reason means.
func (b block) Explanation() ready { return translated(b.Language, b.Info.Explanation) }

// Answer is what DNS answers for the reason.
func (b block) Answer() string { return fmt.Sprintf("127.0.0.%d", b.Reason) }

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
		return oneLine(enumerate(nil, v))
	}
	return oneLine(fmt.Sprint(v))
}

// oneLine is s as one line of printable ASCII.
func oneLine(s string) string {
	return listing.Printable(strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), " "))
}
