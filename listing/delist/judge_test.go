package delist

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/removal"

	"pgregory.net/rapid"
)

// judged is one case: the facts and what is decided at noon.
type judged struct {
	name  string
	facts Facts
	want  removal.Code
	retry time.Time // zero: nothing to wait for
}

func TestJudge(t *testing.T) {
	bare := func(c ...func(*Listing)) []Listing { return []Listing{listed(t, listing.BareIP, c...)} }
	ours := func(c ...func(*Listing)) []Listing { return []Listing{listed(t, listing.OurIP, c...)} }
	bogus := func(at time.Time) Counters { return Counters{LastBogus: at, Bogus: 6} }
	end := in(72 * time.Hour)
	again := selfAt(ago(10 * listing.Day))
	proof := func(kind removal.ProofKind, at time.Time) Proof { return Proof{Kind: kind, Address: sender, Time: at} }
	clean := func(at time.Time) Proof {
		return Proof{Kind: removal.ProofMail, Address: sender, Time: at, Clean: true}
	}
	mixed := Counters{LastBogus: ago(time.Hour), Bogus: 3, Clean: 4}
	weekly := []time.Time{ago(6 * listing.Day), ago(time.Hour), ago(2 * time.Hour)}

	cases := []judged{
		{"not listed", Facts{}, removal.NotListed, time.Time{}},
		{"its time has just come", Facts{Entries: bare(until(noon))}, removal.NotListed, time.Time{}},
		{"only an exception", Facts{Entries: bare(func(l *Listing) { l.Except = true })}, removal.NotListed, time.Time{}},
		{"not listed comes before too many requests", Facts{Requests: weekly}, removal.NotListed, time.Time{}},

		{"two requests in the week", Facts{Entries: bare(), Requests: weekly[:2]}, removal.OKSelf, time.Time{}},
		{"three", Facts{Entries: bare(), Requests: weekly}, removal.RateLimit, in(listing.Day)},
		{"three, one a week old to the second", Facts{Entries: bare(), Requests: []time.Time{ago(7 * listing.Day), weekly[1], weekly[2]}}, removal.OKSelf, time.Time{}},
		{"three, one nearly a week old", Facts{Entries: bare(), Requests: []time.Time{ago(7*listing.Day - time.Second), weekly[1], weekly[2]}}, removal.RateLimit, in(time.Second)},
		{"another limit", Facts{Entries: bare(), Requests: weekly[1:2], PerWeek: 1}, removal.RateLimit, end},
		{"three by strangers, and the sender himself by mail", Facts{Entries: bare(), Requests: weekly, Offered: proof(removal.ProofMail, noon)}, removal.OKSelf, time.Time{}},
		{"… by TXT", Facts{Entries: bare(), Requests: weekly, Offered: proof(removal.ProofTXT, noon)}, removal.OKSelf, time.Time{}},
		{"… from the address", Facts{Entries: bare(), Requests: weekly, Offered: proof(removal.ProofWeb, noon)}, removal.OKSelf, time.Time{}},
		{"… who proved it before, since it is listed", Facts{Entries: bare(), Requests: weekly, Proofs: []Proof{proof(removal.ProofWeb, ago(48*time.Hour))}}, removal.OKSelf, time.Time{}},
		{"… who proved it for an earlier listing", Facts{Entries: bare(), Requests: weekly, Proofs: []Proof{proof(removal.ProofWeb, ago(49*time.Hour))}}, removal.RateLimit, in(listing.Day)},
		{"… with a name that anybody can write", Facts{Entries: bare(), Requests: weekly, Offered: proof(removal.ProofName, noon)}, removal.RateLimit, in(listing.Day)},
		{"… with a proof for another address", Facts{Entries: bare(), Requests: weekly, Offered: Proof{Kind: removal.ProofMail, Address: other, Time: noon}}, removal.RateLimit, in(listing.Day)},
		{"too many requests come before the network", Facts{Entries: []Listing{listed(t, listing.Network)}, Requests: weekly}, removal.RateLimit, end},

		{"a network", Facts{Entries: []Listing{listed(t, listing.Network, subject("192.0.2.0/24"))}}, removal.Network, end},
		{"a network comes before a person's entry", Facts{Entries: []Listing{listed(t, listing.Manual), listed(t, listing.Network)}}, removal.Network, end},
		{"a person's entry", Facts{Entries: []Listing{listed(t, listing.Manual)}}, removal.ManualHold, end},
		{"a person's entry, ending before another", Facts{Entries: append(bare(), listed(t, listing.Manual, until(in(time.Hour))))}, removal.ManualHold, in(time.Hour)},
		{"a person's entry comes before a foreign proof", Facts{Entries: []Listing{listed(t, listing.Manual)}, Offered: Proof{Kind: removal.ProofMail, Address: other, Time: noon}}, removal.ManualHold, end},

		{"a proof for another address", Facts{Entries: bare(), Offered: Proof{Kind: removal.ProofMail, Address: other, Time: noon}}, removal.Identity, time.Time{}},
		{"a proof for it", Facts{Entries: bare(), Offered: proof(removal.ProofMail, noon)}, removal.OKSelf, time.Time{}},
		{"a foreign proof comes before offending", Facts{Entries: bare(level(2)), Counters: bogus(noon), Offered: Proof{Kind: removal.ProofMail, Address: other, Time: noon}}, removal.Identity, time.Time{}},

		{"level 1 has no cool-down", Facts{Entries: bare(), Counters: bogus(noon)}, removal.OKSelf, time.Time{}},
		{"level 2 has six hours", Facts{Entries: bare(level(2)), Counters: bogus(ago(6*time.Hour - time.Second))}, removal.StillOffending, in(time.Second)},
		{"level 2, six hours later", Facts{Entries: bare(level(2)), Counters: bogus(ago(6 * time.Hour))}, removal.OKSelf, time.Time{}},
		{"level 3 has a day", Facts{Entries: bare(level(3)), Counters: bogus(ago(23 * time.Hour))}, removal.StillOffending, in(time.Hour)},
		{"level 3, a day later", Facts{Entries: bare(level(3)), Counters: bogus(ago(24 * time.Hour))}, removal.OKSupport, time.Time{}},
		{"a clean probe since shows the fix at once", Facts{Entries: bare(level(2)), Counters: bogus(ago(time.Hour)), Proofs: []Proof{clean(ago(time.Minute))}}, removal.OKSelf, time.Time{}},
		{"a clean probe from before does not", Facts{Entries: bare(level(2)), Counters: bogus(ago(time.Hour)), Proofs: []Proof{clean(ago(time.Hour))}}, removal.StillOffending, in(5 * time.Hour)},
		{"a probe that was not clean shows control alone", Facts{Entries: bare(level(2)), Counters: bogus(ago(time.Hour)), Proofs: []Proof{proof(removal.ProofMail, ago(time.Minute))}}, removal.StillOffending, in(5 * time.Hour)},
		{"control by TXT shows no fix", Facts{Entries: bare(level(2)), Counters: bogus(ago(time.Hour)), Offered: proof(removal.ProofTXT, noon)}, removal.StillOffending, in(5 * time.Hour)},
		{"offending comes before mixed traffic", Facts{Entries: bare(level(2)), Counters: Counters{LastBogus: ago(time.Hour), Bogus: 1, Clean: 9}}, removal.StillOffending, end},

		{"mixed traffic", Facts{Entries: bare(), Counters: Counters{LastBogus: ago(listing.Day), Bogus: 1, Clean: 1}}, removal.MixedTraffic, end},
		{"mixed traffic, and a clean probe since", Facts{Entries: bare(), Counters: mixed, Proofs: []Proof{clean(ago(time.Minute))}}, removal.OKSelf, time.Time{}},
		{"mixed traffic, and a clean probe before", Facts{Entries: bare(), Counters: mixed, Proofs: []Proof{clean(ago(2 * time.Hour))}}, removal.MixedTraffic, end},
		{"mixed traffic, and a clean probe of another address", Facts{Entries: bare(), Counters: mixed, Proofs: []Proof{{Kind: removal.ProofMail, Address: other, Time: ago(time.Minute), Clean: true}}}, removal.MixedTraffic, end},
		{"clean sessions alone are not mixed", Facts{Entries: bare(), Counters: Counters{Clean: 9}}, removal.OKSelf, time.Time{}},
		{"mixed traffic comes before the lockout", Facts{Entries: bare(level(4)), Counters: Counters{LastBogus: ago(2 * listing.Day), Bogus: 3, Clean: 4}}, removal.MixedTraffic, end},

		{"level 3 is no lockout", Facts{Entries: bare(level(3))}, removal.OKSupport, time.Time{}},
		{"level 4 is", Facts{Entries: bare(level(4))}, removal.RepeatLockout, end},
		{"a clean probe does not lift the lockout", Facts{Entries: bare(level(4)), Counters: mixed, Proofs: []Proof{clean(ago(time.Minute))}}, removal.RepeatLockout, end},
		{"the lockout comes before the end", Facts{Entries: bare(level(4), until(in(time.Hour)))}, removal.RepeatLockout, in(time.Hour)},

		{"six hours to go", Facts{Entries: bare(until(in(6 * time.Hour)))}, removal.ExpiresSoon, in(6 * time.Hour)},
		{"six hours and a second", Facts{Entries: bare(until(in(6*time.Hour + time.Second)))}, removal.OKSelf, time.Time{}},
		{"one of two ends soon", Facts{Entries: append(bare(), listed(t, 6, until(in(time.Hour))))}, removal.OKSelf, time.Time{}},
		{"ending soon comes before proof", Facts{Entries: ours(again, until(in(time.Hour)))}, removal.ExpiresSoon, in(time.Hour)},

		{"once in 30 days without proof", Facts{Entries: ours()}, removal.OKSelf, time.Time{}},
		{"the second time it is due", Facts{Entries: ours(again)}, removal.NoProof, time.Time{}},
		{"30 days later it is not", Facts{Entries: ours(selfAt(ago(30 * listing.Day)))}, removal.OKSelf, time.Time{}},
		{"nearly 30 days later it is", Facts{Entries: ours(selfAt(ago(30*listing.Day - time.Second)))}, removal.NoProof, time.Time{}},
		{"proof offered", Facts{Entries: ours(again), Counters: bogus(ago(time.Hour)), Offered: proof(removal.ProofMail, ago(time.Minute))}, removal.OKSelf, time.Time{}},
		{"proof from before the last bogus session", Facts{Entries: ours(again), Counters: bogus(ago(time.Hour)), Offered: proof(removal.ProofMail, ago(2*time.Hour))}, removal.NoProof, time.Time{}},
		{"proof at the instant of the last bogus session", Facts{Entries: ours(again), Counters: bogus(ago(time.Hour)), Offered: proof(removal.ProofMail, ago(time.Hour))}, removal.NoProof, time.Time{}},
		{"proof that came before the request", Facts{Entries: ours(again), Proofs: []Proof{proof(removal.ProofTXT, ago(time.Minute))}}, removal.OKSelf, time.Time{}},
		{"recorded proof for another address", Facts{Entries: ours(again), Proofs: []Proof{{Kind: removal.ProofTXT, Address: other, Time: ago(time.Minute)}}}, removal.NoProof, time.Time{}},
		{"a clean confirmed session since", Facts{Entries: ours(again), Counters: Counters{LastBogus: ago(time.Hour), Bogus: 2, LastClean: ago(time.Minute)}}, removal.OKSelf, time.Time{}},
		{"a clean confirmed session before", Facts{Entries: ours(again), Counters: Counters{LastBogus: ago(time.Hour), Bogus: 2, LastClean: ago(listing.Day)}}, removal.NoProof, time.Time{}},
		{"no reverse name yet", Facts{Entries: []Listing{listed(t, 12)}}, removal.NoProof, time.Time{}},
		{"a reverse name now", Facts{Entries: []Listing{listed(t, 12, func(l *Listing) { l.Fixed = true })}}, removal.OKSelf, time.Time{}},

		{"the second listing for a bare address", Facts{Entries: bare(level(2))}, removal.OKSelf, time.Time{}},
		{"the third", Facts{Entries: bare(level(3))}, removal.OKSupport, time.Time{}},
		{"support asks", Facts{Entries: bare(), Role: Support}, removal.OKSupport, time.Time{}},
		{"a range", Facts{Entries: bare(subject("192.0.2.0/24"))}, removal.OKSupport, time.Time{}},
		{"an IPv6 customer", Facts{Entries: bare(subject("2001:db8::/64"))}, removal.OKSelf, time.Time{}},
		{"an IPv6 range", Facts{Entries: bare(subject("2001:db8::/63"))}, removal.OKSupport, time.Time{}},
		{"a reason of the operator's", Facts{Entries: []Listing{listed(t, 100)}}, removal.OKSupport, time.Time{}},
		{"one of two takes support", Facts{Entries: append(bare(), listed(t, 100))}, removal.OKSupport, time.Time{}},
		{"the companion of a repeat goes with the main one", Facts{Entries: append(bare(level(2)), listed(t, listing.Repeat, level(4)))}, removal.OKSelf, time.Time{}},
		{"a repeat alone takes support", Facts{Entries: []Listing{listed(t, listing.Repeat)}}, removal.OKSupport, time.Time{}},
		{"a literal of another host, whenever", Facts{Entries: []Listing{listed(t, 6, again, level(3))}}, removal.OKSelf, time.Time{}},
		{"imported", Facts{Entries: []Listing{listed(t, listing.Imported, level(0))}}, removal.OKSelf, time.Time{}},
	}
	reached := map[removal.Code]bool{}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.facts.Address = sender
			d := Judge(c.facts, noon)
			reached[d.Code] = true
			if d.Code != c.want {
				t.Fatalf("decided %s, want %s", d.Code, c.want)
			}
			switch {
			case c.retry.IsZero() != (d.RetryAfter == nil), d.RetryAfter != nil && !d.RetryAfter.Equal(c.retry):
				t.Errorf("retry after %v, want %v", d.RetryAfter, c.retry)
			case d.Sentence == "" || d.ChangesWhen == "" || !strings.HasSuffix(d.Sentence, ".") || strings.ContainsAny(d.Sentence, "%\n"):
				t.Errorf("sentence %q, changes %q", d.Sentence, d.ChangesWhen)
			}
		})
	}
	for _, c := range removal.Codes() {
		if !reached[c] {
			t.Errorf("no case leads to %s", c)
		}
	}
}

