package listing

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// Limits of one request. A bulk operation sends several.
const (
	MaxEdits        = 1000
	MaxRequestBytes = 512 << 10
)

// Op is what an edit asks for.
type Op string

// The edits.
const (
	OpList      Op = "list"      // list, extend, or except
	OpExpire    Op = "expire"    // change when an entry ends
	OpDelist    Op = "delist"    // end an entry
	OpSweep     Op = "sweep"     // end an entry, an allow entry or a source if its time has come
	OpRestore   Op = "restore"   // put an entry back as it was
	OpAllow     Op = "allow"     // never answer a prefix as listed
	OpDisallow  Op = "disallow"  // take that back
	OpEndSource Op = "endsource" // end a source and all its entries
	OpConfigure Op = "configure" // take note that the configuration changed
	OpDocument  Op = "document"  // write a document, or without a body remove it; Expect is its revision
)

// Edit is one wish of a request. Whatever it needs to be decided stands in it:
// lives and caps are written in by Book, from the configuration it runs under.
type Edit struct {
	Op     Op        `json:"op"`
	Key    Key       `json:"key,omitzero"`
	Expect *Revision `json:"expect,omitempty"` // revision of the entry, allow entry, source or document; 0: there is none. Else ErrConflict

	// OpList, OpExpire
	Except     bool      `json:"except,omitempty"`
	Until      time.Time `json:"until,omitzero"` // given end; zero: by Life
	Life       Lifetime  `json:"life,omitzero"`
	Seen       time.Time `json:"seen,omitzero"`       // the session the life runs from; zero: the request's time
	Keep       bool      `json:"keep,omitempty"`      // leave the end of an entry that stands as it is
	Companion  Reason    `json:"companion,omitempty"` // listed beside, from level CompanionLevel on
	Origin     Origin    `json:"origin,omitempty"`
	PublicNote string    `json:"public,omitempty"`
	Note       string    `json:"note,omitempty"`
	Ticket     string    `json:"ticket,omitempty"`
	Evidence   *Evidence `json:"evidence,omitempty"`

	Because  DelistReason `json:"because,omitempty"` // OpDelist; OpRestore without an entry
	Restore  *Entry       `json:"restore,omitempty"` // OpRestore; nil: there was none
	Allow    *Allow       `json:"allow,omitempty"`   // OpAllow
	Subject  Subject      `json:"subject,omitzero"`  // OpDisallow
	Source   string       `json:"source,omitempty"`  // OpEndSource
	Config   string       `json:"config,omitempty"`  // OpConfigure: the hash
	Document *Document    `json:"paper,omitempty"`   // OpDocument
}

// CompanionLevel is the level from which on a repeated offender is also listed
// as such.
const CompanionLevel = 3

// Lifetime is how the end of an entry follows from its level.
type Lifetime struct {
	Base    Life `json:"base,omitempty"`
	Longest Life `json:"longest,omitempty"`
	Repeat  int  `json:"repeat,omitempty"`
	Slack   Life `json:"slack,omitempty"` // an extension of no more than this is none
}

// SourceEdit asks for the contents of a source to be replaced or added to, or
// with Sweep for the entries to be ended that end before their source and whose
// time has come; the rest is of no account then.
type SourceEdit struct {
	Name       string    `json:"name"`
	Sweep      bool      `json:"sweep,omitempty"`
	Expect     *uint64   `json:"expect,omitempty"` // the generation it was made against; 0: there is none
	Add        bool      `json:"add,omitempty"`    // keep what the source has
	Part       bool      `json:"part,omitempty"`   // keep it but for what the entries name: those that have ended go
	Until      time.Time `json:"until,omitzero"`
	MaxChanges int       `json:"max,omitempty"`    // refuse if more entries would change; 0: any number
	MaxRemoved float64   `json:"shrink,omitempty"` // refuse if a greater part of over 100 entries would go; 0: any
	As         Revision  `json:"as,omitempty"`     // the revision it is to be, if that is still to come: of a mirror, the primary's
}

