package main

import (
	"strings"

	"dnsbld/listing"
)

// hints are the words for people about refusals whose remedy is a command of
// this program. The rooms below name a refusal by its code and do not know this
// program. Words in capitals are replaced by what the error carries under that
// name (listing.Error.Names); without it they stay, and still tell a person what
// belongs there.
//
// A code that needs different words for different things has an entry for each
// name, "CODE NAME", which is taken when the error carries NAME.
var hints = map[string]string{
	"allowed":             "`blctl allow list` shows it; `blctl allow remove PREFIX` takes it back",
	"bad-checkpoint":      "write REVISION:HASH, as `blctl audit verify` printed it",
	"covered":             "`blctl add PREFIX --reason REASON --except` takes it out of that entry; `blctl allow add PREFIX --owner NAME` keeps it out of every one",
	"document":            "`blctl propose withdraw ID` ends a proposal",
	"empty-file":          "was it cut short? `blctl source drop SOURCE` ends a source",
	"future":              "`blctl show` says how things stand now",
	"listed":              "end the listing first: `blctl delist PREFIX`",
	"no-address":          "for example: blctl ticket open 192.0.2.7",
	"no-change":           "`blctl history PREFIX` shows the revision of each change",
	"no-proposal":         "`blctl propose list` names them",
	"no-receiver":         "`blctl receiver list` names those that have reported",
	"no-source":           "`blctl source list` names them",
	"no-ticket":           "`blctl ticket list --all` names them",
	"not-a-backup":        "`blctl backup FILE` makes one",
	"not-an-address":      "for example: blctl add 192.0.2.7 --reason helo-bare-ip",
	"not-listed":          "`blctl history PREFIX` says whether it was",
	"not-text CONVERT":    "convert it first: `CONVERT | blctl import - …`",
	"not-text UNPACK":     "unpack it first: `UNPACK | blctl import - …`",
	"past":                "give an end in the future; `blctl expire PREFIX --now` ends an entry at once",
	"revision":            "somebody changed it meanwhile: look at `blctl show PREFIX` and decide again",
	"revision ALLOW":      "somebody changed it meanwhile: look at `blctl allow list ALLOW` and decide again",
	"revision SOURCE":     "it was imported meanwhile: look at `blctl source show SOURCE` and decide again",
	"same-person":         "ask another operator to run `blctl approve ID`",
	"sourced":             "`blctl delist PREFIX` takes it out of the source by an exception",
	"two-persons":         "`blctl propose add …` with the same flags; another operator then approves it",
	"two-persons ALLOW":   "`blctl propose allow add ALLOW` with the same flags; another operator then approves it",
	"unknown-reason":      "`blctl reasons` lists them",
	"unknown-reason LIKE": "did you mean LIKE? `blctl reasons` lists them",
	"unknown-zone":        "`blctl status` names them",
}

// hintOf is the hint of a refusal: its own, or the one for its code. Words that
// the error carries no value for stay as they are.
func hintOf(e *listing.Error) string {
	if e.Hint != "" {
		return e.Hint
	}
	hint := hints[e.Code]
	var words []string
	for name, value := range e.Names {
		if special, ok := hints[e.Code+" "+name]; ok {
			hint = special
		}
		words = append(words, name, value)
	}
	return strings.NewReplacer(words...).Replace(hint)
}