func TestDecisionJSON(t *testing.T) {
	d := Judge(Facts{Address: sender, Entries: []Listing{listed(t, listing.BareIP, level(2))}, Counters: Counters{LastBogus: ago(time.Hour), Bogus: 5}}, noon)
	raw, err := json.Marshal(d)
	want := `{"decision":"STILL_OFFENDING","sentence":"The last bogus greeting from 192.0.2.7 came at 2026-11-23 11:00:00 UTC, less than 6 hours ago.",` +
		`"retry_after":"2026-11-23T17:00:00Z","changes_when":"Ask again after 6 hours without a bogus greeting, that is from 2026-11-23 17:00:00 UTC on; each new one starts this time again."}`
	if err != nil || string(raw) != want {
		t.Errorf("got  %s\nwant %s (%v)", raw, want, err)
	}
	if raw, err = json.Marshal(Judge(Facts{Address: sender}, noon)); err != nil || !strings.Contains(string(raw), `"retry_after":null`) {
		t.Errorf("got %s, %v", raw, err)
	}
}

// draw makes facts of all kinds.
func draw(rt *rapid.T, t *testing.T) Facts {
	instant := rapid.Custom(func(rt *rapid.T) time.Time {
		return noon.Add(time.Duration(rapid.Int64Range(-40*86400, 86400).Draw(rt, "seconds")) * time.Second)
	})
	f := Facts{Address: sender, Role: Role(rapid.IntRange(0, 1).Draw(rt, "role"))}
	reasons := catalogue(t).All()
	for range rapid.IntRange(0, 3).Draw(rt, "entries") {
		info := rapid.SampledFrom(reasons).Draw(rt, "reason")
		l := listed(t, info.Code, level(rapid.IntRange(0, 5).Draw(rt, "level")),
			until(in(time.Duration(rapid.Int64Range(-3600, 5*86400).Draw(rt, "left"))*time.Second)))
		l.SelfDelisted = rapid.SliceOfN(instant, 0, 2).Draw(rt, "self")
		l.Fixed = rapid.Bool().Draw(rt, "fixed")
		f.Entries = append(f.Entries, l)
	}
	if rapid.Bool().Draw(rt, "offended") {
		f.Counters = Counters{LastBogus: ago(time.Duration(rapid.Int64Range(0, 2*86400).Draw(rt, "bogus ago")) * time.Second),
			Bogus: rapid.IntRange(1, 3).Draw(rt, "bogus"), Clean: rapid.IntRange(0, 2).Draw(rt, "clean")}
	}
	f.Requests = rapid.SliceOfN(instant, 0, 5).Draw(rt, "requests")
	if rapid.Bool().Draw(rt, "proof") {
		f.Offered = Proof{Kind: removal.ProofMail, Address: rapid.SampledFrom([]listing.Subject{listing.HostSubject(sender), listing.HostSubject(other)}).Draw(rt, "for").Addr(),
			Time: instant.Draw(rt, "proof at"), Clean: rapid.Bool().Draw(rt, "clean probe")}
	}
	return f
}

