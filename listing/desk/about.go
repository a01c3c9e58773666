package desk

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/removal"
	"dnsbld/listing/sighting"
)

// About is what is known of an address.
type About struct {
	Facts   delist.Facts       // for delist.Judge
	Entries []delist.Evident   // those of Facts, with what was seen
	Stand   delist.Stand       // the listing that a token is for
	Counted sighting.Facts     // its zero value: nothing is known
	Last    *delist.Ended      // of an address that is not listed
	Came    *removal.ProbeMail // the last mail to its probe address
	Own     bool               // the sender himself had it taken out of that entry's source
	Feed    delist.Feed        // what is said of the source
	Spared  *listing.Held      // of an address that is not listed: the strongest entry that would list it but for an exception or an allow entry

	past []pastRequest // that count
}

// About gathers what is known of an address.
func (d *Desk) About(ctx context.Context, a netip.Addr) (about About, err error) {
	a = listing.Canonical(a)
	if !a.IsValid() || a.Zone() != "" {
		return About{}, &listing.Error{Kind: listing.ErrInvalid, Code: "not-an-address", Message: "no address was given", Hint: "for example 192.0.2.7"}
	}
	about, err = d.counted(a)
	if err != nil {
		return About{}, err
	}
	err = d.cfg.Book.Store().View(ctx, func(snap listing.Snapshot) error { return d.look(snap, &about) })
	return about, err
}

// counted is what is known of an address without the list.
func (d *Desk) counted(a netip.Addr) (About, error) {
	settings := d.cfg.Settings()
	about := About{Facts: delist.Facts{Address: a, PerWeek: settings.PerWeek, Probing: settings.Probe != ""}}
	return about, d.count(&about)
}

// look adds what the list says of the address.
func (d *Desk) look(snap listing.Snapshot, about *About) error {
	a := about.Facts.Address
	held, err := d.held(snap, a)
	if err != nil {
		return err
	}
	if err := d.entries(snap, held, about); err != nil {
		return err
	}
	f, _, err := readFile(snap, a.String())
	if err != nil {
		return err
	}
	about.Facts.Proofs, about.Came = f.Proofs, f.Came
	for _, h := range f.Requests {
		if h.counts() {
			about.past = append(about.past, h)
			about.Facts.Crowd = append(about.Facts.Crowd, h.Time)
		}
	}
	counts, err := readSources(snap, d.now())
	if err != nil {
		return err
	}
	about.capped(counts, d.cfg.Settings().SourceCap)
	if len(about.Entries) == 0 {
		about.Spared = spared(held)
		if x := about.Spared; x != nil && x.Source != "" {
			about.Own = slices.ContainsFunc(held, func(h listing.Held) bool { return h.AskedFor(x.Source) })
			if about.Feed, err = feedOf(snap, x.Source); err != nil {
				return err
			}
		}
		about.Last, err = d.last(snap, a)
	}
	return err
}

// askedBy fills in which of the earlier requests came from the same requester, one
// that came at an instant left out: it is this one, sent again.
func (about *About) askedBy(requesters []string, this time.Time) {
	about.Facts.Requests, about.Facts.Crowd = nil, nil
	for _, p := range about.past {
		if p.Time.Equal(this) {
			continue
		}
		about.Facts.Crowd = append(about.Facts.Crowd, p.Time)
		if slices.ContainsFunc(p.From, func(who string) bool { return slices.Contains(requesters, who) }) {
			about.Facts.Requests = append(about.Facts.Requests, p.Time)
		}
	}
}

// held are the entries in force that cover an address, strongest first. Those
// list it that some zone answers.
func (d *Desk) held(snap listing.Snapshot, a netip.Addr) ([]listing.Held, error) {
	return listing.HeldAt(snap, d.cfg.Book.Rules(), listing.HostSubject(a), d.now(), d.zones())
}

// zones are the reasons that each zone names.
func (d *Desk) zones() [][]listing.Reason {
	zones := [][]listing.Reason{}
	for _, z := range d.cfg.Settings().Zones {
		zones = append(zones, z.Reasons)
	}
	return zones
}

// entries takes in what the address is answered for.
func (d *Desk) entries(snap listing.Snapshot, held []listing.Held, about *About) error {
	for _, h := range listing.Answered(held) {
		ev, err := d.evident(snap, h.Entry, *about)
		if err != nil {
			return err
		}
		about.Entries = append(about.Entries, ev)
		about.Facts.Entries = append(about.Facts.Entries, ev.Listing)
		if since := about.Stand.Since; since.IsZero() || h.Since.Before(since) {
			about.Stand.Since = h.Since
		}
	}
	return nil
}

