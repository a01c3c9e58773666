package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/report"
)

// setSource says in public where to ask about a source. What is not given stays.
func (p *program) setSource(ctx context.Context, in *input) error {
	c := listing.SetSource{Name: in.Args().First(), Note: in.String("note"), Options: in.options()}
	for flag, to := range map[string]**string{"url": &c.URL, "contact": &c.Contact} {
		if in.IsSet(flag) {
			text := in.String(flag)
			*to = &text
		}
	}
	if in.err != nil {
		return in.err
	}
	out, err := p.client.SetSource(ctx, c)
	if err != nil {
		return err
	}
	return p.report("source set", "", "source "+c.Name, out, nil)
}

// sources prints the imported feeds in force, then those that ended lately. What ends
// for want of an import is marked.
func (p *program) sources(ctx context.Context, _ *input) error {
	all, err := p.client.Sources(ctx, true)
	if err != nil {
		return err
	}
	return each(p, "source list", all, func(s report.Source) []string {
		end := "ends " + relative(s.Until, p.now())
		switch {
		case s.Lapsed():
			end = p.human.paint(red, "ended "+relative(s.Ended, p.now())+", not imported in time")
		case !s.Ended.IsZero():
			end = "ended " + relative(s.Ended, p.now()) + ", " + clean(string(s.Because))
		}
		return []string{clean(s.Name), plural(s.Entries, "entry", "entries"), "imported " + minute(s.Refreshed), end,
			"by " + clean(s.Actor), stamp(cmp.Or(s.Ended, s.Until))}
	})
}

// findSource is a source in force. Sources are few, so one is found among all.
func (p *program) findSource(ctx context.Context, name string) (report.Source, error) {
	all, err := p.client.Sources(ctx, true)
	if err != nil {
		return report.Source{}, err
	}
	message := "there is no source " + listing.Quote(name)
	n := slices.IndexFunc(all, func(s report.Source) bool { return s.Name == name })
	switch {
	case n >= 0 && all[n].Ended.IsZero():
		return all[n], nil
	case n >= 0:
		message += ": it ended on " + stamp(all[n].Ended)
	}
	return report.Source{}, &listing.Error{Kind: listing.ErrNotFound, Code: "no-source", Message: message}
}

// showSource prints one.
func (p *program) showSource(ctx context.Context, in *input) error {
	s, err := p.findSource(ctx, in.Args().First())
	if err != nil {
		return err
	}
	t := table{
		{"source", clean(s.Name)},
		{"entries", fmt.Sprint(s.Entries)},
		{"since", stamp(s.Since)},
		{"imported", stamp(s.Refreshed) + " by " + clean(s.Actor)},
		{"ends", p.ahead(s.Until) + " unless it is imported again"},
		{"generation", fmt.Sprint(s.Generation)},
		{"revision", fmt.Sprint(s.Revision)},
	}
	if s.URL != "" {
		t.add("page", "%s", clean(s.URL))
	}
	if s.Contact != "" {
		t.add("contact", "%s", clean(s.Contact))
	}
	if s.Note != "" {
		t.add("note", "%s", clean(s.Note))
	}
	if err := p.human.table(t); err != nil {
		return err
	}
	return p.conclude("source show", s, nil)
}

// dropSource ends a feed with all its entries. Nothing brings them back but the file,
// so it asks whatever their number.
func (p *program) dropSource(ctx context.Context, in *input) error {
	name, o := in.Args().First(), in.options()
	if in.err != nil {
		return in.err
	}
	if err := p.confirm(true, o.DryRun, func() (int, error) {
		s, err := p.findSource(ctx, name)
		return s.Entries, err
	}); err != nil {
		return err
	}
	out, err := p.client.DropSource(ctx, ctl.DropSource{Name: name, Note: in.String("note"), Options: o})
	if err != nil {
		return err
	}
	return p.report("source drop", "", "source "+name, out, nil)
}
