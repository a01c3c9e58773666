package web

import (
	"context"
	"net/netip"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/desk"
	"dnsbld/listing/index"
	"dnsbld/listing/removal"
)

// View is the served view: what DNS is answered from.
type View interface {
	Set() *index.Set // nil until there is one
}

// Desk is the part of desk.Desk that pages need. Addresses are handed to it as
// listing.Canonical gives them.
type Desk interface {
	// About is called for every page.
	About(ctx context.Context, a netip.Addr) (desk.About, error)
	Judged(about desk.About, now time.Time) removal.Decision

	// Range are the entries that list a whole range, its own or wider ones.
	Range(ctx context.Context, s listing.Subject) ([]delist.Evident, error)

	// Token is also in the form, so that a request is about the listing that
	// was read of.
	Token(a netip.Addr, s delist.Stand) delist.Token
	Check(t delist.Token, a netip.Addr, s delist.Stand) error

	Request(ctx context.Context, r desk.Request) (removal.Reply, error)

	// Progress is for who has the link to a request.
	Progress(ctx context.Context, reference string) (removal.Progress, error)
	PathOf(ticket string) string

	// Kept is what was answered to a request, by the name that Reply.Kept gives it.
	Kept(id string) (removal.Answer, error)
}
