package delist

import (
	"time"

	"dnsbld/listing/helo"
)

// Traffic is how an address greeted in a stretch of time, exempt sessions left
// out.
type Traffic struct {
	From, To time.Time
	Sessions int         // all of them
	Clean    int         // greeted properly
	Bogus    int         // greeted in a way that can list
	HELOs    []HELOCount // the most frequent greetings, five at the most
}

// HELOCount is one greeting and how often it was heard.
type HELOCount struct {
	HELO     string // printable ASCII
	Code     helo.Code
	Sessions int
}

// Diagnosis is what the counters most likely mean.
type Diagnosis string

// The diagnoses.
const (
	MisSet     Diagnosis = "mis-set"           // one greeting, always bogus: a sender with a wrong setting
	SecondHost Diagnosis = "second-host"       // a proper sender, and a bogus minority: another machine behind the address
	Follows    Diagnosis = "follows-recipient" // the greeting follows the recipient: malware or bulk software
	ManyNames  Diagnosis = "many-names"        // many machines behind the address: NAT or hosting
	CannotTell Diagnosis = "cannot-tell"       // too few sessions, or none of these
)

const (
	fewSessions = 5 // fewer tell nothing
	manyNames   = 5 // all that the counters keep apart
)

// Diagnose says what the counters most likely mean. Where they do not say, it
// does not guess.
func Diagnose(t Traffic) Diagnosis {
	domains, following := 0, 0
	for _, h := range t.HELOs {
		if h.Code == helo.CodeRcptDomain {
			domains++
			following += h.Sessions
		}
	}
	switch {
	case t.Sessions < fewSessions || t.Bogus == 0:
		return CannotTell
	case domains > 1 && 2*following >= t.Bogus:
		return Follows
	case t.Clean > 0 && 2*t.Bogus < t.Sessions && len(t.HELOs) < manyNames:
		return SecondHost
	case len(t.HELOs) == 1 && t.Bogus == t.Sessions:
		return MisSet
	case len(t.HELOs) >= manyNames:
		return ManyNames
	}
	return CannotTell
}