// Range are the entries that list a whole range: its own, and wider ones.
func (d *Desk) Range(ctx context.Context, s listing.Subject) (all []delist.Evident, err error) {
	err = d.cfg.Book.Store().View(ctx, func(snap listing.Snapshot) error {
		held, err := listing.HeldAt(snap, d.cfg.Book.Rules(), s, d.now(), d.zones())
		for _, h := range listing.Answered(held) {
			ev, failed := d.evident(snap, h.Entry, About{})
			if failed != nil {
				return failed
			}
			all = append(all, ev)
		}
		return err
	})
	return all, err
}

// answeredNow are the entries that an address is answered for now.
func (d *Desk) answeredNow(ctx context.Context, a netip.Addr) ([]delist.Evident, error) {
	about, err := d.About(ctx, a)
	return about.Entries, err
}

// spared is the strongest entry that would list the address, but for an
// exception or an allow entry.
func spared(held []listing.Held) *listing.Held {
	for n := range held {
		if why := held[n].WhyNot.Kind; !held[n].Except && (why == listing.IsExcepted || why == listing.IsAllowed) {
			return &held[n]
		}
	}
	return nil
}

// evident is an entry with what was seen.
func (d *Desk) evident(snap listing.Snapshot, e listing.Entry, about About) (delist.Evident, error) {
	ev := delist.Evident{Listing: delist.Listing{Entry: e, Info: d.cfg.Book.Rules().Reasons.Describe(e.Reason)}}
	if e.Reason == listing.RcptBogus {
		ev.Looked, ev.Fixed = true, about.stopped(e.Reason, d.now())
	}
	if e.Source != "" {
		var err error
		if ev.Feed, err = feedOf(snap, e.Source); err != nil {
			return ev, err
		}
	}
	return ev, d.evidence(snap, &ev, about.Counted)
}

// feedOf is what operators say of a source.
func feedOf(snap listing.Snapshot, source string) (delist.Feed, error) {
	said, err := listing.SourceNoteOf(snap, source)
	return delist.Feed{URL: said.URL, Contact: said.Contact}, err
}

// evidence adds what was seen and who ended former listings himself.
func (d *Desk) evidence(snap listing.Snapshot, e *delist.Evident, counted sighting.Facts) error {
	given := 0 // sessions, by an operator
	if e.Evidence != (listing.Digest{}) {
		kept, err := snap.Evidence(e.Evidence)
		if err != nil && !errors.Is(err, listing.ErrNotFound) {
			return err
		}
		e.Samples, given = kept.Samples, kept.Sessions
	}
	addCounted(e, counted)
	e.Word = onWord(e)
	e.Sessions = max(e.Sessions, given)
	if e.Source != "" {
		return nil
	}
	return selfDelisted(snap, e)
}

// onWord reports whether an entry rests on somebody's word alone, a feed's or an
// operator's. A reason that ends when it is fixed is looked at, whoever said it.
func onWord(e *delist.Evident) bool {
	if e.Info.SelfDelist == listing.SelfNo || e.Info.SelfDelist == listing.SelfFixed {
		return false
	}
	return e.Source != "" || e.Origin == listing.ByOperator && e.Sessions == 0
}

// selfDelisted adds when senders themselves ended earlier listings of the key.
func selfDelisted(snap listing.Snapshot, e *delist.Evident) error {
	for c, err := range snap.History(e.Subject) {
		switch {
		case err != nil:
			return err
		case c.Kind == listing.EntryChange && c.Before != nil && c.After == nil && c.Before.Key == e.Key && c.Because == listing.SelfService:
			e.SelfDelisted = append(e.SelfDelisted, c.Header.Time)
		}
	}
	return nil
}

// addCounted adds the sessions that the counters hold for the reason of an
// entry. Their codes are named like the reasons.
func addCounted(e *delist.Evident, counted sighting.Facts) {
	for _, s := range counted.Samples {
		if s.Verdict == e.Info.Symbol && len(e.Samples) < listing.MaxSamples && !slices.Contains(e.Samples, s) {
			e.Samples = append(e.Samples, s)
		}
	}
	for _, day := range counted.Days {
		for code, n := range day.ByCode {
			if string(code) == e.Info.Symbol {
				e.Sessions += n
			}
		}
	}
}

