package listing

import "time"

// Options go with every command that changes the list.
type Options struct {
	DryRun         bool      `json:"dry_run,omitempty"`
	IfRevision     *Revision `json:"if_revision,omitempty"`     // of the entry; 0: not listed
	IdempotencyKey string    `json:"idempotency_key,omitempty"` // decided once, for 30 days
	MaxChanges     int       `json:"max_changes,omitempty"`     // 0: the policy's
}

// Add lists a subject, extends its listing, or makes an exception of it.
type Add struct {
	Subject    Subject   `json:"prefix"`
	Reason     string    `json:"reason"` // symbol or number
	Except     bool      `json:"except,omitempty"`
	For        Life      `json:"for,omitzero"`
	Until      time.Time `json:"until,omitzero"`
	HELO       string    `json:"helo,omitempty"` // as it was seen; escaped before it is kept
	Note       string    `json:"note,omitempty"`
	PublicNote string    `json:"public_note,omitempty"`
	Ticket     string    `json:"ticket,omitempty"`
	Force      bool      `json:"force,omitempty"`
	Options
}

// Expire changes when entries end: at a time, or after a while; both zero
// means now.
type Expire struct {
	Subject Subject   `json:"prefix"`
	Reason  string    `json:"reason,omitempty"` // empty: every reason
	Within  bool      `json:"within,omitempty"` // also every entry inside the prefix
	At      time.Time `json:"at,omitzero"`
	In      Life      `json:"in,omitzero"`
	Note    string    `json:"note,omitempty"`
	Options
}

// Delist ends entries; who, why and when are kept.
type Delist struct {
	Subject Subject      `json:"prefix"`
	Reason  string       `json:"reason,omitempty"`
	Within  bool         `json:"within,omitempty"`
	Because DelistReason `json:"because"`
	Ticket  string       `json:"ticket,omitempty"`
	Note    string       `json:"note,omitempty"`
	Options
}

// Permit adds an allow entry, or with Remove takes it back.
type Permit struct {
	Subject Subject   `json:"prefix"`
	Remove  bool      `json:"remove,omitempty"`
	Owner   string    `json:"owner,omitempty"`
	Until   time.Time `json:"until,omitzero"`
	Note    string    `json:"note,omitempty"`
	Options
}

// Import replaces or extends a source.
type Import struct {
	Source  string `json:"source"`
	Replace bool   `json:"replace,omitempty"`
	For     Life   `json:"for,omitzero"` // until when the source is good without a refresh; zero: 7 days
	Note    string `json:"note,omitempty"`
	Options
}

// ImportLife is how long a source is good for when nobody says.
const ImportLife = Life(7 * Day)

// Result is what a command did.
type Result struct {
	Verdict
	Warnings []string // one sentence each
	Skipped  int      // lines of an import that name addresses which are never listed
	Over     int      // lines of an import whose own end has come
}
