package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/report"
)

// schema names the form of all JSON that blctl prints.
const schema = "blctl/1"

// head begins every object, those of streams apart.
type head struct {
	Schema string `json:"schema"`
	OK     bool   `json:"ok"`
}

// failed is an object that says nothing but what went wrong.
type failed struct {
	head
	Error *wireError `json:"error"`
}

// changed is the object that a command which changes the list prints. The
// names are promises. Reason, code, until and entry are those of the first
// entry that the command named; entries has all.
type changed struct {
	head
	Error       *wireError       `json:"error,omitempty"`
	Changed     bool             `json:"changed"`
	Action      string           `json:"action"`
	Prefix      string           `json:"prefix"`
	Reason      string           `json:"reason"`
	Code        listing.Reason   `json:"code"`
	Revision    listing.Revision `json:"revision"`
	Until       *time.Time       `json:"until"`
	Entry       *report.Row      `json:"entry"`
	Decision    *string          `json:"decision"`
	EffectiveBy *time.Time       `json:"dns_effective_by"`
	Warnings    []string         `json:"warnings"`

	DryRun    bool           `json:"dry_run,omitempty"`
	Inside    *report.Inside `json:"inside,omitempty"` // of a dry run: what should be looked at first
	Repeated  bool           `json:"repeated,omitempty"`
	Addresses float64        `json:"addresses"`
	Entries   []report.Row   `json:"entries"`
	Changes   []report.Event `json:"changes"`
}

// asChanged is the JSON of an outcome.
func asChanged(action, prefix string, out ctl.Outcome) changed {
	c := changed{head: head{schema, true}, Action: action, Prefix: prefix, Changed: out.Changed, Revision: out.Revision,
		DryRun: out.DryRun, Inside: out.Inside, Repeated: out.Repeated, Addresses: out.Addresses,
		Entries: out.Entries, Changes: out.Changes, Warnings: out.Warnings}
	if len(out.Entries) > 0 {
		first := out.Entries[0]
		c.Reason, c.Code, c.Entry = first.Reason, first.Code, &first
		if !hasEnded(out.Changes) {
			c.Until = &first.Until
		}
	}
	if !out.EffectiveBy.IsZero() {
		c.EffectiveBy = &out.EffectiveBy
	}
	c.Entries, c.Changes, c.Warnings = list(c.Entries), list(c.Changes), list(c.Warnings)
	return c
}

// hasEnded reports whether the first entry that changed is no more.
func hasEnded(changes []report.Event) bool {
	return len(changes) > 0 && (changes[0].Action == report.Delisted || changes[0].Action == report.Expired)
}

// list is a slice that JSON shows as a list also when it is empty.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// writeJSON prints one object, or one line of a stream.
func (p *program) writeJSON(v any) error { return encode(p.stdout, v) }

func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

// report prints what a command did. With an error it is what had been done
// before it.
func (p *program) report(action string, s listing.Subject, out ctl.Outcome, err error) error {
	if err != nil && !out.Changed {
		return err
	}
	if err != nil {
		err = partly{err}
	}
	return p.conclude(asChanged(action, s.String(), out), s.Text(), out, err)
}

// conclude prints an outcome for people, and as JSON if that is asked for.
func (p *program) conclude(c changed, about string, out ctl.Outcome, err error) error {
	p.describe(about, out)
	if !p.json {
		return err
	}
	if err == nil {
		return p.writeJSON(c)
	}
	p.say(err)
	c.OK, c.Error = false, asWire(err)
	if writeErr := p.writeJSON(c); writeErr != nil {
		return writeErr
	}
	return answered(exitStatus(err))
}
