package main

import (
	"context"
	"net/netip"

	"dnsbld/ctl"
	"dnsbld/listing"
)

// An adder lists single addresses, each durably.
type adder struct {
	how   string // for the table: what an add went through
	add   func(ctx context.Context, a netip.Addr) error
	close func()
}

// newAdder adds over the control socket, as blctl does, without the start of a
// process in each figure.
func newAdder(d *dnsbld) (*adder, error) {
	client := ctl.NewClient(d.socket)
	return &adder{
		how: "over the control socket",
		add: func(ctx context.Context, a netip.Addr) error {
			_, err := client.Add(ctx, listing.Add{Subject: listing.HostSubject(a), Reason: "manual", For: listing.Life(listing.Day)})
			return err
		},
		close: func() {},
	}, nil
}
