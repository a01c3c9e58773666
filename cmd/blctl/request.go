package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"dnsbld/ctl"
	"dnsbld/listing"
)

// asked is a request as JSON, as ticket systems send it. Its keys are promises;
// an unknown one is refused, for a typing error must not change what is asked.
type asked struct {
	Address string `json:"address"`
	Text    string `json:"text"`
	From    string `json:"from"`
	Ticket  string `json:"ticket"`
	ID      string `json:"id"`

	Language string `json:"language"`
}

// readRequest makes a request of a mail, a text or JSON.
func readRequest(raw []byte) (r ctl.DeskRequest, fromMail bool, err error) {
	trimmed := bytes.TrimSpace(raw)
	if len(trimmed) == 0 {
		return r, false, invalid("empty", "the request is empty", "hand it a mail, a text, or a line of JSON")
	}
	if trimmed[0] != '{' {
		return ctl.DeskRequest{Text: raw}, true, nil
	}
	var a asked
	d := json.NewDecoder(bytes.NewReader(trimmed))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		return r, false, invalid("bad-request", "the request cannot be read: "+err.Error(), `for example {"address":"192.0.2.7","ticket":"rt:1425832","id":"1425832"}`)
	}
	r = ctl.DeskRequest{Address: a.Address, Text: []byte(a.Text), From: a.From, Ticket: a.Ticket, Language: a.Language}
	if a.ID != "" {
		r.Key = "id:" + a.ID
	}
	return r, false, nil
}

// requested is what request prints as JSON.
type requested struct {
	Asked any `json:"request,omitempty"` // a request in JSON, as it was read
	*ctl.DeskAnswer
}

// request hands a request to the desk. Flags win over what the request says itself.
func (p *program) request(ctx context.Context, in *input) error {
	raw, err := p.readMail(in.Args().First())
	if err != nil {
		return err
	}
	r, fromMail, err := readRequest(raw)
	in.completeRequest(&r)
	var a ctl.DeskAnswer
	if err == nil {
		a, err = p.client.Request(ctx, r)
	}
	if fromMail && a.Repeated && a.NoAnswer == "" && !in.Bool("again") {
		a.NoAnswer = "it was answered before"
	}
	out := requested{DeskAnswer: &a}
	if err != nil {
		out.DeskAnswer = nil
	}
	if !fromMail {
		out.Asked = echo(raw)
	}
	return p.concludeRequest(out, err, in.Bool("mail"))
}

// completeRequest adds what the flags say.
func (in *input) completeRequest(r *ctl.DeskRequest) {
	r.Delist, r.DryRun = in.Bool("delist"), in.Bool("dry-run")
	for flag, to := range map[string]*string{"from": &r.From, "ticket": &r.Ticket, "idempotency-key": &r.Key, "language": &r.Language} {
		if in.IsSet(flag) {
			*to = in.String(flag)
		}
	}
	if r.Key == "" && in.IsSet("line") {
		r.Key = "line:" + in.String("line")
	}
}

// echo is a request as it was read, for those who look at the result alone.
func echo(raw []byte) any {
	if trimmed := bytes.TrimSpace(raw); json.Valid(trimmed) {
		return json.RawMessage(trimmed)
	}
	return listing.Quote(string(raw))
}

// concludeRequest prints the letter, or says why there is none.
func (p *program) concludeRequest(out requested, err error, asMail bool) error {
	a := out.DeskAnswer
	switch {
	case err != nil:
	case a.Human:
		err = &listing.Error{Kind: listing.ErrNotFound, Code: "human", Message: "a person has to look at it: " + a.NoAnswer,
			Hint: "`blctl triage` shows what it names; `blctl request` takes the address as JSON"}
	default:
		err = a.NoLetter()
	}
	if err == nil && a.NoAnswer != "" {
		fmt.Fprintf(p.stderr, "not answered: %s\n", clean(a.NoAnswer))
	}
	if p.json || err != nil || a.NoAnswer != "" {
		return p.conclude("request", out, err)
	}
	text := a.Letter
	if asMail {
		text = a.Message()
	}
	if _, err := fmt.Fprint(p.stdout, text); err != nil {
		return fmt.Errorf("printing the letter: %w", err)
	}
	return nil
}