func place(c removal.Code) int { return slices.Index(removal.Codes(), c) }

// Waiting alone never makes a decision worse: it moves on in the order of the
// codes, but for an entry that nears its end or ends.
func TestWaitingNeverHurts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := draw(rt, t)
		now, wait := noon, time.Duration(rapid.Int64Range(0, 6*86400).Draw(rt, "wait"))*time.Second
		f.Offered.Time = ago(time.Hour) // proof that is yet to come is no fact
		before, after := Judge(f, now).Code, Judge(f, now.Add(wait)).Code
		switch {
		case after == removal.NotListed:
		case before == removal.NotListed:
			rt.Fatalf("listed again by waiting: %s", after)
		case before == removal.ExpiresSoon && after != removal.ExpiresSoon:
			rt.Fatalf("%s became %s by waiting", before, after)
		case after != removal.ExpiresSoon && place(after) < place(before):
			rt.Fatalf("%s became %s by waiting", before, after)
		}
	})
}

// RetryAfter is right: before it waiting does not help, from it on it does.
func TestRetryAfter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := draw(rt, t)
		f.Offered.Time = ago(time.Hour)
		d := Judge(f, noon)
		if d.RetryAfter == nil {
			if d.Code.Waits() || d.Code == removal.ExpiresSoon {
				rt.Fatalf("%s without a time", d.Code)
			}
			return
		}
		if !d.RetryAfter.After(noon) || d.RetryAfter.Nanosecond() != 0 {
			rt.Fatalf("retry after %v", d.RetryAfter)
		}
		early := noon.Add(time.Duration(rapid.Int64Range(0, int64(d.RetryAfter.Sub(noon))-1).Draw(rt, "early")))
		if c := Judge(f, early).Code; !c.Waits() && c != removal.ExpiresSoon {
			rt.Fatalf("%s already at %v", c, early)
		}
		if c := Judge(f, *d.RetryAfter).Code; c.Waits() {
			rt.Fatalf("still %s at %v", c, d.RetryAfter)
		}
	})
}

