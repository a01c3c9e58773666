package listing

import "time"

// Header says who asked for something, when and why. All changes that one
// request made share it.
type Header struct {
	ID     string    `json:"id"`   // decided once, however often it is sent
	Time   time.Time `json:"time"` // UTC
	Actor  string    `json:"actor"`
	Note   string    `json:"note,omitempty"`
	Ticket string    `json:"ticket,omitempty"`
	Set    string    `json:"set,omitempty"`    // the id of the first request of a command that took several
	Of     int       `json:"of,omitempty"`     // how many they are
	Undoes Revision  `json:"undoes,omitempty"` // what this takes back; of several revisions the first
}

// Kind is what a Change is about.
type Kind string

// Kinds of change.
const (
	EntryChange    Kind = "entry"
	AllowChange    Kind = "allow"
	SourceChange   Kind = "source"
	ConfigChange   Kind = "configuration"
	DocumentChange Kind = "document"
)

// Change is one thing that became different. It is the audit trail, what feeds
// the index, the history page, the replication stream and IXFR: one record,
// five readers. Nothing changes without one.
//
// A refresh of a source makes one Change of kind source, and one of kind entry
// for each entry that came or went; so does a sweep that ends entries before
// their source. The end of a source is one Change: its entries end with it. Before and After are of the kind's own type; a missing
// Before is a beginning, a missing After an end.
type Change struct {
	Revision Revision
	Last     bool // the last change of its revision: a reader publishes here
	Header   *Header
	Kind     Kind
	Because  DelistReason // why an entry ended

	Before, After                 *Entry
	Added                         *Block `json:"-"` // in place of both, if ChangesInBlocks was asked
	AllowBefore, AllowAfter       *Allow
	SourceBefore, SourceAfter     *Source
	DocumentBefore, DocumentAfter *Document
	Config                        string // the hash of the configuration now in force
}

// PastAfter is what remains to be remembered of the key once the change has
// ended its listing; ok is false when the change ends none. An erroneous
// listing leaves what was remembered before it.
func (c *Change) PastAfter() (past Past, ok bool) {
	if c.Kind != EntryChange || c.Before == nil || c.Before.Except || c.Before.Source != "" || (c.After != nil && !c.After.Except) {
		return Past{}, false
	}
	if c.Because.Erroneous() {
		return c.Before.Before, true
	}
	ended := c.Header.Time
	if c.Because == Expired && c.Before.Until.Before(ended) {
		ended = c.Before.Until
	}
	return Past{Level: c.Before.Level, Ended: ended}, true
}
