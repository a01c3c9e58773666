package delist

import (
	"net/netip"
	"slices"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/removal"
)

// Judge decides a request to delist: the first code that applies. It is a pure
// function of its arguments.
func Judge(f Facts, now time.Time) removal.Decision {
	v := newView(f, now)
	d := removal.Decision{Code: v.code(), RetryAfter: v.retryAfter()}
	d.Sentence, d.ChangesWhen = v.words(d.Code)
	return d
}

// view is the facts at an instant.
type view struct {
	Facts
	now     time.Time
	entries []Listing // in force; a repeat entry only where it stands alone
	level   int       // the highest of them
}

func newView(f Facts, now time.Time) *view {
	v := &view{Facts: f, now: now}
	// A repeat entry is a companion: it ends with the main one.
	accompanies := slices.ContainsFunc(f.Entries, func(e Listing) bool { return e.Reason != listing.Repeat && !e.Except })
	for _, e := range f.Entries {
		if e.Active(now) && !e.Except && !(accompanies && e.Reason == listing.Repeat) {
			v.entries = append(v.entries, e)
		}
	}
	for _, e := range v.entries {
		v.level = max(v.level, e.Level)
	}
	return v
}

// code is the first that applies.
func (v *view) code() removal.Code {
	for _, rule := range []struct {
		code    removal.Code
		applies bool
	}{
		{removal.NotListed, len(v.entries) == 0},
		{removal.RateLimit, (v.spent() || v.crowded()) && !v.controlled()},
		{removal.Network, v.any(func(e Listing) bool { return e.Reason == listing.Network })},
		{removal.ManualHold, v.any(func(e Listing) bool { return e.Reason == listing.Manual })},
		{removal.Identity, v.Offered.Address.IsValid() && !v.same(v.Offered.Address)},
		{removal.StillOffending, v.now.Before(v.cooled()) && !v.probed()},
		{removal.MixedTraffic, v.Counters.Bogus > 0 && v.Counters.Clean > 0 && !v.probed()},
		{removal.RepeatLockout, v.level >= lockoutLevel},
		{removal.ExpiresSoon, v.ends().Sub(v.now) <= soon},
		{removal.NoProof, v.any(v.unproven)},
		{removal.OKSupport, v.Role == Support || v.any(func(e Listing) bool { return !mayself(e) })},
	} {
		if rule.applies {
			return rule.code
		}
	}
	return removal.OKSelf
}

func (v *view) any(is func(Listing) bool) bool { return slices.ContainsFunc(v.entries, is) }

func (v *view) same(a netip.Addr) bool {
	return listing.Canonical(a) == listing.Canonical(v.Address)
}

func (v *view) perWeek() int {
	if v.PerWeek > 0 {
		return v.PerWeek
	}
	return defaultPerWeek
}

// recent are those requests that count.
func (v *view) recent(all []time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(all), func(t time.Time) bool {
		return v.now.Sub(t) >= requestWindow
	})
}

// spent reports whether the requester has used up his requests.
func (v *view) spent() bool { return len(v.recent(v.Requests)) >= v.perWeek() }

// crowded reports whether all requesters together have used up the address's.
func (v *view) crowded() bool { return len(v.recent(v.Crowd)) >= CrowdFactor*v.perWeek() }

// cooled is when the last bogus session is long enough ago.
func (v *view) cooled() time.Time {
	if wait := coolDown(v.level); wait > 0 && !v.Counters.LastBogus.IsZero() {
		return v.Counters.LastBogus.Add(wait)
	}
	return v.now
}

// ends is when the last of the entries does.
func (v *view) ends() time.Time {
	var last time.Time
	for _, e := range v.entries {
		if e.Until.After(last) {
			last = e.Until
		}
	}
	return last
}

// unmended reports whether what a listing rests on can still be seen, for
// reasons that end when it cannot.
func unmended(e Listing) bool { return e.Info.SelfDelist == listing.SelfFixed && !e.Fixed }

// unproven reports whether an entry needs proof that nobody has given.
func (v *view) unproven(e Listing) bool {
	if e.Word && v.Role != Support && !v.controlled() {
		return true
	}
	if e.Info.SelfDelist != listing.SelfProof {
		return unmended(e)
	}
	again := slices.ContainsFunc(e.SelfDelisted, func(t time.Time) bool { return v.now.Sub(t) < selfWindow })
	return again && !v.proven()
}

// proven reports whether any proof has come since the last bogus session.
func (v *view) proven() bool {
	return v.Counters.LastClean.After(v.Counters.LastBogus) || v.hasProof(v.Counters.LastBogus, func(Proof) bool { return true })
}

// probed reports whether a clean mail from the address has come to the probe
// address since the last bogus session: it shows control and the fix at once.
func (v *view) probed() bool {
	return v.hasProof(v.Counters.LastBogus, func(p Proof) bool { return p.Clean && p.Kind == removal.ProofMail })
}

// controlled reports whether control of the address was shown, not before it was
// listed: strangers cannot use up the requests of who has it.
func (v *view) controlled() bool {
	var since time.Time
	for _, e := range v.entries {
		if e.Since.After(since) {
			since = e.Since
		}
	}
	return v.hasProof(since.Add(-1), func(p Proof) bool { return p.Controls(v.Address) })
}

// hasProof reports whether a proof for the address that is as asked for was
// given after an instant.
func (v *view) hasProof(after time.Time, is func(Proof) bool) bool {
	return slices.ContainsFunc(append(slices.Clone(v.Proofs), v.Offered), func(p Proof) bool {
		return p.Kind != "" && p.Address.IsValid() && v.same(p.Address) && p.Time.After(after) && !p.Time.After(v.now) && is(p)
	})
}

// mayself reports whether the sender may end an entry, proof apart. A range is
// not his alone; a /64 is, being what one IPv6 customer has.
func mayself(e Listing) bool {
	if !e.Subject.IsHost() && (e.Subject.Addr().Is4() || e.Subject.Bits() < 64) {
		return false
	}
	if e.Capped {
		return false
	}
	switch e.Info.SelfDelist {
	case listing.SelfYes, listing.SelfProof, listing.SelfFixed:
		return true
	case listing.SelfTwice:
		return e.Level < supportLevel
	}
	return false
}

// retryAfter tries the instants at which time alone can change something.
func (v *view) retryAfter() *time.Time {
	code := v.code()
	if !code.Waits() && code != removal.ExpiresSoon {
		return nil
	}
	for _, t := range v.turns() {
		then := newView(v.Facts, t).code()
		if !then.Waits() && then != code {
			return &t
		}
	}
	return nil
}

// turns are the instants to come at which a rule may stop to apply, in order
// and rounded up to whole seconds.
func (v *view) turns() []time.Time {
	var all []time.Time
	for _, e := range v.entries {
		all = append(all, e.Until)
	}
	for _, t := range slices.Concat(v.Requests, v.Crowd) {
		all = append(all, t.Add(requestWindow))
	}
	for level := 1; level <= lockoutLevel; level++ {
		all = append(all, v.Counters.LastBogus.Add(coolDown(level)))
	}
	all = slices.DeleteFunc(all, func(t time.Time) bool { return !t.After(v.now) })
	for n, t := range all {
		all[n] = roundUp(t)
	}
	slices.SortFunc(all, time.Time.Compare)
	return all
}

func roundUp(t time.Time) time.Time {
	whole := t.UTC().Truncate(time.Second)
	if whole.Before(t) {
		return whole.Add(time.Second)
	}
	return whole
}