// Doing well never hurts: a proof for the address, fewer requests, a lower
// level and an older last offence leave the decision where it is or move it on.
func TestDoingWellNeverHurts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := draw(rt, t)
		before := Judge(f, noon).Code
		switch rapid.IntRange(0, 3).Draw(rt, "what") {
		case 0:
			f.Offered = Proof{Kind: removal.ProofMail, Address: sender, Time: noon, Clean: true}
		case 1:
			f.Requests = nil
		case 2:
			for n := range f.Entries {
				f.Entries[n].Level = min(f.Entries[n].Level, 1)
			}
		case 3:
			f.Counters = Counters{}
		}
		if after := Judge(f, noon).Code; place(after) < place(before) {
			rt.Fatalf("%s became %s", before, after)
		}
	})
}

// Words are true of what is listed, and offer no way that is not there.
func TestWordsFit(t *testing.T) {
	whole := func(l *Listing) { l.Subject = listing.Subject{Prefix: netip.MustParsePrefix("192.0.2.0/24")} }
	again := []Listing{listed(t, listing.OurIP, selfAt(ago(listing.Day)))}
	word := func(source string) Listing {
		return listed(t, listing.BareIP, func(l *Listing) { l.Word, l.Source = true, source })
	}
	foreign := Proof{Kind: removal.ProofMail, Address: other, Time: noon}
	for name, c := range map[string]struct {
		facts Facts
		says  string
		not   string
	}{
		"a range by a person":          {Facts{Entries: []Listing{listed(t, listing.Manual, whole)}}, "a network that the operator of this list has listed as a whole, 192.0.2.0/24", "by a person"},
		"an address by a person":       {Facts{Entries: []Listing{listed(t, listing.Manual)}}, "was listed by a person", "network"},
		"on a person's word":           {Facts{Entries: []Listing{word("")}}, "was made by a person.", "another list"},
		"on a feed's word":             {Facts{Entries: []Listing{word("feed")}}, "was taken over from another list.", "person"},
		"on the word of both":          {Facts{Entries: []Listing{word(""), word("feed")}}, "by a person and taken over from another list.", "greeted"},
		"no proof, no probe address":   {Facts{Entries: again}, "Properly greeted sessions", "probe"},
		"no proof, a probe address":    {Facts{Entries: again, Probing: true}, "the probe address", ""},
		"foreign proof, no probe":      {Facts{Entries: again, Offered: foreign}, "We need a proof for 192.0.2.7 itself.", "probe"},
		"foreign proof, probe offered": {Facts{Entries: again, Offered: foreign, Probing: true}, "sent from it to the probe address.", ""},
	} {
		c.facts.Address = sender
		d := Judge(c.facts, noon)
		words := d.Sentence + " " + d.ChangesWhen
		if !strings.Contains(words, c.says) || c.not != "" && strings.Contains(words, c.not) {
			t.Errorf("%s: %s %q", name, d.Code, words)
		}
	}
}
