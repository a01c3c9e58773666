package main

import (
	"context"
	"slices"

	"dnsbld/listing"
)

// permit reads the command that the flags of allow stand for.
func (in *input) permit(remove bool) listing.Permit {
	first, more := in.subjects()
	c := listing.Permit{Subject: first, More: more, Remove: remove, Note: in.String("note"), Options: in.options()}
	if !remove {
		c.Owner, c.Until, c.Force = in.String("owner"), in.time("until"), in.Bool("force")
	}
	return c
}

// permit adds an allow entry or takes one back.
func (p *program) permit(ctx context.Context, c listing.Permit) error {
	action := "allow add"
	if c.Remove {
		action = "allow remove"
	}
	c.Shown = p.shown()
	out, err := p.client.Permit(ctx, c)
	return p.reportOn(action, c.Subject, c.More, out, err)
}

// allows prints the allow entries in force: all, or those that overlap one of some
// prefixes, each once.
func (p *program) allows(ctx context.Context, in *input) error {
	first, more := in.subjects()
	if in.err != nil {
		return in.err
	}
	var all []listing.Allow
	for _, around := range append([]listing.Subject{first}, more...) { // the invalid one means all
		some, err := p.client.Allows(ctx, around)
		if err != nil {
			return err
		}
		all = append(all, slices.DeleteFunc(some, func(a listing.Allow) bool {
			return slices.ContainsFunc(all, func(b listing.Allow) bool { return a.Subject == b.Subject })
		})...)
	}
	return each(p, "allow list", all, func(a listing.Allow) []string {
		until := "for good"
		if !a.Until.IsZero() {
			until = "until " + minute(a.Until)
		}
		return []string{a.Subject.Text(), p.human.paint(green, until), "owner " + clean(a.Owner),
			"since " + minute(a.Since) + " by " + clean(a.Actor), clean(a.Note)}
	})
}
