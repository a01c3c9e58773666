package report

import (
	"fmt"
	"time"

	"dnsbld/listing"
)

// StillListed is an entry by which DNS lists a subject after what was asked about it
// has ended.
type StillListed struct {
	Subject listing.Subject `json:"prefix"` // of the entry
	Reason  string          `json:"reason"`
	Source  string          `json:"source"` // empty: this list's own
}

// Still are the entries by which some zone still lists subjects, strongest first,
// with a sentence each that says what would free the subject. Without zones an
// entry of a published reason lists it.
func Still(snap listing.Snapshot, rules listing.Rules, now time.Time, zones []Zone, subjects ...listing.Subject) (all []StillListed, sentences []string, err error) {
	named := [][]listing.Reason{}
	for _, z := range zones {
		named = append(named, z.Reasons)
	}
	if len(zones) == 0 {
		named = append(named, nil)
	}
	for _, s := range subjects {
		held, err := listing.HeldAt(snap, rules, s, now, named)
		if err != nil {
			return nil, nil, err
		}
		for _, h := range listing.Answered(held) {
			all = append(all, StillListed{h.Subject, h.Info.Symbol, h.Source})
			sentences = append(sentences, stillSentence(s, h))
		}
	}
	return all, sentences, nil
}

// stillSentence says what lists a subject and what would free it.
func stillSentence(s listing.Subject, h listing.Held) string {
	text := fmt.Sprintf("%s is still listed for %s", s.Text(), h.Info.Symbol)
	if h.Source != "" {
		text += " by source " + h.Source
	}
	if h.Subject != s {
		return text + fmt.Sprintf(", by the entry for %s: an exception for %s or an allow entry frees it", h.Subject, s.Text())
	}
	return text + ": to delist it for that reason too frees it"
}
