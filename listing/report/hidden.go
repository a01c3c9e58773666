package report

import (
	"dnsbld/listing"
)

// Hidden is how many entries would be answered as listed, were it not for allow
// entries.
type Hidden struct {
	Entries int        `json:"entries"`
	By      []HiddenBy `json:"by"` // the allow entries that hide any, by prefix
}

// HiddenBy is an allow entry and how much it hides. What two of them hide counts for
// the first.
type HiddenBy struct {
	Subject listing.Subject `json:"prefix"`
	Owner   string          `json:"owner"`
	Entries int             `json:"entries"`
}

// HiddenIn counts what allow entries hide in a snapshot. It looks at what lies inside
// allow entries alone, so it costs what they hide.
func HiddenIn(snap listing.Snapshot, i listing.Instant) (Hidden, error) {
	found := Hidden{By: []HiddenBy{}}
	for _, a := range i.Allows {
		if !a.Active(i.Now) {
			continue
		}
		by := HiddenBy{Subject: a.Subject, Owner: a.Owner}
		err := listedInside(snap, i, a.Subject, func(h listing.Held) {
			if h.WhyNot.Kind == listing.IsAllowed && h.WhyNot.By == a.Subject {
				by.Entries++
			}
		})
		if err != nil {
			return found, err
		}
		if by.Entries > 0 {
			found.Entries += by.Entries
			found.By = append(found.By, by)
		}
	}
	return found, nil
}

// listedInside calls f with each entry inside a prefix, resolved at its own subject;
// exceptions, which list nobody, are left out.
func listedInside(snap listing.Snapshot, i listing.Instant, within listing.Subject, f func(listing.Held)) error {
	for e, err := range snap.Each(within) {
		if err != nil {
			return err
		}
		if e.Except || !i.Sources.InForce(e, i.Now) {
			continue
		}
		held, err := heldAt(snap, i, e)
		if err != nil {
			return err
		}
		f(held)
	}
	return nil
}

// heldAt is an entry in force, resolved at its own subject.
func heldAt(snap listing.Snapshot, i listing.Instant, e listing.Entry) (listing.Held, error) {
	covering, err := snap.Covering(e.Subject)
	if err != nil {
		return listing.Held{}, err
	}
	for _, h := range i.Resolve(e.Subject, covering) {
		if h.Key == e.Key {
			return h, nil
		}
	}
	return listing.Held{Entry: e}, nil
}

// shownHidden is how many entries a trial run of an allow entry names.
const shownHidden = 20

// Hide notes the entries that an allow entry would hide: those inside it that are
// answered now, and wider ones, of which a part no longer would be.
func (r *Reach) Hide(snap listing.Snapshot, i listing.Instant, s listing.Subject) error {
	rows := Rows{Reasons: i.Rules.Reasons}
	note := func(h listing.Held) {
		if !h.Lists() {
			return
		}
		if r.found.Hides++; len(r.found.Hidden) < shownHidden {
			r.found.Hidden = append(r.found.Hidden, rows.Row(h.Entry))
		}
	}
	covering, err := snap.Covering(s)
	if err != nil {
		return err
	}
	for _, h := range i.Resolve(s, covering) {
		if h.Subject != s { // else it comes by below
			note(h)
		}
	}
	return listedInside(snap, i, s, note)
}
