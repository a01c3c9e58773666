package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/removal"
)

// readMail reads a file, or standard input, as far as mails are read.
func (p *program) readMail(name string) ([]byte, error) {
	var from io.Reader = p.stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, noFile(err, "give a file, or - for standard input")
		}
		defer file.Close()
		from = file
	}
	raw, err := io.ReadAll(io.LimitReader(from, ctl.MaxMail+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return raw, nil
}

// triage prints what a text shows. Without a daemon it is read here, and only what the
// list knows is left out.
func (p *program) triage(ctx context.Context, in *input) error {
	raw, err := p.readMail(in.Args().First())
	if err != nil {
		return err
	}
	f, err := p.client.Triage(ctx, ctl.None{}, bytes.NewReader(raw))
	if errors.Is(err, listing.ErrUnavailable) {
		fmt.Fprintf(p.stderr, "warning: the list was not asked: %s\n", clean(oneLine(err)))
		f, err = p.triageAlone(ctx, raw)
	}
	if err != nil {
		return err
	}
	p.printFinding(f)
	return p.conclude("triage", f, nil)
}

// triageAlone reads a mail where no daemon answers. It cannot say what was
// listed, and which addresses are ours.
func (p *program) triageAlone(ctx context.Context, mail []byte) (removal.Finding, error) {
	client, end, err := startOffline(p.stderr)
	if err != nil {
		return removal.Finding{}, err
	}
	f, err := client.Triage(ctx, ctl.None{}, bytes.NewReader(mail))
	return f, errors.Join(err, end())
}

// printFinding prints what was found, and of each claim what it proves and what not.
func (p *program) printFinding(f removal.Finding) {
	h := p.human
	switch {
	case f.Address != nil:
		h.printf("%s\n", h.paint(bold, f.Address.String()))
	case len(f.Candidates) == 0:
		h.printf("%s\n", h.paint(yellow, "it names no address that it can be about: a person has to look at it"))
	default:
		h.printf("%s\n", h.paint(yellow, "it can be about "+joined(f.Candidates)+": a person has to decide"))
	}
	h.lines("  ", "greeting", f.HELO, "reverse name", strings.Join(f.PTR, ", "), "references", strings.Join(f.References, ", "),
		"mail server", f.Server, "not to be answered", f.Automatic)
	if f.Time != nil {
		h.printf("  session: %s%s\n", stamp(*f.Time), listedThen(f.ListedThen))
	}
	if f.Cut {
		h.printf("  it is longer than is read\n")
	}
	said := map[string]bool{} // people paste the same line again and again
	for _, c := range f.Claims {
		if said[string(c.Kind)+c.Text] {
			continue
		}
		said[string(c.Kind)+c.Text] = true
		h.printf("\n  %s: %s\n    proves: %s\n    does not prove: %s\n", h.paint(bold, string(c.Kind)), clean(c.Text), clean(c.Proves), clean(c.DoesNotProve))
	}
}

// listedThen says whether the address was listed at the time of the session.
func listedThen(then *bool) string {
	switch {
	case then == nil:
		return ""
	case *then:
		return ", when the address was listed"
	}
	return ", when the address was not listed"
}
