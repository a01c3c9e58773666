package main

import (
	"context"

	"dnsbld/listing"
)

// add reads the command that the flags of add stand for.
func (in *input) add() listing.Add {
	first, more := in.subjects()
	c := listing.Add{Subject: first, More: more, Reason: in.String("reason"), Except: in.Bool("except"), For: in.life("for"), Until: in.time("until"),
		HELO: in.String("helo"), Seen: in.time("seen"), Receiver: in.String("receiver"), Sessions: in.count("sessions"), Note: in.String("note"), PublicNote: in.String("public-note"), Ticket: in.String("ticket"),
		Force: in.Bool("force"), Options: in.options()}
	if c.Reason == "" {
		in.fail(invalid("usage", "a reason is needed", "for example --reason helo-bare-ip; `blctl reasons` lists them"))
	}
	return c
}

// add lists, extends, or makes an exception: the daemon decides which.
func (p *program) add(ctx context.Context, c listing.Add) error {
	if !c.Except { // else what ends a listing may be behind what is shown
		c.Shown = p.shown()
	}
	out, err := p.client.Add(ctx, c)
	return p.reportOn("add", c.Subject, c.More, out, err)
}