// Request is what is decided, whole or not at all. Its ID makes it safe to
// send again: it is decided once.
type Request struct {
	Header
	Keyed  bool        `json:"keyed,omitempty"`  // the caller chose the ID: remember it also if nothing changed
	Intent Digest      `json:"intent,omitzero"`  // of the command it was planned from
	DryRun bool        `json:"-"`                // decide, and keep nothing
	Edits  []Edit      `json:"edits,omitempty"`  // for Apply
	Source *SourceEdit `json:"source,omitempty"` // for Replace
}

// Verdict is what was decided.
type Verdict struct {
	Revision Revision // the newest revision that this request depends on
	Repeated bool     // decided earlier; this is what was decided then
	Changes  []Change // of Apply; of Replace only those that are not entries
	Entries  []Entry  // the entries that Apply's edits named: as they stand, or stood when they ended
	Added    int      // of Replace
	Removed  int
	Altered  int
	Kept     int
}

// Changed reports whether anything is different.
func (v Verdict) Changed() bool {
	return len(v.Changes) > 0 || v.Added+v.Removed+v.Altered > 0
}

// Validate checks what does not depend on any state.
func (r *Request) Validate() error {
	if r.ID == "" || r.Time.IsZero() || r.Actor == "" {
		return fmt.Errorf("request without id, time or actor: %w", ErrInvalid)
	}
	if len(r.Edits) > MaxEdits {
		return fmt.Errorf("request of %d edits, %d at the most: %w", len(r.Edits), MaxEdits, ErrInvalid)
	}
	for n := range r.Edits {
		if err := r.Edits[n].checkEnds(); err != nil {
			return err
		}
	}
	if r.Source != nil {
		return CheckEnd(r.Source.Until)
	}
	return nil
}

func (e *Edit) checkEnds() error {
	ends := []time.Time{e.Until}
	if e.Allow != nil {
		ends = append(ends, e.Allow.Until)
	}
	for _, t := range ends {
		if err := CheckEnd(t); err != nil {
			return err
		}
	}
	return nil
}

// CheckEnd refuses an end that cannot be served: queries compare 32 bits of Unix
// seconds, which last until February 2106.
func CheckEnd(t time.Time) error {
	if last := time.Unix(math.MaxUint32-1, 0).UTC(); t.After(last) {
		return &Error{Kind: ErrInvalid, Code: "end-too-late", Message: fmt.Sprintf("%s is later than the last end that can be kept, %s", t.UTC().Format(time.RFC3339), last.Format(time.RFC3339)),
			Hint: "give an earlier end"}
	}
	return nil
}

// Canonical is the request in the form that is kept and chained: evidence is
// in it by digest only, so that it can be erased.
func (r *Request) Canonical() ([]byte, error) {
	c := *r
	c.Edits = make([]Edit, len(r.Edits))
	for n, e := range r.Edits {
		if e.Evidence != nil {
			e.Evidence = &Evidence{Digest: e.Evidence.Sum()}
		}
		c.Edits[n] = e
	}
	raw, err := json.Marshal(&c)
	if err == nil && len(raw) > MaxRequestBytes {
		err = fmt.Errorf("request of %d bytes, %d at the most: %w", len(raw), MaxRequestBytes, ErrInvalid)
	}
	return raw, err
}

// Fingerprint tells whether two requests with one ID ask for the same: that
// they come from the same command of the same actor, however it was planned.
func (r *Request) Fingerprint() Digest {
	return sha256.Sum256(fmt.Appendf(nil, "%s\n%s", r.Intent, r.Actor))
}

// IntentOf is the digest of a command.
func IntentOf(command any) Digest {
	raw, err := json.Marshal(command)
	if err != nil { // times beyond the year 9999 alone do this
		raw = fmt.Appendf(nil, "%+v", command)
	}
	return sha256.Sum256(fmt.Appendf(raw, "%T", command))
}
