package feed

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"strings"

	"dnsbld/listing"
)

// ndjson is one JSON object a line, with the names of `blctl list --json`.
// Other names are ignored, and so are blank lines.
type ndjson struct {
	options *Options
	items   [1]item
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

func newNDJSON(o *Options) parser { return lineParser((&ndjson{options: o}).read) }

func (n *ndjson) read(text []byte) ([]item, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, nil
	}
	var o object
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, badJSON(err)
	}
	row := row{address: cmp.Or(o.Prefix, o.Address, o.IP), reason: o.Reason, code: string(o.Code),
		until: o.Until, note: o.Note, public: o.PublicNote}
	i, err := row.item(n.options)
	if err != nil {
		return nil, err
	}
	i.except = i.except || o.Except
	n.items[0] = i
	return n.items[:], nil
}

func badJSON(err error) error {
	const hint = `write one object a line, like {"prefix":"192.0.2.7/32","reason":"helo-bare-ip"}`
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return complain("bad-json", hint, "%s cannot be of type %s", cmp.Or(listing.Printable(kind.Field), "a line"), kind.Value)
	}
	return complain("bad-json", hint, "the line is not a JSON object: %s", listing.Printable(err.Error()))
}
