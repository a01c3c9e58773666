package delist

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/language"
	"dnsbld/listing/removal"
)

// LetterFacts are all that a letter says. It names no other fact.
type LetterFacts struct {
	Zone        string // "bl.example"
	Page        string // "https://bl.example/192.0.2.7"
	Desk        string // where people write to: "desk@bl.example"
	Probe       string // "helo+TOKEN@probe.bl.example"; empty: none is offered
	Text        string // the same proof in TXT at the forward-confirmed name: "helo+TOKEN"; empty: none is offered
	Recipes     string // the page on how the name is set in mail servers; empty: there is none
	Address     netip.Addr
	Now         time.Time
	Decision    removal.Decision
	Outcome     removal.Outcome
	EffectiveBy time.Time // when resolvers have the end of the listing, if it ends now

	Entries []Evident        // that list the address; with an Outcome, that did
	Still   []Evident        // with an Outcome: that list the address all the same
	Traffic Traffic          // of the address; its zero value: not known
	Last    *Ended           // for an address that is not listed: its last listing, if one is known
	Finding *removal.Finding // what the mail in question shows, if there is one

	Language *language.Language // that it is written in
	Long     bool               // with definitions, each sample and each piece of evidence

	Reference  string   // of the letter, from Signer.Reference
	Ticket     string   // ours
	References []string // theirs
}

// Evident is a listing with what was seen.
type Evident struct {
	Listing
	Sessions int              // the bogus sessions counted
	Samples  []listing.Sample // of them
}

// Ended is a listing that is over.
type Ended struct {
	Reason      listing.ReasonInfo
	Since, Till time.Time
	Because     listing.DelistReason
}

// Upholds reports whether the letter leaves a listing standing.
func (f LetterFacts) Upholds() bool { return f.Outcome == removal.Stands && len(f.Entries) > 0 }

// Evidence fails when the letter would uphold a listing for which the facts
// that it has to name are not there: a *listing.Error of kind ErrPolicy with
// the code "no-evidence".
func (f LetterFacts) Evidence() error {
	if !f.Upholds() {
		return nil
	}
	for _, e := range f.Entries {
		if missing := e.missing(); len(missing) > 0 {
			return &listing.Error{Kind: listing.ErrPolicy, Code: "no-evidence",
				Message: fmt.Sprintf("no letter can uphold the listing of %s for %s: %s not known", f.Address, e.Info.Symbol, enumerate(nil, missing)+map[bool]string{true: " is", false: " are"}[len(missing) == 1]),
				Hint:    "without this evidence the decision is OK_SUPPORT: delist it as our-error, or collect the evidence first"}
		}
	}
	return nil
}

// missing are the facts that a letter about an entry needs and that are not
// there.
func (e Evident) missing() []string {
	var out []string
	need := func(ok bool, what string) {
		if !ok {
			out = append(out, what)
		}
	}
	has := func(is func(listing.Sample) bool) bool { return slices.ContainsFunc(e.Samples, is) }
	need(!e.Since.IsZero() && !e.Until.IsZero(), "when it began and ends")
	need(e.Info.Symbol != "", "the reason")
	needs, when := e.Info.Needs, "the time of a session"
	if e.Info.Basis == listing.BasisRDNS {
		when = "when the reverse name was looked up"
	}
	need(!needs.Greeting || has(func(s listing.Sample) bool { return s.HELO != "" }), "the exact greeting")
	need(!needs.Time || has(func(s listing.Sample) bool { return !s.Time.IsZero() }), when)
	need(!needs.Receiver || has(func(s listing.Sample) bool { return s.Receiver != "" }), "the server that saw it")
	need(!needs.Sessions || e.Sessions > 0, "the number of sessions")
	need(!needs.Source || e.Source != "", "the list it came from")
	return out
}

// Sustain is the decision that a letter can stand by: one that upholds a
// listing without evidence becomes OK_SUPPORT.
func Sustain(d removal.Decision, f LetterFacts) removal.Decision {
	if f.Evidence() == nil {
		return d
	}
	return removal.Decision{Code: removal.OKSupport,
		Sentence:    f.Language.Say("We have no sufficient record of what %s was listed for, so we do not hold to the listing.", f.Address),
		ChangesWhen: f.Language.Say("Nothing more is needed from the sender: our support can end the listing as our error.")}
}

// Shown reports whether the record shows what the entry is for. Where it does not, the
// mistake is ours, and there is nothing for the sender to fix.
func (e Evident) Shown() bool { return len(e.missing()) == 0 }

// Cause reports whether we know what led to the entry, and list the address again, and
// longer, if that goes on. We count no sessions for what a feed lists, or a person by
// hand.
func (e Evident) Cause() bool { return e.Source == "" && e.Info.Counted && e.Shown() }

// Cause reports whether we know that of some entry.
func (f LetterFacts) Cause() bool { return slices.ContainsFunc(f.Entries, Evident.Cause) }

// check refuses facts that contradict each other or are too few for any
// letter.
func (f LetterFacts) check() error {
	d, removed := f.Decision.Code, f.Outcome != removal.Stands
	holds := func(r listing.Reason) bool {
		return slices.ContainsFunc(f.Entries, func(e Evident) bool { return e.Reason == r })
	}
	for _, rule := range []struct {
		applies, ok bool
		otherwise   string
	}{
		{true, f.Zone != "" && f.Address.IsValid() && !f.Now.IsZero(), "a letter needs the zone, the address and the time"},
		{removed, len(f.Entries) > 0, "a letter about a removal needs the listing that was ended"},
		{removed, !f.EffectiveBy.IsZero(), "a letter about a removal needs the time by which DNS follows"},
		{!removed, slices.Contains(removal.Codes(), d) && f.Decision.Sentence != "", "a letter needs a decision"},
		{!removed, (d == removal.NotListed) == (len(f.Entries) == 0), fmt.Sprintf("the decision is %s, and %s given", d, count(len(f.Entries), "listing"))},
		{!removed && d == removal.Network, holds(listing.Network), "the decision is NETWORK, and no such listing is given"},
		{!removed && d == removal.ManualHold, holds(listing.Manual), "the decision is MANUAL_HOLD, and no such listing is given"},
	} {
		if rule.applies && !rule.ok {
			return &listing.Error{Kind: listing.ErrInvalid, Code: "letter-facts", Message: rule.otherwise, Hint: "gather the facts again: they may have changed meanwhile"}
		}
	}
	return nil
}
