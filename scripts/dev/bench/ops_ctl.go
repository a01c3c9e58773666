package main

import (
	"context"
	"net/netip"
)

// An adder lists single addresses, each durably.
type adder struct {
	how   string // for the table: what an add went through
	add   func(ctx context.Context, a netip.Addr) error
	close func()
}

// newAdder adds by running blctl, so a process start is in each figure.
func newAdder(d *dnsbld) (*adder, error) {
	return &adder{
		how: "a blctl process each",
		add: func(ctx context.Context, a netip.Addr) error {
			return d.blctl(ctx, "add", a.String(), "--reason", "manual", "--for", "24h")
		},
		close: func() {},
	}, nil
}
