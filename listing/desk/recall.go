package desk

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"dnsbld/listing"
)

// recall puts back what a request ended before it was broken off: those entries
// stand no more, and yet it is they that the letter is about.
func (d *Desk) recall(ctx context.Context, c *pending) error {
	err := d.cfg.Book.Store().View(ctx, func(snap listing.Snapshot) error {
		for _, s := range ownSubjects(c.Address) {
			for change, err := range snap.History(s) {
				if err == nil && c.ended(change) {
					err = d.recallEntry(snap, c, change)
				}
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	code := c.decision.Code
	c.decision, c.shown, c.unshown = d.judged(c.about, c.now)
	if c.ends = ownEntries(slices.Concat(c.shown, c.unshown)); len(c.ends) == 0 {
		c.because = "" // a feed's: it was excepted, and is not listed
		return nil
	}
	c.decision.Code = code
	return nil
}

// ownSubjects are what this list makes entries of for an address.
func ownSubjects(a netip.Addr) []listing.Subject {
	all := []listing.Subject{listing.HostSubject(a)}
	if a.Is6() {
		all = append(all, listing.Subject{Prefix: listing.ClientPrefix(a)})
	}
	return all
}

// ended reports whether a change is one that the request made.
func (c *pending) ended(change listing.Change) bool {
	return change.Kind == listing.EntryChange && change.Before != nil && change.After == nil && !change.Before.Except &&
		change.Because == c.because && change.Header.Ticket == c.ticket.ID
}

// recallEntry puts back one entry. The end itself does not count as an earlier
// removal by the sender.
func (d *Desk) recallEntry(snap listing.Snapshot, c *pending, change listing.Change) error {
	e, err := d.evident(snap, *change.Before, c.about)
	if err != nil {
		return err
	}
	e.SelfDelisted = slices.DeleteFunc(e.SelfDelisted, func(t time.Time) bool { return !t.Before(change.Header.Time) })
	c.about.Entries = append(c.about.Entries, e)
	c.about.Facts.Entries = append(c.about.Facts.Entries, e.Listing)
	return nil
}
