package listing

import (
	"context"
	"iter"
)

// Store keeps the list. Reads answer from this node's own copy; writes are
// decided in one order, by Decide and DecideSource. Revisions rise, are never
// used again, and need not be dense. db/dbtest holds what every engine passes.
type Store interface {
	// Apply makes all edits of the request or none, durable and in this copy
	// when it returns. It fails with ErrConflict when the state is not as
	// expected, and with ErrUnavailable also when the outcome is unknown:
	// repeat with the same ID.
	Apply(ctx context.Context, r Request) (Verdict, error)

	// Replace makes the source that the request names equal entries, or adds
	// them to it, from one revision on; until then nothing shows. An error
	// from entries changes nothing. For a sweep there are none.
	Replace(ctx context.Context, r Request, entries iter.Seq2[Entry, error]) (Verdict, error)

	// View calls f with the list as it stands at one revision. Nothing of the
	// snapshot may be used after f returns.
	View(ctx context.Context, f func(Snapshot) error) error

	// Changes yields what changed after a revision and waits at the end for
	// more, until ctx is done. A revision ends with the change that has Last
	// set, never elsewhere. ErrCompacted: start again from View.
	Changes(ctx context.Context, after Revision) iter.Seq2[Change, error]

	// OwnChanges is Changes without those of the entries of sources: what an
	// import of a million does is one change then, and costs as little.
	OwnChanges(ctx context.Context, after Revision) iter.Seq2[Change, error]

	// Sync returns when this copy has all that was decided before the call.
	Sync(ctx context.Context) error

	Status(ctx context.Context) (Status, error)
	Close() error
}

// Snapshot is the list at one revision. Iterators stop after an error.
type Snapshot interface {
	Revision() Revision
	Get(k Key) (Entry, error)                         // ErrNotFound
	Covering(s Subject) ([]Entry, error)              // every entry of any source whose subject holds all of s, widest first
	Each(within Subject) iter.Seq2[Entry, error]      // in order of Key; the zero subject means all
	Served() iter.Seq2[Served, error]                 // what the query path needs of Each: this list's own, then sources'; in no other order
	Allows() ([]Allow, error)                         // in order of subject
	Sources() ([]Source, error)                       // in order of name
	History(s Subject) iter.Seq2[Change, error]       // entry and allow changes at exactly s, sources' too; oldest first
	Document(kind, id string) (Document, error)       // ErrNotFound
	Documents(kind string) iter.Seq2[Document, error] // in order of ID
	Evidence(d Digest) (Evidence, error)              // ErrNotFound also when erased
	Decided(id string) (Verdict, bool, error)         // what a request with this ID was answered, if it is remembered
	Config() string                                   // the hash of the configuration in force
	Past(k Key) (Past, error)                         // of ended listings; the zero Past if there is none
}

// Status is how a store is.
type Status struct {
	Head    Revision `json:"revision"`
	Chain   Digest   `json:"chain"`   // hash of the audit chain at Head
	Entries int      `json:"entries"` // of this list's own
	Sourced int      `json:"sourced"` // in sources
	Bytes   int64    `json:"bytes"`   // on disk
	Free    int64    `json:"free"`    // of these, what nothing lies in
	Path    string   `json:"path,omitempty"`

	ReadOnly  bool     `json:"read_only,omitempty"` // nothing can be changed
	Forgotten Revision `json:"forgotten,omitempty"` // up to it changes are no longer kept
	Doubt     string   `json:"doubt,omitempty"`     // why it may lack the last change before it was opened
	Failed    string   `json:"failed,omitempty"`    // why it takes and tells nothing more, until the program is started again
}
