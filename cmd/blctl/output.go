package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/report"
)

// With --json a command prints one object:
//
//	{"schema":"blctl/1","ok":true,"action":"show", … what was found}
//	{"schema":"blctl/1","ok":false,"error":{"code","message","hint"}, … what was done}
//
// Commands that print many things of a kind (list, history lines, watch) print an
// object a line instead, without the head. Keys are promises to scripts: they are
// added to, and never renamed.

// schema names the form of all JSON that blctl prints.
const schema = "blctl/1"

// head begins every object, those of streams apart. The keys of what the
// command found or did follow it in the same object.
type head struct {
	Schema  string     `json:"schema"`
	OK      bool       `json:"ok"`
	Error   *wireError `json:"error,omitempty"`
	Changed *bool      `json:"changed,omitempty"` // of commands that change the list
	Action  string     `json:"action,omitempty"`
}

// conclude ends a command: it prints the keys of v as JSON if that is asked
// for. With a failure v is what was found or done all the same; people are told
// of the failure here or, without --json, by finish.
func (p *program) conclude(action string, v any, failure error) error {
	if !p.json {
		return failure
	}
	h := head{Schema: schema, OK: failure == nil, Action: action}
	if c, ok := v.(interface{ changedList() bool }); ok {
		is := c.changedList()
		h.Changed = &is
	}
	if _, silent := errors.AsType[answered](failure); failure != nil && !silent {
		if !isSaid(failure) {
			p.say(failure)
		}
		h.Error = asWire(failure)
	}
	if err := p.writeObject(h, v); err != nil {
		return err
	}
	if failure == nil {
		return nil
	}
	return answered(exitStatus(failure))
}

// writeObject prints one object with the keys of the head and those of v, which
// is nil or an object itself.
func (p *program) writeObject(h head, v any) error {
	var first, second bytes.Buffer
	if err := encode(&first, h); err != nil {
		return err
	}
	if v == nil {
		v = struct{}{}
	}
	if err := encode(&second, v); err != nil {
		return err
	}
	rest, isObject := bytes.CutPrefix(second.Bytes(), []byte("{"))
	if !isObject {
		return fmt.Errorf("writing the result: %s is no object", second.Bytes())
	}
	first.Truncate(first.Len() - len("}\n"))
	if !bytes.HasPrefix(rest, []byte("}")) {
		first.WriteByte(',')
	}
	first.Write(rest)
	if _, err := first.WriteTo(p.stdout); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

// writeJSON prints one line of a stream.
func (p *program) writeJSON(v any) error { return encode(p.stdout, v) }

// encode writes a value as one line of JSON. Letters such as < stay as they are: this
// is not for web pages.
func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

// each prints the things of a list: a row of the table of a command each, or with
// --json an object on a line.
func each[T any](p *program, command string, all []T, row func(T) []string) error {
	t := p.human.tableOf(tables()[command])
	for _, one := range all {
		var err error
		if p.json {
			err = p.writeJSON(one)
		} else {
			err = t.row(row(one)...)
		}
		if err != nil {
			return err
		}
	}
	return t.Flush()
}

// list is a slice that JSON shows as a list also when it is empty.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// changed is what a command which changes the list prints. The names are
// promises. Reason, code, until and entry are those of the first entry that the
// command named; entries has all.
type changed struct {
	Changed     bool             `json:"-"` // in the head
	Prefix      string           `json:"prefix"`
	Reason      string           `json:"reason"`
	Code        listing.Reason   `json:"code"`
	Revision    listing.Revision `json:"revision"`
	Until       *time.Time       `json:"until"` // null: it is listed no more
	Entry       *report.Row      `json:"entry"`
	Decision    *string          `json:"decision"`
	EffectiveBy *time.Time       `json:"dns_effective_by"`
	Warnings    []string         `json:"warnings"`

	StillListed []report.StillListed `json:"still_listed,omitempty"` // by which DNS still lists it

	DryRun    bool           `json:"dry_run,omitempty"`
	Inside    *report.Inside `json:"inside,omitempty"` // of a dry run: what should be looked at first
	Repeated  bool           `json:"repeated,omitempty"`
	Addresses float64        `json:"addresses"`
	Entries   []report.Row   `json:"entries"`
	Changes   []report.Event `json:"changes"`
}

// changedList is for the head of the object.
func (c changed) changedList() bool { return c.Changed }

// asChanged is the JSON of an outcome. Until is null when the first entry has
// ended: it is listed no more.
func asChanged(prefix string, out ctl.Outcome) changed {
	c := changed{Prefix: prefix, Changed: out.Changed, Revision: out.Revision, DryRun: out.DryRun, Inside: out.Inside, Repeated: out.Repeated,
		Addresses: out.Addresses, Entries: list(out.Entries), Changes: list(out.Changes), Warnings: list(out.Warnings), StillListed: out.StillListed}
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
	return c
}

// hasEnded reports whether the first entry that changed is no more.
func hasEnded(changes []report.Event) bool {
	return len(changes) > 0 && (changes[0].Action == report.Delisted || changes[0].Action == report.Expired)
}

// report prints what a command did about something. With an error it is what
// had been done before it.
func (p *program) report(action, prefix, about string, out ctl.Outcome, err error) error {
	if err != nil && !out.Changed {
		return err
	}
	if err != nil {
		err = partly{err}
	}
	p.describe(about, out)
	if err := p.conclude(action, asChanged(prefix, out), err); err != nil || len(out.StillListed) == 0 {
		return err
	}
	return answered(exitPartly) // it is done, and DNS lists it all the same: the warnings say by what
}

// reportOn is report for a command about prefixes. With --json the first of them
// is named; entries and changes have all.
func (p *program) reportOn(action string, first listing.Subject, more []listing.Subject, out ctl.Outcome, err error) error {
	about := first.Text()
	if len(more) > 0 {
		about = plural(1+len(more), "prefix", "prefixes")
	}
	return p.report(action, first.String(), about, out, err)
}

// forEach does something about each prefix that a command names, in their
// order. Of several, the exit status is 3 if none was found, and 6 if only some
// were; any other failure ends it.
func (p *program) forEach(in *input, do func(listing.Subject) error) error {
	first, more := in.subjects()
	switch {
	case in.err != nil:
		return in.err
	case len(more) == 0:
		return do(first)
	}
	missing := 0
	for _, s := range append([]listing.Subject{first}, more...) {
		err := do(s)
		switch _, said := errors.AsType[answered](err); {
		case err == nil:
			continue
		case exitStatus(err) != exitNotFound:
			return err
		case !said:
			p.say(err)
		}
		missing++
	}
	switch missing {
	case 0:
		return nil
	case 1 + len(more):
		return answered(exitNotFound)
	}
	return answered(exitPartly)
}
