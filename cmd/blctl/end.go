package main

import (
	"context"

	"dnsbld/ctl"
	"dnsbld/listing"
)

// expire reads the command that the flags of expire stand for.
func (in *input) expire() listing.Expire {
	first, more := in.subjects()
	c := listing.Expire{Subject: first, More: more, Reason: in.String("reason"), Within: in.Bool("within"), At: in.time("at"), In: in.life("in"),
		Note: in.String("note"), Options: in.options()}
	given := 0
	for _, name := range []string{"at", "in", "now"} {
		if in.IsSet(name) && (name != "now" || in.Bool("now")) {
			given++
		}
	}
	if given != 1 {
		in.fail(invalid("usage", "one end is needed", "give --at TIME, --in DURATION or --now"))
	}
	return c
}

// expire moves the end of entries. Those inside a prefix may be many: then it asks.
func (p *program) expire(ctx context.Context, c listing.Expire) error {
	out, err := p.carryOut(c.Within, &c.Options, func() (ctl.Outcome, error) { return p.client.Expire(ctx, c) })
	return p.reportOn("expire", c.Subject, c.More, out, err)
}

// delist reads the command that the flags of delist stand for.
func (in *input) delist() listing.Delist {
	first, more := in.subjects()
	c := listing.Delist{Subject: first, More: more, Reason: in.String("reason"), Within: in.Bool("within"),
		Because: listing.DelistReason(in.String("because")), Ticket: in.String("ticket"), Note: in.String("note"), Options: in.options()}
	if c.Because == "" {
		in.fail(invalid("usage", "it must be said why the listing ends", "for example --because fixed-claimed; `blctl delist --help` has them all"))
	}
	return c
}

// delist ends entries, and asks first as expire does.
func (p *program) delist(ctx context.Context, c listing.Delist) error {
	c.Shown = p.shown()
	out, err := p.carryOut(c.Within, &c.Options, func() (ctl.Outcome, error) { return p.client.Delist(ctx, c) })
	return p.reportOn("delist", c.Subject, c.More, out, err)
}
