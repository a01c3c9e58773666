package delist

import (
	"cmp"
	"slices"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/removal"
)

// Limits of the evidence in a letter that is not long.
const (
	evidenceLines = 5
	shortHELO     = 34  // octets of a greeting that stands behind its time
	clippedHELO   = 120 // of one on lines of its own
	lineOfHELO    = 60
)

// heard is one greeting with how often it came.
type heard struct {
	HELO  string
	Times int
	Last  time.Time
}

// Apart reports whether the greeting has lines of its own.
func (h heard) Apart() bool { return len(h.HELO) > shortHELO }

func (h heard) lines() int {
	if !h.Apart() {
		return 1
	}
	return 2 + len(h.HELO)/lineOfHELO
}

// greeted are the listings that rest on greetings.
func (l letter) greeted() (all []block) {
	for _, b := range l.Reasons() {
		if b.Info.Basis == listing.BasisHELO {
			all = append(all, b)
		}
	}
	return all
}

// groups are the greetings that listings rest on, each once, the most frequent first.
func (l letter) groups() (all []heard) {
	for _, b := range l.greeted() {
		for _, s := range b.Samples {
			n := slices.IndexFunc(all, func(h heard) bool { return h.HELO == s.HELO })
			if n < 0 {
				n = len(all)
				all = append(all, heard{HELO: s.HELO})
			}
			all[n].Times++
			if s.Time.After(all[n].Last) {
				all[n].Last = s.Time
			}
		}
	}
	for n := range all {
		for _, h := range l.Traffic.HELOs {
			if h.HELO == all[n].HELO {
				all[n].Times = max(all[n].Times, h.Bogus)
			}
		}
		all[n].HELO, all[n].Times = clip(all[n].HELO, clippedHELO), min(all[n].Times, l.Counted())
	}
	slices.SortStableFunc(all, func(a, b heard) int {
		return cmp.Or(cmp.Compare(b.Times, a.Times), b.Last.Compare(a.Last))
	})
	return all
}

// Heard are as many of the greetings as have room.
func (l letter) Heard() []heard {
	all, lines := l.groups(), 0
	for n, h := range all {
		if lines += h.lines(); lines > evidenceLines-l.Trim && n > 0 {
			return all[:n]
		}
	}
	return all
}

// Unheard is how many greetings have no room.
func (l letter) Unheard() int { return len(l.groups()) - len(l.Heard()) }

// Counted is the number of bogus sessions of all listings that rest on greetings.
func (l letter) Counted() (n int) {
	for _, b := range l.greeted() {
		n += b.Sessions
	}
	return n
}

// Seen are the servers that saw them.
func (l letter) Seen() (all []string) {
	for _, b := range l.greeted() {
		for _, name := range b.Receivers() {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	slices.Sort(all)
	return all[:min(len(all), evidenceLines)]
}

// LastSeen is when the last of them came.
func (l letter) LastSeen() (t time.Time) {
	for _, b := range l.greeted() {
		if b.Last().After(t) {
			t = b.Last()
		}
	}
	return t
}

// Best is the piece of evidence that says most: one that tells of a greeting that was
// sent, else a refusal or a line of a log; none: what was sent shows nothing of it.
func (l letter) Best() (all []offered) {
	claims := l.Claims()
	for _, is := range []func(offered) bool{offered.Counts, offered.evidence} {
		if n := slices.IndexFunc(claims, is); n >= 0 {
			return claims[n : n+1]
		}
	}
	return nil
}

// Beside are the remarks in what was sent: none of them shows a greeting.
func (l letter) Beside() (names []string) {
	for _, c := range l.Claims() {
		if name := l.Language.Word(beside[c.Kind]); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// beside is what remarks are called in a list.
var beside = map[removal.ClaimKind]string{
	removal.ClaimBanner: "the banner of your server", removal.ClaimRDNS: "reverse DNS", removal.ClaimRcpt: "RCPT TO", removal.ClaimTelnet: "a session typed by hand",
}
