package sighting

import (
	"net/netip"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/helo"
)

// Observation is one SMTP session and what was made of it.
type Observation struct {
	Time     time.Time  // when the session was, by the receiver's clock
	Receiver string     // the receiving server's alias
	ID       string     // names the session at that receiver: counted once
	Client   netip.Addr // the other end of the connection
	Verdict  helo.Verdict
	HELO     string // as received, octet by octet
	DNS      string // what DNS said of the client then, for people
	FCrDNS   bool   // the client's reverse name leads back to it
	// Recipients is how many recipients were named, Unknown how many of them do
	// not exist here.
	Recipients, Unknown int
}

// Outcome is what became of an observation.
type Outcome string

// Outcomes of observations.
const (
	Counted   Outcome = "counted"   // in the counters that thresholds look at
	Exempt    Outcome = "exempt"    // in the totals by code only
	Late      Outcome = "late"      // over 48 hours old: stored, not counted
	Future    Outcome = "future"    // not yet: stored, not counted
	Duplicate Outcome = "duplicate" // reported before: nothing changed
	Dropped   Outcome = "dropped"   // older than what is kept, or too many to remember
	Invalid   Outcome = "invalid"   // without a time, a receiver, an id or a client
)

// Times that the rules name.
const (
	window    = 24 * time.Hour  // in which sessions are held against thresholds
	countable = 48 * time.Hour  // older sessions are stored, not counted
	soleSpan  = 7 * listing.Day // in which a second receiver must have reported
	keptDays  = 30              // days that are kept
	skew      = 5 * time.Second // by which receivers' clocks may be ahead
)

// windowSeconds is window in the unit of cells.
const windowSeconds = int64(window / time.Second)

// Bounds on strings from outside, in octets.
const (
	maxHELO  = helo.MaxName
	maxAlias = 64
	maxNote  = 200
)

func (o *Observation) valid() bool {
	return o.Client.IsValid() && !o.Time.IsZero() && o.Receiver != "" && o.ID != ""
}

// outcome says whether a session that is reported for the first time counts.
func (o *Observation) outcome(now time.Time) Outcome {
	switch age := now.Sub(o.Time); {
	case age > (keptDays-1)*listing.Day || age < -keptDays*listing.Day:
		return Dropped
	case o.Verdict.Strength == helo.Exempt:
		return Exempt
	case age > countable:
		return Late
	case age < -skew:
		return Future
	}
	return Counted
}

// manyUnknown reports whether half of the recipients, and at least one, do not
// exist.
func (o *Observation) manyUnknown() bool { return o.Unknown > 0 && 2*o.Unknown >= o.Recipients }

// Sample is the session as evidence.
func (o *Observation) Sample() listing.Sample {
	return listing.Sample{
		Time:     o.Time.UTC().Truncate(time.Second),
		Receiver: helo.Escape(o.Receiver, maxAlias),
		HELO:     helo.Escape(o.HELO, maxHELO),
		Verdict:  string(o.Verdict.Code),
		DNS:      helo.Escape(o.DNS, maxNote),
	}
}
