package sighting

import (
	"fmt"

	"dnsbld/listing"
)

// Threshold is what a reason takes, in the 24 hours that end at an address's
// newest counted session. Zero asks for nothing, but for Sessions, which is at
// least 1. A target is what the greeting pretended to be: one of our addresses
// or names, a recipient's domain, a literal; for helo-rotating any greeting.
type Threshold struct {
	Sessions  int           `toml:"sessions" json:"sessions"`
	Hours     int           `toml:"hours" json:"hours,omitempty"`         // different UTC clock hours
	Receivers int           `toml:"receivers" json:"receivers,omitempty"` // different receivers
	Targets   int           `toml:"targets" json:"targets,omitempty"`     // different targets
	Share     float64       `toml:"share" json:"share,omitempty"`         // of all sessions that are not exempt, 0 to 1
	Also      []Alternative `toml:"also" json:"also,omitempty"`           // at least one of them; none: nothing
}

// Alternative is one way to meet a threshold: all that it asks for.
type Alternative struct {
	Sessions  int `toml:"sessions" json:"sessions,omitempty"`
	Receivers int `toml:"receivers" json:"receivers,omitempty"`
	Targets   int `toml:"targets" json:"targets,omitempty"`
}

// Thresholds are those in force, by reason. A reason without one is never
// found.
type Thresholds map[listing.Reason]Threshold

// DefaultThresholds are the published criteria. Those of the shadow reasons,
// from 7 on, list nobody by themselves.
func DefaultThresholds() Thresholds {
	identity := func() Threshold {
		return Threshold{Sessions: 2, Also: []Alternative{{Targets: 2}, {Receivers: 2}, {Sessions: 5}}}
	}
	return Thresholds{
		listing.OurIP:         identity(),
		listing.OurName:       identity(),
		listing.RcptName:      {Sessions: 5, Also: []Alternative{{Targets: 2}, {Sessions: 10, Receivers: 3}}},
		listing.BareIP:        {Sessions: 5, Hours: 2, Receivers: 2, Share: 0.25},
		listing.ForgedLiteral: {Sessions: 10, Targets: 3},
		listing.Rotating:      {Sessions: 20, Targets: 15},
		listing.Localhost:     {Sessions: 10, Hours: 2, Receivers: 2, Share: 0.25},
		listing.Malformed:     {Sessions: 10, Hours: 2, Receivers: 2, Share: 0.25},
		listing.NoReverse:     {Sessions: 10, Hours: 2, Receivers: 2, Share: 0.9},
		listing.Unconfirmed:   {Sessions: 10, Hours: 2, Receivers: 2, Share: 0.9},
		listing.RcptBogus:     {Sessions: 10, Hours: 2, Share: 0.5},
	}
}

// BySymbol gives the thresholds under the names of their reasons, as a
// configuration has them.
func (ts Thresholds) BySymbol() map[string]Threshold {
	named := map[string]Threshold{}
	for r, t := range ts {
		named[symbolOf(r)] = t
	}
	return named
}

// FromSymbols is the inverse of BySymbol. It fails for names that sessions are
// not counted for; what it returns is yet to be validated.
func FromSymbols(named map[string]Threshold) (Thresholds, error) {
	codes := map[string]listing.Reason{}
	for r, symbol := range eachCounted {
		codes[symbol] = r
	}
	ts := Thresholds{}
	for symbol, t := range named {
		r, known := codes[symbol]
		if !known {
			return nil, fmt.Errorf("thresholds.%s: sessions are not counted for it", symbol)
		}
		ts[r] = t
	}
	return ts, nil
}

// maxMinimum bounds every minimum: an address's memory holds that many apart,
// twice over for the time with one receiver alone.
const maxMinimum = 500

// Validate finds every mistake.
func (ts Thresholds) Validate() error {
	var wrong listing.Mistakes
	for r, t := range ts {
		if symbol := symbolOf(r); symbol == "" {
			wrong.Addf("thresholds: reason %d: sessions are not counted for it", r)
		} else if err := t.validate(); err != nil {
			wrong.Addf("thresholds.%s: %w", symbol, err)
		}
	}
	return wrong.Err()
}

func (t Threshold) validate() error {
	var wrong listing.Mistakes
	check := func(name string, n, low int) {
		wrong.Unless(n >= low && n <= maxMinimum, "%s = %d: from %d to %d", name, n, low, maxMinimum)
	}
	check("sessions", t.Sessions, 1)
	check("hours", t.Hours, 0)
	check("receivers", t.Receivers, 0)
	check("targets", t.Targets, 0)
	wrong.Unless(t.Hours <= 24, "hours = %d: the window holds 24", t.Hours)
	wrong.Unless(t.Share >= 0 && t.Share <= 1, "share = %v: from 0 to 1", t.Share)
	for _, a := range t.Also {
		check("also.sessions", a.Sessions, 0)
		check("also.receivers", a.Receivers, 0)
		check("also.targets", a.Targets, 0)
		wrong.Unless(a != Alternative{}, "also: an alternative that asks for nothing")
	}
	return wrong.Err()
}

// Sole is the threshold while one receiver alone reports: minima of receivers
// fall to 1, minima of sessions double, and alternatives that rest on several
// receivers lapse. If all of them lapse, nothing can meet the threshold, and
// possible is false.
func (t Threshold) Sole() (sole Threshold, possible bool) {
	sole = t
	sole.Sessions *= 2
	sole.Receivers = min(t.Receivers, 1)
	sole.Also = nil
	for _, a := range t.Also {
		if a.Receivers <= 1 {
			a.Sessions *= 2
			sole.Also = append(sole.Also, a)
		}
	}
	return sole, len(t.Also) == 0 || len(sole.Also) > 0
}
