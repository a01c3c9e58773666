package listing

import (
	"context"
	"fmt"
	"iter"
	"math"
	"time"
)

// Mirrored is what came of a zone that its primary serves.
type Mirrored struct {
	Zone   string
	Serial uint32
	Again  bool // it is the serial that is here already, taken anew
	Part   bool // entries are what changed: those that have ended go (SourceEdit.Part)
}

// Mirror makes the list equal entries, as the source of the zone, and gives it the
// primary's serial for a revision: so zones say which one that is, and what is on the
// disk is known to be of it.
//
// Entries do not end by time, and are not held to the policy: what the primary
// lists is listed.
func (b *Book) Mirror(ctx context.Context, who Caller, m Mirrored, entries iter.Seq2[Entry, error]) (Result, error) {
	if err := b.Rules().Roles.Require(who, Daemon, "following a primary"); err != nil {
		return Result{}, err
	}
	head := Revision(0)
	if err := b.store.View(ctx, func(s Snapshot) error { head = s.Revision(); return nil }); err != nil {
		return Result{}, err
	}
	ahead := Revision(m.Serial - uint32(head)) // modulo 2^32 (RFC 1982)
	if head > 0 && (ahead >= 1<<31 || ahead == 0 && !m.Again) {
		return Result{}, &Error{Kind: ErrConflict, Code: "serial",
			Message: fmt.Sprintf("the primary has serial %d of %s, which is not ahead of %d here", m.Serial, m.Zone, uint32(head))}
	}
	if ahead == 0 { // the next time that serials come round
		ahead = 1 << 32
	}
	edit := SourceEdit{Name: m.Zone, Part: m.Part, Until: time.Unix(math.MaxUint32-1, 0).UTC(), As: head + ahead}
	return b.rewrite(ctx, order{Header: Header{Time: b.Now(), Actor: who.Name}}, edit, entries)
}

// Writable refuses to write to a list that is another's.
func (r Rules) Writable() error {
	if r.Primary == "" {
		return nil
	}
	return &Error{Kind: ErrPolicy, Code: "mirror", Message: "this list is a mirror: the primary is " + r.Primary, Hint: "give the command there; what it does shows here soon after"}
}
