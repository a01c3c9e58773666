package ctl

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"dnsbld/listing"
)

// Standing is an entry that covers a prefix, and what it does there.
type Standing struct {
	Row
	Published bool             `json:"published"` // zones that name no reasons of their own answer it
	Lists     bool             `json:"lists"`     // for this entry the prefix is answered as listed
	Because   string           `json:"because,omitempty"`
	Samples   []listing.Sample `json:"samples,omitempty"`

	evidence listing.Digest
}

// judge says of each entry that covers a subject and is in force whether the
// subject is listed for it, and if not, what stands before it. The rules are
// those of the served view: of one reason and source the most specific entry
// stands; an exception of this list's own also takes out of other sources'
// entries that are as wide or wider; what is protected is never answered.
func judge(covering []listing.Entry, protected string, r rows) []Standing {
	all := make([]Standing, 0, len(covering))
	for _, e := range covering {
		s := Standing{Row: r.row(e), evidence: e.Evidence}
		info, _ := r.reasons.Info(e.Reason)
		s.Published = info.Published
		s.Because = hindrance(e, covering)
		if !e.Except && s.Because == "" {
			s.Because = protected
		}
		s.Lists = !e.Except && s.Because == ""
		all = append(all, s)
	}
	slices.SortStableFunc(all, func(a, b Standing) int {
		if c := cmp.Compare(r.rank(a.Code), r.rank(b.Code)); c != 0 {
			return c
		}
		return b.Subject.Bits() - a.Subject.Bits()
	})
	return all
}

// hindrance says what other entry stands before one.
func hindrance(e listing.Entry, covering []listing.Entry) string {
	for _, o := range covering {
		if o.Reason != e.Reason || o.Key == e.Key {
			continue
		}
		narrower := o.Subject.Bits() > e.Subject.Bits()
		switch {
		case o.Source == e.Source && narrower && o.Except && !e.Except:
			return "excepted by " + o.Subject.String()
		case o.Source == e.Source && narrower:
			return "the entry for " + o.Subject.String() + " stands before it"
		case o.Source == "" && o.Except && !e.Except && o.Subject.Bits() >= e.Subject.Bits():
			return "excepted by " + o.Subject.String()
		}
	}
	return ""
}

// rank orders reasons as answers do, reasons of no catalogue last.
func (r rows) rank(code listing.Reason) int {
	const unknown = 1 << 20
	if info, ok := r.reasons.Info(code); ok {
		return info.Rank<<8 + int(code)
	}
	return unknown + int(code)
}

// protection says why a subject is never answered as listed, whatever is
// stored; empty if nothing protects it.
func protection(s listing.Subject, policy listing.Policy, allows []listing.Allow, now time.Time) string {
	if never, ok := policy.Protects(s); ok {
		return fmt.Sprintf("%s %s", never.Subject.Text(), never.Why)
	}
	for _, a := range allows {
		if a.Active(now) && a.Subject.Covers(s) {
			return "hidden by the allow entry for " + a.Subject.Text()
		}
	}
	return ""
}

func anyLists(all []Standing) bool {
	return slices.ContainsFunc(all, func(s Standing) bool { return s.Lists })
}
