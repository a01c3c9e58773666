package desk

import (
	"context"
	"errors"
	"slices"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/removal"
)

// statsWindow is what statistics go back. Requests are kept as long.
const statsWindow = keepRequests

// Stats says what waits, and how the desk did in the last 30 days.
func (d *Desk) Stats(ctx context.Context) (removal.Stats, error) {
	st := removal.Stats{Decisions: map[removal.Code]int{}}
	since, head := d.now().Add(-statsWindow), listing.Revision(0)
	err := d.cfg.Book.Store().View(ctx, func(snap listing.Snapshot) error {
		head = snap.Revision()
		if err := countTickets(snap, &st, since); err != nil {
			return err
		}
		return countDecisions(snap, &st, since)
	})
	if err == nil {
		err = d.countErrors(ctx, &st, since, head)
	}
	return st, err
}

// countTickets counts those that are not over, and measures how long the granted ones
// took.
func countTickets(snap listing.Snapshot, st *removal.Stats, since time.Time) error {
	var took []time.Duration
	for t, err := range documents[removal.Ticket](snap, removal.TicketKind) {
		if err != nil {
			return err
		}
		st.Count(t)
		if d, ok := t.Took(); ok && t.Changed.After(since) {
			took = append(took, d)
		}
	}
	if len(took) > 0 {
		slices.Sort(took)
		median := int64(took[len(took)/2] / time.Second)
		st.MedianRemoval = &median
	}
	return nil
}

// countDecisions counts what was decided about requests.
func countDecisions(snap listing.Snapshot, st *removal.Stats, since time.Time) error {
	for f, err := range documents[file](snap, FileKind) {
		if err != nil {
			return err
		}
		for _, r := range f.Requests {
			if r.Time.After(since) {
				st.Decisions[r.Code]++
			}
		}
	}
	return nil
}

// countErrors counts among the listings that were ended by request or by hand those
// that were our errors. The log tells, for not all of them have a ticket.
func (d *Desk) countErrors(ctx context.Context, st *removal.Stats, since time.Time, head listing.Revision) error {
	if head == 0 {
		return nil
	}
	kept, err := d.cfg.Book.Store().Status(ctx)
	if err != nil {
		return err
	}
	ended := 0
	for c, err := range d.cfg.Book.Store().OwnChanges(ctx, kept.Forgotten) {
		if errors.Is(err, listing.ErrCompacted) {
			break // older than what is kept: the rest of it is
		}
		if err != nil {
			return err
		}
		if c.Header.Time.After(since) {
			byPeople, ourError := endedBy(c)
			ended += byPeople
			st.Errors += ourError
		}
		if c.Last && c.Revision >= head {
			break
		}
	}
	if ended > 0 {
		st.ErrorShare = float64(st.Errors) / float64(ended)
	}
	return nil
}

// endedBy counts a change, if it ended a listing by request or by hand, and if that
// was for our error.
func endedBy(c listing.Change) (byPeople, ourError int) {
	if c.Kind != listing.EntryChange || c.Before == nil || c.After != nil || c.Before.Except {
		return 0, 0
	}
	switch c.Because {
	case listing.Expired, listing.Superseded, listing.AutoHeal, listing.Undone, listing.Test:
		return 0, 0
	case listing.OurError, listing.FalsePositive:
		return 1, 1
	}
	return 1, 0
}
