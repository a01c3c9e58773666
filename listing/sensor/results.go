package sensor

import (
	"dnsbld/listing"
	"dnsbld/listing/sighting"
)

// Status is how the sensor does.
type Status struct {
	Probes Probes `json:"probes"`
	sighting.Status
}

// Probes counts mails to probe addresses.
type Probes struct {
	Taken   int64 `json:"taken"`   // as proof
	Refused int64 `json:"refused"` // the token was not good
}

// Observed is what became of the sessions of one batch.
type Observed struct {
	Sessions   int                      `json:"sessions"`   // all, those told before too
	Bogus      int                      `json:"bogus"`      // verdicts medium or strong, told for the first time
	Clean      int                      `json:"clean"`      // verdicts ok, told for the first time
	Duplicates int                      `json:"duplicates"` // told before
	Skipped    int                      `json:"skipped"`    // lines that are no session
	Listed     []Listing                `json:"listed"`     // addresses of these sessions that became listed
	Outcomes   map[sighting.Outcome]int `json:"outcomes,omitempty"`
}

// Listing is an entry that thresholds have made.
type Listing struct {
	Subject listing.Subject `json:"prefix"`
	Reason  string          `json:"reason"`
}

// Add adds what became of more sessions.
func (o *Observed) Add(more Observed) {
	o.Sessions += more.Sessions
	o.Bogus += more.Bogus
	o.Clean += more.Clean
	o.Duplicates += more.Duplicates
	o.Skipped += more.Skipped
	o.Listed = append(o.Listed, more.Listed...)
	for outcome, n := range more.Outcomes {
		if o.Outcomes == nil {
			o.Outcomes = map[sighting.Outcome]int{}
		}
		o.Outcomes[outcome] += n
	}
}
