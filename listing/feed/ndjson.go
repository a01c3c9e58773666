package feed

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"strings"

	"dnsbld/listing"
)

// ndjson is one JSON object a line, with the names of `blctl list --json`, or
// an array of objects or addresses, however it is broken into lines (array.go).
// The names that columns of CSV have are known too; other names are ignored,
// and so are blank lines and what says of itself that it is metadata.
type ndjson struct {
	options *Options
	items   rowItems
}

// object is what is read of a line.
type object struct {
	Prefix     string   `json:"prefix"`
	Address    string   `json:"address"`
	IP         string   `json:"ip"`
	Reason     string   `json:"reason"`
	Code       jsonCode `json:"code"`
	Except     bool     `json:"except"`
	Until      string   `json:"until"`
	Note       string   `json:"note"`
	PublicNote string   `json:"public_note"`
	Type       any      `json:"type"`
}

// jsonCode is an answer, as a number or as text: 2, "2", "127.0.0.2".
type jsonCode string

func (c *jsonCode) UnmarshalJSON(raw []byte) error {
	text := string(raw)
	if text != "null" {
		*c = jsonCode(strings.Trim(text, `"`))
	}
	return nil
}

func newNDJSON(o *Options) parser {
	return lineParser((&ndjson{options: o, items: rowItems{options: o}}).read)
}

func (n *ndjson) read(text []byte) ([]item, error) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return nil, nil
	}
	var o object
	var err error
	if text[0] == '"' {
		err = json.Unmarshal(text, &o.IP)
	} else {
		err = json.Unmarshal(text, &o)
	}
	if err != nil {
		return nil, badJSON(err)
	}
	r := row{addressField: cmp.Or(o.Prefix, o.Address, o.IP), reasonField: o.Reason, codeField: string(o.Code),
		untilField: o.Until, noteField: o.Note, publicField: o.PublicNote}
	if o.Except {
		r[exceptField] = "true"
	}
	if n.options.Column != "" && text[0] == '{' {
		r[addressField] = ""
	}
	if r[addressField] == "" {
		if o.Type == "metadata" {
			return nil, nil
		}
		n.others(text, &r)
	}
	return n.items.of(r)
}

// others looks for what an object calls by the names of CSV.
func (n *ndjson) others(text []byte, r *row) {
	var all map[string]any
	if json.Unmarshal(text, &all) != nil {
		return // a text that is no address
	}
	for name, value := range all {
		if word, ok := value.(string); ok {
			if f := n.options.fieldOf(name); f != ignored {
				r.set(f, word)
			}
		}
	}
}

// badJSON says in words what encoding/json found.
func badJSON(err error) error {
	const hint = `write one object a line, like {"prefix":"192.0.2.7/32","reason":"helo-bare-ip"}`
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return complain("bad-json", hint, "%s cannot be of type %s", cmp.Or(listing.Printable(kind.Field), "a line"), kind.Value)
	}
	return complain("bad-json", hint, "the line is not a JSON object: %s", listing.Printable(err.Error()))
}
