package report

import (
	"time"

	"dnsbld/listing"
)

// Query narrows a list of entries. Its zero value means all that are in force.
type Query struct {
	Reason   string          `query:"reason"`
	Within   listing.Subject `query:"within"`
	Expiring listing.Life    `query:"expiring"` // that end within this time
	Origin   listing.Origin  `query:"origin"`
	Source   *string         `query:"source"` // nil: of any; empty: this list's own
	Limit    int             `query:"limit"`  // 0: none
}

// List calls f with the entries in force that a query asks for, in order of
// key, each with its true end and what else it has from its source.
func List(snap listing.Snapshot, reasons *listing.Reasons, q Query, now time.Time, f func(listing.Entry) error) error {
	code := listing.Reason(0)
	if q.Reason != "" {
		info, err := reasons.Find(q.Reason)
		if err != nil {
			return err
		}
		code = info.Code
	}
	sources, err := listing.SourcesOf(snap)
	if err != nil {
		return err
	}
	count := 0
	for e, err := range snap.Each(q.Within) {
		if err != nil {
			return err
		}
		if (code != 0 && e.Reason != code) || (q.Source != nil && e.Source != *q.Source) || !sources.InForce(e, now) {
			continue
		}
		e = sources.Complete(e)
		if (q.Origin != "" && e.Origin != q.Origin) || (q.Expiring != 0 && e.Until.After(now.Add(q.Expiring.Duration()))) {
			continue
		}
		if err := f(e); err != nil {
			return err
		}
		if count++; count == q.Limit {
			return nil
		}
	}
	return nil
}
