package helo

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Session is one SMTP session as a receiving server saw it. Its JSON form is one line of `blctl classify --cases` and, without
// time, receiver and id, of `blctl observe --format ndjson`.
//
// Names may be in any case, with or without a trailing dot, in U-labels or A-labels; A-labels cost no conversion. Addresses may
// be IPv4-mapped.
type Session struct {
	// Client is the address at the other end of the connection. Without one the session is exempt.
	Client netip.Addr `json:"client,omitzero"`
	// Verb is how the client greeted: EHLO, also when empty, HELO, or NONE when it did not greet at all.
	Verb Verb `json:"verb,omitempty"`
	// HELO is the argument of HELO or EHLO as received, octet by octet and without the CRLF. Empty means that the verb stood
	// alone; a session without a greeting has Verb NONE. JSON has no octets: there HELO is UTF-8, and an octet that is not
	// decodes to U+FFFD, which is judged alike.
	HELO string `json:"helo"`

	OurIPs     []netip.Addr `json:"our_ips,omitempty"`   // addresses of the receiving side
	OurNames   []string     `json:"our_names,omitempty"` // host names of the receiving side
	Hosted     []string     `json:"hosted,omitempty"`    // domains it takes mail for
	Recipients []string     `json:"rcpts,omitempty"`     // of RCPT TO: domains, or mailboxes, of which the domain counts

	// PTR holds the client's reverse names. With FCrDNS set they all count as confirmed: who has found several gives those
	// that resolve back to the client.
	PTR []string `json:"ptr,omitempty"`
	// PTRStatus tells how looking for PTR and FCrDNS went; TempError if either lookup failed. Unset means OK if there are
	// names, else Unchecked.
	PTRStatus Status `json:"ptr_dns,omitempty"`
	FCrDNS    bool   `json:"fcrdns,omitempty"` // forward-confirmed reverse DNS

	// HELOAddrs are the addresses of the name in HELO.
	HELOAddrs []netip.Addr `json:"helo_addrs,omitempty"`
	// HELOStatus tells how looking for them went. Unset means OK if there are addresses, else Unchecked.
	HELOStatus Status `json:"helo_dns,omitempty"`

	Auth       bool `json:"auth,omitempty"`        // the client authenticated (RFC 4954)
	Submission bool `json:"submission,omitempty"`  // the connection came to port 587 or 465 (RFC 6409, RFC 8314)
	Trusted    bool `json:"trusted,omitempty"`     // the client is a relay that the receiving side trusts
	NullSender bool `json:"null_sender,omitempty"` // MAIL FROM:<>
	// Unproven says that the receiver cannot tell whether the client had authenticated or came to a submission port: its log does
	// not show it. Such a session is never worth more than a note.
	Unproven bool `json:"unproven,omitempty"`
}

// UnmarshalJSON decodes one JSON object over s; keys that it lacks leave s as it is, unknown keys are ignored. Two absences
// have a meaning: without helo (or with null) the client did not greet, whatever verb says; and with an empty list of ptr, but no
// ptr_dns, the client's address has been looked up and has no name.
func (s *Session) UnmarshalJSON(data []byte) error {
	type fields Session // without this method
	line := struct {
		*fields
		HELO *string   `json:"helo"`
		PTR  *[]string `json:"ptr"`
	}{fields: (*fields)(s)}
	if err := json.Unmarshal(data, &line); err != nil {
		return fmt.Errorf("decoding session: %w", err)
	}
	if line.HELO != nil {
		s.HELO = *line.HELO
	} else {
		s.HELO, s.Verb = "", VerbNone
	}
	if line.PTR != nil {
		s.PTR = *line.PTR
		if len(s.PTR) == 0 && s.PTRStatus == Unset {
			s.PTRStatus = NoData
		}
	}
	return nil
}

// Verb is the command a client greeted with.
type Verb string

const (
	VerbEHLO Verb = "EHLO"
	VerbHELO Verb = "HELO"
	VerbNone Verb = "NONE" // neither, before MAIL
)

func (v Verb) is(w Verb) bool { return strings.EqualFold(string(v), string(w)) }

// Status is how a DNS lookup ended.
type Status uint8

const (
	Unset     Status = iota // not said; see the field
	OK                      // an answer with records
	NXDomain                // the name does not exist
	NoData                  // the name exists, without such records
	TempError               // no answer, or SERVFAIL: nobody's fault and no evidence
	Unchecked               // not looked up
)

// statusNames are the words for Status in JSON and on the command line.
var statusNames = [...]string{"", "ok", "nxdomain", "nodata", "temp", "unchecked"}

// String returns ok, nxdomain, nodata, temp, unchecked, or nothing for Unset.
func (st Status) String() string {
	if int(st) < len(statusNames) {
		return statusNames[st]
	}
	return fmt.Sprintf("status(%d)", uint8(st))
}

// MarshalText returns the word that UnmarshalText takes.
func (st Status) MarshalText() ([]byte, error) { return []byte(st.String()), nil }

// UnmarshalText takes the words of String.
func (st *Status) UnmarshalText(text []byte) error {
	i := slices.Index(statusNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("unknown DNS status %q: want ok, nxdomain, nodata, temp or unchecked", text)
	}
	*st = Status(i)
	return nil
}

// or returns st, or what Unset stands for.
func (st Status) or(answered bool) Status {
	switch {
	case st != Unset:
		return st
	case answered:
		return OK
	default:
		return Unchecked
	}
}

// unknown reports that the lookup showed nothing.
func (st Status) unknown() bool { return st == TempError || st == Unchecked }

// ours reports whether addr is an address of the receiving side.
func (s *Session) ours(addr netip.Addr) bool { return hasAddr(s.OurIPs, addr) }

func hasAddr(list []netip.Addr, addr netip.Addr) bool {
	for _, a := range list {
		if addr.IsValid() && plain(a) == addr {
			return true
		}
	}
	return false
}

// confirmed reports whether the client may call itself name: the name resolves to it, or is its forward-confirmed PTR name.
func (s *Session) confirmed(name string) bool {
	return hasAddr(s.HELOAddrs, s.Client) || s.FCrDNS && hasName(s.PTR, name)
}

// heloStatus is how the lookup of the name in HELO ended.
func (s *Session) heloStatus() Status { return s.HELOStatus.or(len(s.HELOAddrs) > 0) }
