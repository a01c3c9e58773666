package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"dnsbld/cmd/help"
	"dnsbld/listing"
)

// printProposal shows a proposal: how it stands, and the command it stands for.
func (p *program) printProposal(one listing.Proposal) {
	h := p.human
	state := "open until " + p.ahead(one.Expires)
	switch {
	case one.State != listing.ProposalOpen:
		state = fmt.Sprintf("%s by %s on %s", one.State, clean(one.DecidedBy), stamp(one.Decided))
	case !one.Expires.After(p.now()):
		state = "expired on " + stamp(one.Expires)
	}
	h.printf("%s  by %s on %s, %s\n    %s\n", h.paint(bold, clean(one.ID)), clean(one.By.Name), stamp(one.Time), state, clean(p.commandLine(one)))
}

// A proposal keeps its command as JSON, so that it is carried out exactly as it was
// proposed, by whatever version of this program approves it.

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

// commandLine is the command that a proposal stands for, as it would be typed.
// The flags of a command have the names of the keys of its JSON.
func (p *program) commandLine(one listing.Proposal) string {
	var c map[string]any
	if json.Unmarshal(one.Command, &c) != nil {
		return "blctl " + one.Action
	}
	words := []string{"blctl", one.Action}
	var flags []cli.Flag
	switch one.Action {
	case "add":
		flags = help.Flags(helpTexts, "add")
	case "delist":
		flags = help.Flags(helpTexts, "delist")
	case "expire":
		flags = help.Flags(helpTexts, "expire")
		c["now"] = c["at"] == nil && c["in"] == nil
	case "allow":
		flags = help.Flags(helpTexts, "allow-add")
		verb := "add"
		if c["remove"] == true {
			verb = "remove"
		}
		words = append(words, verb)
	}
	subject, _ := c["prefix"].(string)
	if s, err := listing.ParseSubject(subject); err == nil {
		subject = s.Text()
	}
	words = append(words, subject)
	for _, f := range flags {
		name := f.Names()[0]
		words = append(words, flagWords(name, c[strings.ReplaceAll(name, "-", "_")])...)
	}
	return strings.Join(words, " ")
}

// flagWords are a flag and its value; none if it has no value in the JSON. JSON
// has three kinds that matter here.
func flagWords(name string, value any) []string {
	switch value := value.(type) {
	case bool:
		if value {
			return []string{"--" + name}
		}
	case string:
		return []string{"--" + name, shellWord(value)}
	case float64: // JSON has no other numbers
		return []string{"--" + name, strconv.FormatFloat(value, 'f', -1, 64)}
	}
	return nil
}

// shellWord is a word as a shell reads it.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/@%+,=") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
