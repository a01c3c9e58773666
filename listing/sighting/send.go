package sighting

import (
	"context"
	"errors"

	"dnsbld/listing"
)

// Writer is the part of listing.Book that Send needs.
type Writer interface {
	Do(ctx context.Context, who listing.Caller, note string, edits []listing.Edit) (listing.Result, error)
}

// Actor is who lists and heals by sessions.
const Actor = "thresholds"

// Send makes what Edits gives, until there is no more. When the list has
// changed under one edit, the others are made without it, and it is decided
// anew. It returns what was done.
func (e *Engine) Send(ctx context.Context, w Writer) (listing.Verdict, error) {
	var all listing.Verdict
	for {
		edits, more, err := e.someEdits()
		if len(edits) > 0 {
			err = errors.Join(err, e.send(ctx, w, edits, &all))
		}
		if err != nil || !more {
			return all, err
		}
	}
}

func (e *Engine) send(ctx context.Context, w Writer, edits []listing.Edit, all *listing.Verdict) error {
	res, err := w.Do(ctx, listing.Caller{Name: Actor, Role: listing.Daemon}, "", edits)
	switch {
	case err == nil:
		all.Revision = res.Revision
		all.Changes, all.Entries = append(all.Changes, res.Changes...), append(all.Entries, res.Entries...)
		return nil
	case !errors.Is(err, listing.ErrConflict) && !errors.Is(err, listing.ErrPolicy):
		e.Failed(edits)
		return err
	case len(edits) == 1:
		e.Failed(edits)
		return nil
	}
	half := len(edits) / 2
	return errors.Join(e.send(ctx, w, edits[:half], all), e.send(ctx, w, edits[half:], all))
}