// count asks the counters.
func (d *Desk) count(about *About) error {
	if d.cfg.Counters == nil {
		return nil
	}
	f, err := d.cfg.Counters.Facts(listing.HostSubject(about.Facts.Address))
	if err != nil {
		return err
	}
	about.Counted = f
	c := delist.Counters{LastBogus: f.LastBogus, LastClean: f.LastClean, Clean: f.Mixed}
	for _, decision := range f.Decisions {
		if !decision.Shadow {
			c.Bogus += decision.Sessions
		}
	}
	if c.Bogus == 0 && !f.LastBogus.IsZero() {
		c.Bogus = 1 // the last one at least
	}
	about.Facts.Counters = c
	return nil
}

// last is the last listing of an address that has ended.
func (d *Desk) last(snap listing.Snapshot, a netip.Addr) (*delist.Ended, error) {
	var last *delist.Ended
	reasons := d.cfg.Book.Rules().Reasons
	for c, err := range snap.History(listing.HostSubject(a)) {
		if err != nil {
			return nil, err
		}
		if c.Kind != listing.EntryChange || c.Before == nil || c.After != nil || c.Before.Except {
			continue
		}
		till := c.Header.Time
		if c.Because == listing.Expired && !c.Before.Until.IsZero() {
			till = c.Before.Until
		}
		last = &delist.Ended{Reason: reasons.Describe(c.Before.Reason), Since: c.Before.Since, Till: till, Because: c.Because}
	}
	return last, nil
}

// judged decides about an address. What cannot be shown is not held against a
// sender: entries without evidence are told apart, and if there are no others,
// support can end the listing as our error.
func (d *Desk) judged(about About, now time.Time) (dec removal.Decision, shown, unshown []delist.Evident) {
	facts := about.Facts
	facts.Entries = nil
	for _, e := range about.Entries {
		if !e.Shown() {
			unshown = append(unshown, e)
			continue
		}
		shown = append(shown, e)
		facts.Entries = append(facts.Entries, e.Listing)
	}
	if len(shown) > 0 || len(unshown) == 0 {
		return delist.Judge(facts, now), shown, unshown
	}
	return delist.Sustain(delist.Judge(about.Facts, now), delist.LetterFacts{Address: facts.Address, Entries: unshown, Language: facts.Language}), nil, unshown
}

// Judged decides about an address that is known already, for one of many
// visitors: DNS is not asked, and what others have asked does not matter.
func (d *Desk) Judged(about About, now time.Time) removal.Decision {
	about.Facts.Requests, about.Facts.Crowd = nil, nil
	decision, _, _ := d.judged(about, now)
	return decision
}

// Eligibility decides whether a sender may have an address delisted now. DNS is
// asked where it decides.
func (d *Desk) Eligibility(ctx context.Context, by listing.Caller, a netip.Addr) (removal.Decision, error) {
	about, err := d.About(ctx, a)
	if err != nil {
		return removal.Decision{}, err
	}
	about.askedBy(d.requesters(Request{By: by}), time.Time{})
	about.Facts.Offered = d.inquire(ctx, &about, "", delist.Proof{})
	decision, _, _ := d.judged(about, d.now())
	return decision, nil
}

// MayEnd refuses to let support end a listing that the desk decides is to
// stand. How often somebody asked does not matter, for a person has looked; what
// a person has verified needs no other proof. DNS is asked at once, the rest is
// taken from the snapshot that the end is planned on.
func (d *Desk) MayEnd(ctx context.Context, c listing.Delist) (func(listing.Snapshot) error, error) {
	asked, err := d.About(ctx, c.Subject.Addr())
	if err != nil {
		return nil, err
	}
	offered := d.inquire(ctx, &asked, "", delist.Proof{})
	about, err := d.counted(c.Subject.Addr())
	return func(snap listing.Snapshot) error {
		about := about
		if err := d.look(snap, &about); err != nil {
			return err
		}
		about.mended(asked)
		about.Facts.Role, about.Facts.Offered = delist.Support, offered
		dec := d.Judged(about, d.now())
		switch {
		case dec.Code.OK(), dec.Code == removal.NotListed, dec.Code == removal.ExpiresSoon,
			dec.Code == removal.NoProof && c.Because == listing.FixedVerified:
			return nil
		}
		return &listing.Error{Kind: listing.ErrPolicy, Code: "by-the-rules",
			Message: fmt.Sprintf("listings are ended by the rules, and the decision is %s: %s", dec.Code, dec.Sentence),
			Hint:    dec.ChangesWhen + " Against the rules an operator can end it, or on appeal another person, who overrides them and says why in a note"}
	}, err
}
