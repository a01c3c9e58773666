package sighting

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"dnsbld/listing"
)

// Counters are what one subject did in the 24 hours that end at its newest
// counted session.
type Counters struct {
	Subject listing.Subject
	End     time.Time // the newest counted session
	Reasons map[listing.Reason]Tally
}

// Tally is what speaks for one reason, since the subject's latest delisting
// for it.
type Tally struct {
	Sessions  int       `json:"sessions"`  // that speak for the reason
	All       int       `json:"all"`       // that are not exempt, clean ones too
	Hours     int       `json:"hours"`     // different UTC clock hours of Sessions
	Receivers int       `json:"receivers"` // different receivers of Sessions
	Targets   int       `json:"targets"`   // different targets of Sessions
	Hosts     int       `json:"hosts"`     // different addresses of Sessions
	Last      time.Time `json:"last,omitzero"`
	Fixed     bool      `json:"fixed,omitempty"` // put right since Last
}

// Decision is what a threshold makes of a tally.
type Decision struct {
	Reason  listing.Reason `json:"reason"`
	Crossed bool           `json:"crossed"`
	Shadow  bool           `json:"shadow,omitempty"` // rests on verdicts that list nobody
	Tally
	Sentence string `json:"sentence"` // why, or why not yet
}

// Symbol is that of the reason.
func (d Decision) Symbol() string { return symbolOf(d.Reason) }

// Evaluate holds counters against thresholds: a decision for every reason that
// anything speaks for, in order of number. Sole says that one receiver alone
// has reported in the last seven days. It is a pure function.
func Evaluate(c Counters, ts Thresholds, sole bool) []Decision {
	var ds []Decision
	for _, r := range slices.Sorted(maps.Keys(c.Reasons)) {
		t, known := ts[r]
		tally := c.Reasons[r]
		if !known || tally.Sessions == 0 {
			continue
		}
		lacks := t.lacks(tally, sole)
		d := Decision{Reason: r, Crossed: len(lacks) == 0, Shadow: shadowOnly(r), Tally: tally}
		d.Sentence = sentence(d, lacks)
		ds = append(ds, d)
	}
	return ds
}

func sentence(d Decision, lacks []string) string {
	s := fmt.Sprintf("%d of %d sessions within 24 hours were %s", d.Sessions, d.All, symbolOf(d.Reason))
	if len(lacks) > 0 {
		return s + "; that does not list: " + strings.Join(lacks, ", ") + "."
	}
	return s + fmt.Sprintf(", in %s, on %s, with %s.", count(d.Hours, "clock hour"), count(d.Receivers, "receiver"), count(d.Targets, "target"))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// lacks is the one place where a tally meets a threshold: what lists, what is
// shown and what is simulated all ask here. It says what is missing for
// the threshold to be met; nothing if it is.
func (t Threshold) lacks(n Tally, sole bool) (missing []string) {
	if sole {
		possible := false
		if t, possible = t.Sole(); !possible {
			return []string{"a second receiver must report"}
		}
	}
	if n.Fixed {
		missing = append(missing, "it has been put right since")
	}
	need := func(have, want int, what string) {
		if have < want {
			missing = append(missing, fmt.Sprintf("%d of %s", have, count(want, what)))
		}
	}
	need(n.Sessions, max(t.Sessions, 1), "session")
	need(n.Hours, t.Hours, "clock hour")
	need(n.Receivers, t.Receivers, "receiver")
	need(n.Targets, t.Targets, "target")
	if n.All > 0 && float64(n.Sessions) < t.Share*float64(n.All) {
		missing = append(missing, fmt.Sprintf("%.1f %% of the sessions, not %g %%", 100*float64(n.Sessions)/float64(n.All), 100*t.Share))
	}
	met := func(a Alternative) bool {
		return n.Sessions >= a.Sessions && n.Receivers >= a.Receivers && n.Targets >= a.Targets
	}
	if len(t.Also) > 0 && !slices.ContainsFunc(t.Also, met) {
		missing = append(missing, "not "+alternatives(t.Also))
	}
	return missing
}

func alternatives(as []Alternative) string {
	var all []string
	for _, a := range as {
		var parts []string
		for _, p := range []struct {
			n    int
			what string
		}{{a.Targets, "target"}, {a.Sessions, "session"}, {a.Receivers, "receiver"}} {
			if p.n > 0 {
				parts = append(parts, count(p.n, p.what))
			}
		}
		all = append(all, strings.Join(parts, " with "))
	}
	return strings.Join(all, " or ")
}
