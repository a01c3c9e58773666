package mta

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"dnsbld/listing/helo"
	"dnsbld/listing/sensor"
)

// Report is one SMTP session as one receiver saw it. Its JSON form is a line of `blctl observe
// --format ndjson`.
type Report sensor.Report

// reportHead is what a report has in JSON beside its session.
type reportHead struct {
	Time     time.Time `json:"time,omitzero"`
	Receiver string    `json:"receiver,omitempty"`
	ID       string    `json:"id,omitempty"`
	Tried    int       `json:"rcpts_tried,omitempty"`
	Unknown  int       `json:"rcpts_unknown,omitempty"`
	Probe    string    `json:"probe,omitempty"`
}

// MarshalJSON writes one flat object: time, receiver, id and the keys of [helo.Session].
func (r Report) MarshalJSON() ([]byte, error) {
	type session helo.Session // without its methods
	return json.Marshal(struct {
		reportHead
		session
	}{reportHead{r.Time.UTC(), r.Receiver, r.ID, r.Tried, r.Unknown, r.Probe}, session(r.Session)})
}

// UnmarshalJSON reads one flat object; keys that it lacks leave r as it is, except that a session
// without helo did not greet.
func (r *Report) UnmarshalJSON(data []byte) error {
	head := reportHead{r.Time, r.Receiver, r.ID, r.Tried, r.Unknown, r.Probe}
	if err := json.Unmarshal(data, &head); err != nil {
		return fmt.Errorf("decoding report: %w", err)
	}
	r.Time, r.Receiver, r.ID = head.Time, head.Receiver, head.ID
	r.Tried, r.Unknown, r.Probe = head.Tried, head.Unknown, head.Probe
	return r.Session.UnmarshalJSON(data)
}

// Our is what the configuration says about the receiving side, and a session does not.
type Our struct {
	Addresses []netip.Addr   `json:"addresses"` // of our mail servers, as the world sees them
	Names     []string       `json:"names"`     // host names of our mail servers
	Hosted    []string       `json:"hosted"`    // domains that we take mail for
	Trusted   []netip.Prefix `json:"trusted"`   // relays whose greeting is their own affair
}

// Fill adds to a session what it does not say itself.
func (o *Our) Fill(s *helo.Session) {
	s.OurIPs = union(s.OurIPs, o.Addresses)
	s.OurNames = union(s.OurNames, o.Names)
	s.Hosted = union(s.Hosted, o.Hosted)
	s.Trusted = s.Trusted || o.trusts(s.Client)
}

func (o *Our) trusts(client netip.Addr) bool {
	client = client.Unmap().WithZone("")
	return slices.ContainsFunc(o.Trusted, func(p netip.Prefix) bool { return p.Contains(client) })
}

// union appends to list what it lacks of more. It does not write into the array of either.
func union[T comparable](list, more []T) []T {
	if len(list) == 0 {
		return slices.Clip(more)
	}
	list = slices.Clip(list)
	for _, one := range more {
		if !slices.Contains(list, one) {
			list = append(list, one)
		}
	}
	return list
}

// Limits of what is kept of a session. Nothing that SMTP allows is longer: a command line has 512
// octets, a domain 255 (RFC 5321, section 4.5.3.1).
const (
	maxHELO       = 1024 // what is beyond is cut off; the rest is too long for a HELO all the same
	maxDomain     = 255
	maxRecipients = 100 // different domains
)

// greetingText is HELO as it is kept.
func greetingText(said []byte) string { return string(said[:min(len(said), maxHELO)]) }

// addRecipient keeps the domain of a mailbox: local parts are nobody's business here, but for that
// of a probe address, which names nobody.
func (r *Report) addRecipient(mailbox []byte) {
	domain := mailboxDomain(mailbox)
	if len(domain) == 0 || len(domain) > maxDomain {
		return
	}
	if r.Probe == "" && isProbe(mailbox[:len(mailbox)-len(domain)-1]) {
		r.Probe = string(mailbox)
	}
	if len(r.Recipients) < maxRecipients && !slices.ContainsFunc(r.Recipients, func(known string) bool { return strings.EqualFold(known, string(domain)) }) {
		r.Recipients = append(r.Recipients, string(domain))
	}
}

// isProbe reports whether a local part is helo+TOKEN: whether the token is good, and the domain
// ours, is for others to say.
func isProbe(local []byte) bool {
	const tag, shortest, longest = "helo+", 16, 64
	if len(local) < len(tag)+shortest || len(local) > len(tag)+longest || !strings.EqualFold(string(local[:len(tag)]), tag) {
		return false
	}
	for _, c := range local[len(tag):] {
		if !digit(c) && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

// mailboxDomain is what stands behind the last @, unless that is within quotes.
func mailboxDomain(mailbox []byte) []byte {
	at := bytes.LastIndexByte(mailbox, '@')
	if at < 0 || bytes.IndexByte(mailbox[at:], '"') >= 0 {
		return nil
	}
	return mailbox[at+1:]
}

// parseClient reads a client address as mail servers write it.
func parseClient(text []byte) (netip.Addr, bool) {
	const tag = "IPv6:"
	if len(text) > len(tag) && strings.EqualFold(string(text[:len(tag)]), tag) {
		text = text[len(tag):]
	}
	addr, err := netip.ParseAddr(string(text))
	return addr.Unmap().WithZone(""), err == nil
}
