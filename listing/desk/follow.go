package desk

import (
	"context"
	"errors"

	"dnsbld/listing"
	"dnsbld/listing/removal"
)

// FollowPath stands before the reference of a ticket in the path of the page where its
// sender follows it.
const FollowPath = "ticket/"

// PathOf is the path of that page; empty: there is no ticket.
func (d *Desk) PathOf(ticket string) string {
	if ticket == "" {
		return ""
	}
	return FollowPath + d.cfg.Signer.Follow(ticket)
}

// Follow is the URL of that page; empty: there is no ticket, or there are no pages.
func (d *Desk) Follow(ticket string) string {
	page, path := d.cfg.Settings().Page, d.PathOf(ticket)
	if page == "" || path == "" {
		return ""
	}
	return page + path
}

// Progress is how a ticket stands, for somebody who has the reference of it.
func (d *Desk) Progress(ctx context.Context, reference string) (p removal.Progress, err error) {
	none := &listing.Error{Kind: listing.ErrNotFound, Code: "no-such-request", Message: "there is no request with this link",
		Hint: "copy the whole link from the page or the mail that has it"}
	id, ok := d.cfg.Signer.ReadFollow(reference)
	if !ok {
		return p, none
	}
	err = d.cfg.Book.Store().View(ctx, func(snap listing.Snapshot) error {
		t, _, err := readTicket(snap, id)
		if err != nil {
			return err
		}
		if p = t.Progress(); !t.Address.IsValid() {
			return nil
		}
		held, err := d.held(snap, t.Address)
		p.Listed = len(listing.Answered(held)) > 0
		return err
	})
	if errors.Is(err, listing.ErrNotFound) {
		err = none
	}
	return p, err
}
