package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"dnsbld/listing"
)

// printProposal shows a proposal: how it stands, and the command it stands for.
func (p *program) printProposal(one listing.Proposal) {
	h := p.human
	state := fmt.Sprintf("open until %s (%s)", stamp(one.Expires), relative(one.Expires, p.now()))
	switch {
	case one.State != listing.ProposalOpen:
		state = fmt.Sprintf("%s by %s on %s", one.State, clean(one.DecidedBy), stamp(one.Decided))
	case !one.Expires.After(p.now()):
		state = "expired on " + stamp(one.Expires)
	}
	h.printf("%s  by %s on %s, %s\n    %s\n", h.paint(bold, clean(one.ID)), clean(one.By.Name), stamp(one.Time), state, clean(commandLine(one)))
}

// subjectOf is what a proposal is about.
func subjectOf(one listing.Proposal) listing.Subject {
	var c struct {
		Subject listing.Subject `json:"prefix"`
	}
	if json.Unmarshal(one.Command, &c) != nil {
		return listing.Subject{}
	}
	return c.Subject
}

// words are a command line, as it would be typed.
type words []string

func (w *words) flag(name, value string) {
	if value != "" {
		*w = append(*w, "--"+name, shellWord(value))
	}
}

func (w *words) given(name string, on bool) {
	if on {
		*w = append(*w, "--"+name)
	}
}

func (w *words) life(name string, l listing.Life) {
	if l != 0 {
		w.flag(name, l.String())
	}
}

func (w *words) time(name string, t time.Time) {
	if !t.IsZero() {
		w.flag(name, t.UTC().Format(time.RFC3339))
	}
}

func (w *words) options(o listing.Options) {
	if o.IfRevision != nil {
		w.flag("if-revision", fmt.Sprint(*o.IfRevision))
	}
	if o.MaxChanges != 0 {
		w.flag("max-changes", fmt.Sprint(o.MaxChanges))
	}
}

// shellWord is a word as a shell reads it.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/@%+,=") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// commandLine is the command that a proposal stands for.
func commandLine(one listing.Proposal) string {
	w := words{"blctl", one.Action}
	switch one.Action {
	case "add":
		var c listing.Add
		if json.Unmarshal(one.Command, &c) != nil {
			return one.Action
		}
		w.add(c)
	case "delist":
		var c listing.Delist
		if json.Unmarshal(one.Command, &c) != nil {
			return one.Action
		}
		w.delist(c)
	case "expire":
		var c listing.Expire
		if json.Unmarshal(one.Command, &c) != nil {
			return one.Action
		}
		w.expire(c)
	case "allow":
		var c listing.Permit
		if json.Unmarshal(one.Command, &c) != nil {
			return one.Action
		}
		w.permit(c)
	}
	return strings.Join(w, " ")
}

func (w *words) add(c listing.Add) {
	*w = append(*w, c.Subject.Text())
	w.flag("reason", c.Reason)
	w.given("except", c.Except)
	w.life("for", c.For)
	w.time("until", c.Until)
	w.flag("helo", c.HELO)
	w.flag("public-note", c.PublicNote)
	w.flag("ticket", c.Ticket)
	w.given("force", c.Force)
	w.options(c.Options)
	w.flag("note", c.Note)
}

func (w *words) delist(c listing.Delist) {
	*w = append(*w, c.Subject.Text())
	w.flag("because", string(c.Because))
	w.flag("reason", c.Reason)
	w.given("within", c.Within)
	w.flag("ticket", c.Ticket)
	w.options(c.Options)
	w.flag("note", c.Note)
}

func (w *words) expire(c listing.Expire) {
	*w = append(*w, c.Subject.Text())
	w.flag("reason", c.Reason)
	w.given("within", c.Within)
	w.time("at", c.At)
	w.life("in", c.In)
	w.given("now", c.At.IsZero() && c.In == 0)
	w.options(c.Options)
	w.flag("note", c.Note)
}

func (w *words) permit(c listing.Permit) {
	verb := "add"
	if c.Remove {
		verb = "remove"
	}
	*w = append(*w, verb, c.Subject.Text())
	w.flag("owner", c.Owner)
	w.time("until", c.Until)
	w.options(c.Options)
	w.flag("note", c.Note)
}
