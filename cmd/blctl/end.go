package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"dnsbld/ctl"
	"dnsbld/listing"
)

func (p *program) expireCommand() *cli.Command {
	return &cli.Command{
		Name:      "expire",
		Usage:     "change when an entry ends",
		ArgsUsage: "PREFIX",
		UsageText: "blctl expire PREFIX (--at TIME | --in DURATION | --now) [flags]",
		Description: `Gives the entries at PREFIX another end, sooner or later than the one they have.
With --now they end at once and count as expired, which says nothing about why;
'blctl delist' also keeps the reason.

exit status: 0 done, or so already; 2 no end given; 3 not listed; 4 further away
than the reason allows, or listed by an imported source; 5 not at --if-revision

examples:
  blctl expire 192.0.2.7 --in 12h
  blctl expire 192.0.2.0/24 --within --reason helo-bare-ip --now --dry-run`,
		Flags:  expireFlags(),
		Action: act(p, (*input).expire, p.expire),
	}
}

func expireFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "reason", Usage: "only the entry for this `REASON`; otherwise for every one"},
		&cli.BoolFlag{Name: "within", Usage: "every entry inside PREFIX"},
		&cli.StringFlag{Name: "at", Usage: "the end, a `TIME`"},
		&cli.StringFlag{Name: "in", Usage: "the end, a `DURATION` from now"},
		&cli.BoolFlag{Name: "now", Usage: "end at once"},
		&cli.StringFlag{Name: "note", Usage: "why, for operators: `TEXT`"},
	}, changeFlags()...)
}

// expire reads the command that the flags of expire stand for.
func (in *input) expire() listing.Expire {
	c := listing.Expire{Subject: in.prefix(), Reason: in.String("reason"), Within: in.Bool("within"), At: in.time("at"), In: in.life("in"),
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

func (p *program) expire(ctx context.Context, c listing.Expire) error {
	out, err := p.carryOut(c.Within, &c.Options, func() (ctl.Outcome, error) { return p.client.Expire(ctx, c) })
	return p.reportOn("expire", c.Subject, out, err)
}

func (p *program) delistCommand() *cli.Command {
	return &cli.Command{
		Name:      "delist",
		Usage:     "end an entry, and keep who did it and why",
		ArgsUsage: "PREFIX",
		UsageText: "blctl delist PREFIX --because WHY [flags]",
		Description: `Ends the entries at PREFIX. When the command returns, DNS no longer answers them;
resolvers that have asked before follow within the TTL, and the command says by
when. What an imported source lists is taken out of it by an exception, so that
the next import does not bring it back.

WHY is one of fixed-verified fixed-claimed false-positive our-error shared-ip
ip-reassigned duplicate appeal-upheld operator self-service auto-heal expired
superseded test. After false-positive and our-error the next listing is a first
one again.

exit status: 0 delisted, or was not listed; 2 no WHY; 3 only a wider entry
covers it: the hint says both ways out; 4 refused; 5 not at --if-revision

examples:
  blctl delist 192.0.2.7 --because fixed-claimed --ticket rt:1425832
  blctl delist 192.0.2.0/24 --within --because ip-reassigned --max-changes 200`,
		Flags:  delistFlags(),
		Action: act(p, (*input).delist, p.delist),
	}
}

func delistFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "because", Usage: "why the listing ends: `WHY`"},
		&cli.StringFlag{Name: "reason", Usage: "only the entry for this `REASON`; otherwise for every one"},
		&cli.BoolFlag{Name: "within", Usage: "every entry inside PREFIX"},
		&cli.StringFlag{Name: "ticket", Usage: "`REF` of the ticket"},
		&cli.StringFlag{Name: "note", Usage: "for operators: `TEXT`"},
	}, changeFlags()...)
}

// delist reads the command that the flags of delist stand for.
func (in *input) delist() listing.Delist {
	c := listing.Delist{Subject: in.prefix(), Reason: in.String("reason"), Within: in.Bool("within"),
		Because: listing.DelistReason(in.String("because")), Ticket: in.String("ticket"), Note: in.String("note"), Options: in.options()}
	if c.Because == "" {
		in.fail(invalid("usage", "it must be said why the listing ends", "for example --because fixed-claimed; `blctl delist --help` has them all"))
	}
	return c
}

func (p *program) delist(ctx context.Context, c listing.Delist) error {
	out, err := p.carryOut(c.Within, &c.Options, func() (ctl.Outcome, error) { return p.client.Delist(ctx, c) })
	return p.reportOn("delist", c.Subject, out, err)
}
