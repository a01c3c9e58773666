package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"dnsbld/listing"
)

// addFlags are those of add, and of the proposal to add.
func addFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "reason", Usage: "a `REASON` by symbol or number, see 'blctl reasons'"},
		&cli.BoolFlag{Name: "except", Usage: "take PREFIX out of wider entries"},
		&cli.StringFlag{Name: "for", Usage: "how long, a `DURATION`; otherwise what the reason says"},
		&cli.StringFlag{Name: "until", Usage: "the end, a `TIME`, instead of --for"},
		&cli.StringFlag{Name: "helo", Usage: "what the host said in HELO or EHLO, kept as evidence: `STRING`"},
		&cli.StringFlag{Name: "seen", Usage: "when that was, a `TIME`; otherwise now"},
		&cli.StringFlag{Name: "receiver", Usage: "`NAME` of the server that saw it"},
		&cli.StringFlag{Name: "sessions", Usage: "in how many sessions it was seen: `N`"},
		&cli.StringFlag{Name: "note", Usage: "for operators: `TEXT`"},
		&cli.StringFlag{Name: "public-note", Usage: "for everybody, behind the reason's text in TXT and on the page: `TEXT`"},
		&cli.StringFlag{Name: "ticket", Usage: "`REF` of the ticket, such as rt:1425832"},
		&cli.BoolFlag{Name: "force", Usage: "list a range"},
	}, changeFlags()...)
}

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
	out, err := p.client.Add(ctx, c)
	return p.reportOn("add", c.Subject, c.More, out, err)
}
