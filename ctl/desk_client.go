package ctl

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"

	"dnsbld/listing/delist"
	"dnsbld/listing/desk"
)

func about(a netip.Addr) url.Values { return url.Values{"address": {a.String()}} }

// Eligibility decides whether a sender may have an address delisted.
func (c *Client) Eligibility(ctx context.Context, a netip.Addr) (out Eligible, err error) {
	return out, c.call(ctx, http.MethodGet, "/v1/eligibility", about(a), nil, &out)
}

// Triage says what a mail or pasted text shows.
func (c *Client) Triage(ctx context.Context, text []byte) (out delist.Finding, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	resp, err := c.do(ctx, http.MethodPost, "/v1/triage", nil, bytes.NewReader(text), nil)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return out, lost(err)
	}
	return out, nil
}

// Letter writes the letter about an address as it stands.
func (c *Client) Letter(ctx context.Context, a netip.Addr, ticket string) (out desk.Letter, err error) {
	query := about(a)
	if ticket != "" {
		query.Set("ticket", ticket)
	}
	return out, c.call(ctx, http.MethodGet, "/v1/letter", query, nil, &out)
}

// Reference recognises the reference of a letter.
func (c *Client) Reference(ctx context.Context, text string) (out delist.Reference, err error) {
	return out, c.call(ctx, http.MethodGet, "/v1/reference", url.Values{"reference": {text}}, nil, &out)
}

// Request asks for an address to be delisted.
func (c *Client) Request(ctx context.Context, r DeskRequest) (out DeskAnswer, err error) {
	return out, c.call(ctx, http.MethodPost, "/v1/request", nil, r, &out)
}

// OpenTicket opens a ticket, or adds to the open one of the address.
func (c *Client) OpenTicket(ctx context.Context, t TicketCommand) (out TicketDone, err error) {
	return out, c.call(ctx, http.MethodPost, "/v1/tickets", nil, t, &out)
}

// Ticket is a ticket by its ID or a reference in another system.
func (c *Client) Ticket(ctx context.Context, name string) (out TicketDone, err error) {
	return out, c.call(ctx, http.MethodGet, "/v1/ticket", url.Values{"name": {name}}, nil, &out)
}

// Tickets lists tickets, the longest open first.
func (c *Client) Tickets(ctx context.Context, q desk.Query) (out []delist.Ticket, err error) {
	query := url.Values{}
	if q.Address.IsValid() {
		query = about(q.Address)
	}
	if q.State != "" {
		query.Set("state", string(q.State))
	}
	if q.All {
		query.Set("all", "true")
	}
	return out, c.call(ctx, http.MethodGet, "/v1/tickets", query, nil, &out)
}

// TakeTicket does something to a ticket.
func (c *Client) TakeTicket(ctx context.Context, name string, s desk.Step) (out TicketDone, err error) {
	return out, c.call(ctx, http.MethodPost, "/v1/ticket", url.Values{"name": {name}}, s, &out)
}

// ExportPerson is all that is kept about a mail address.
func (c *Client) ExportPerson(ctx context.Context, mail string) (out desk.Person, err error) {
	return out, c.call(ctx, http.MethodPost, "/v1/person/export", nil, personCommand{mail}, &out)
}

// ErasePerson removes all that is kept about a mail address, and says what
// that was.
func (c *Client) ErasePerson(ctx context.Context, mail string) (out desk.Person, err error) {
	return out, c.call(ctx, http.MethodPost, "/v1/person/erase", nil, personCommand{mail}, &out)
}
