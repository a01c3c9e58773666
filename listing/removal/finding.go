package removal

import (
	"net/netip"
	"slices"
	"time"

	"dnsbld/listing/helo"
)

// ClaimKind is the form of something that a sender offers as evidence.
type ClaimKind string

// The kinds of claim.
const (
	ClaimReceived ClaimKind = "received" // a Received line
	ClaimBounce   ClaimKind = "bounce"   // a refusal
	ClaimLog      ClaimKind = "log"      // a line of a mail server's log
	ClaimBanner   ClaimKind = "banner"   // the greeting of a server on port 25
	ClaimRDNS     ClaimKind = "rdns"     // something about reverse DNS
	ClaimRcpt     ClaimKind = "rcpt"     // something about the RCPT TO command
	ClaimTelnet   ClaimKind = "telnet"   // an SMTP session by hand
)

// Claim is one thing that a mail offers, what it proves and what not.
type Claim struct {
	Kind         ClaimKind `json:"kind"`
	Text         string    `json:"text"` // printable ASCII
	Proves       string    `json:"proves"`
	DoesNotProve string    `json:"does_not_prove"`
	List         string    `json:"list,omitempty"` // of a refusal: the other list that it names

	// The session that it tells of; none of it is sent.
	Addr      netip.Addr `json:"-"` // that it is about
	HELO      string     `json:"-"`
	PTR       string     `json:"-"`
	Confirmed bool       `json:"-"` // the name leads back to the address
	Time      time.Time  `json:"-"`
}

// Finding is what a mail or pasted text shows. Its JSON form is that of
// `blctl triage --json`. All text in it is printable ASCII.
type Finding struct {
	Address    *netip.Addr  `json:"address"`    // what it is about; nil unless exactly one candidate stands
	Candidates []netip.Addr `json:"candidates"` // in order of appearance
	HELO       string       `json:"helo"`       // as somebody saw it; empty if nobody says so
	PTR        []string     `json:"ptr"`        // names in reverse DNS that are claimed
	Time       *time.Time   `json:"time"`       // of the session in question, UTC
	References []string     `json:"references"` // numbers of incidents and tickets
	Claims     []Claim      `json:"claims"`
	ListedThen *bool        `json:"listed_then"`       // whether the address was listed at Time: left to the caller
	Human      bool         `json:"human"`             // a person has to decide what it is about
	Reply      bool         `json:"reply,omitempty"`   // it quotes a letter of ours
	Asks       bool         `json:"asks,omitempty"`    // it asks for a removal
	Against    string       `json:"against,omitempty"` // what in it speaks against a removal, so that a person has to read it
	Automatic  string       `json:"automatic,omitempty"`
	Cut        bool         `json:"cut,omitempty"`        // it was longer than is read
	OtherList  string       `json:"other_list,omitempty"` // that a refusal in it names, and not ours
	Server     string       `json:"server,omitempty"`     // the one kind of mail server that it speaks of, a Fix's Server

	Language string `json:"language,omitempty"` // that the mail declares in Content-Language

	From      string `json:"-"` // who wrote it: personal data
	MessageID string `json:"-"`
}

// Settle takes from the claims what fits the candidates.
func (f *Finding) Settle() {
	f.Address, f.Human = nil, true
	f.HELO, f.Time, f.PTR = "", nil, []string{}
	if len(f.Candidates) == 1 {
		f.Address, f.Human = &f.Candidates[0], false
	}
	for _, c := range f.Claims {
		if c.Addr.IsValid() && !slices.Contains(f.Candidates, c.Addr) {
			continue
		}
		if f.HELO == "" {
			f.HELO = helo.Escape(c.HELO, helo.MaxName)
		}
		if f.Time == nil && !c.Time.IsZero() {
			f.Time = &c.Time
		}
		if c.PTR != "" && !slices.Contains(f.PTR, c.PTR) {
			f.PTR = append(f.PTR, c.PTR)
		}
	}
}

// Exclude takes addresses out that cannot be what the mail is about, such as
// this list's own servers.
func (f *Finding) Exclude(ours func(netip.Addr) bool) {
	f.Candidates = slices.DeleteFunc(slices.Clone(f.Candidates), ours)
	f.Settle()
	f.Human = f.Human || f.Cut
}
