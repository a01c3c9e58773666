package listing

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// Revision numbers what has been decided. Zero is the empty list.
type Revision uint64

// Key names an entry: one subject, listed for one reason, by one source. The
// empty source is this list's own: its operators and its thresholds.
type Key struct {
	Subject Subject `json:"prefix"`
	Reason  Reason  `json:"code"`
	Source  string  `json:"source,omitempty"`
}

// Compare orders keys as a Snapshot does.
func (k Key) Compare(o Key) int {
	return cmp.Or(k.Subject.Compare(o.Subject), cmp.Compare(k.Reason, o.Reason), cmp.Compare(k.Source, o.Source))
}

// Origin is what made an entry.
type Origin string

// Origins.
const (
	ByOperator  Origin = "operator"
	ByThreshold Origin = "threshold"
	ByImport    Origin = "import"
)

// Entry is one listing, or one exception: a prefix taken out of wider entries
// of the same reason. A feed's exception counts against that feed alone, one
// of this list's own also against the entries of feeds that are as wide or
// wider, so that the next import does not bring back what was delisted.
type Entry struct {
	Key
	Except     bool      `json:"except,omitempty"`
	Since      time.Time `json:"since"`
	Until      time.Time `json:"until"`             // a whole second; never answered from then on
	Level      int       `json:"level,omitempty"`   // 1 and rising with each re-listing; 0 in a source
	Origin     Origin    `json:"origin"`            //
	PublicNote string    `json:"public,omitempty"`  // stands in TXT in place of the reason's text
	Note       string    `json:"note,omitempty"`    // for operators only
	Ticket     string    `json:"ticket,omitempty"`  //
	Actor      string    `json:"actor,omitempty"`   // who wrote it last
	Revision   Revision  `json:"revision"`          // that wrote it last; in a source, the source's
	Evidence   Digest    `json:"evidence,omitzero"` // of what was seen; the evidence lies apart
	Before     Past      `json:"before,omitzero"`   // what the level was built on
}

// Active reports whether the entry's own time lasts. Of a feed it may have no
// end of its own: then it lasts as long as its source, which Sources.InForce
// also looks at.
func (e Entry) Active(now time.Time) bool { return e.Until.IsZero() || now.Before(e.Until) }

// Past is the memory of ended listings of one key.
type Past struct {
	Level int       `json:"level,omitempty"`
	Ended time.Time `json:"ended,omitzero"`
}

// Served is what the query path needs of an entry, and no more.
type Served struct {
	Key
	Except bool
	Until  time.Time // zero: ends with its source
	Text   string    // its own text, else empty
}

// Served is the part of the entry that the query path needs.
func (e *Entry) Served() Served {
	return Served{Key: e.Key, Except: e.Except, Until: e.Until, Text: e.PublicNote}
}

// Allow is a prefix that is never answered as listed, whatever is stored. It
// hides entries; it deletes none.
type Allow struct {
	Subject  Subject   `json:"prefix"`
	Owner    string    `json:"owner"` // who answers for it
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until,omitzero"` // zero: until it is removed
	Note     string    `json:"note,omitempty"`
	Actor    string    `json:"actor"`
	Revision Revision  `json:"revision"`
}

// Active reports whether the allow entry is in force at an instant.
func (a Allow) Active(now time.Time) bool { return a.Until.IsZero() || now.Before(a.Until) }

// Over reports whether the allow entry is in force and covers a subject.
func (a Allow) Over(s Subject, now time.Time) bool { return a.Active(now) && a.Subject.Covers(s) }

// AllowsOver are those of allow entries that are in force and cover a subject.
func AllowsOver(all []Allow, s Subject, now time.Time) (over []Allow) {
	for _, a := range all {
		if a.Over(s, now) {
			over = append(over, a)
		}
	}
	return over
}

// AllowsInForce are those of a snapshot that are in force.
func AllowsInForce(snap Snapshot, now time.Time) ([]Allow, error) {
	all, err := snap.Allows()
	return slices.DeleteFunc(slices.Clone(all), func(a Allow) bool { return !a.Active(now) }), err
}

// Source is an imported feed. It carries the lifetime of its entries: they end
// when it is not refreshed in time.
type Source struct {
	Name       string    `json:"name"`
	Generation uint64    `json:"generation"` // rises by one with each import that changed an entry
	Since      time.Time `json:"since"`
	Refreshed  time.Time `json:"refreshed"`
	Until      time.Time `json:"until"`
	Entries    int       `json:"entries"`
	Note       string    `json:"note,omitempty"`
	Actor      string    `json:"actor"`
	Revision   Revision  `json:"revision"`        // of the last refresh
	Swept      Revision  `json:"swept,omitempty"` // that last ended entries before it
}

// Changed is the revision that changed the source last.
func (s Source) Changed() Revision { return max(s.Revision, s.Swept) }

// Active reports whether the source is in force at an instant.
func (s Source) Active(now time.Time) bool { return now.Before(s.Until) }

// Document is a thing kept beside the entries, under the same order and audit:
// a proposal, a ticket. It is named by its kind and ID. Its body is JSON and
// holds no personal data, for the audit keeps it.
type Document struct {
	Kind     string          `json:"kind"`
	ID       string          `json:"id"`
	Body     json.RawMessage `json:"body,omitempty"`
	Revision Revision        `json:"revision,omitempty"` // that wrote it last
}

// DelistReason is why an entry ended.
type DelistReason string

// Why entries end. FalsePositive and OurError never raise the level of a later
// listing, and are counted as this list's errors.
const (
	FixedVerified  DelistReason = "fixed-verified"
	FixedClaimed   DelistReason = "fixed-claimed"
	FalsePositive  DelistReason = "false-positive"
	OurError       DelistReason = "our-error"
	SharedIP       DelistReason = "shared-ip"
	IPReassigned   DelistReason = "ip-reassigned"
	Duplicate      DelistReason = "duplicate"
	AppealUpheld   DelistReason = "appeal-upheld"
	OperatorChoice DelistReason = "operator"
	SelfService    DelistReason = "self-service"
	AutoHeal       DelistReason = "auto-heal"
	Expired        DelistReason = "expired"
	Superseded     DelistReason = "superseded"
	Test           DelistReason = "test"

	// Undone marks what `blctl undo` took back; nobody delists for it.
	Undone DelistReason = "undone"
)

// DelistReasons are all of them, in the order of the documentation.
func DelistReasons() []DelistReason {
	return []DelistReason{FixedVerified, FixedClaimed, FalsePositive, OurError, SharedIP, IPReassigned, Duplicate,
		AppealUpheld, OperatorChoice, SelfService, AutoHeal, Expired, Superseded, Test}
}

// Erroneous reports whether the listing counts as never having been.
func (r DelistReason) Erroneous() bool { return r == FalsePositive || r == OurError || r == Undone }
