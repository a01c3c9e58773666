package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"dnsbld/listing"
	"dnsbld/listing/report"
)

// show prints what is known, listed or not; the exit status says which.
func (p *program) show(ctx context.Context, in *input) error {
	return p.forEach(in, func(subject listing.Subject) error {
		s, err := p.client.Show(ctx, subject)
		if err != nil {
			return err
		}
		p.printShown(s, in.Bool("all"))
		if !s.Listed {
			err = notFound("not-listed", subject.Text()+" is not listed", "`blctl history "+subject.Text()+"` says whether it was")
		}
		return p.conclude("show", s, err)
	})
}

// at is the mail server that a session came to, if it is known.
func at(s listing.Sample) string {
	if s.Receiver == "" {
		return ""
	}
	return " at " + clean(s.Receiver)
}

// provenance says what made an entry, beginning with what one needs to undo it.
func provenance(r report.Row) string {
	parts := []string{fmt.Sprintf("revision %d", r.Revision)}
	if r.Level > 0 {
		parts = append(parts, fmt.Sprintf("level %d", r.Level))
	}
	if r.Source != "" {
		parts = append(parts, "source "+clean(r.Source))
	}
	return strings.Join(append(parts, "origin "+clean(string(r.Origin))), ", ")
}

// joined are addresses in one line.
func joined(addrs []netip.Addr) string {
	var texts []string
	for _, a := range addrs {
		texts = append(texts, a.String())
	}
	return strings.Join(texts, " ")
}
