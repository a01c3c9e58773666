package ctl

import (
	"net/http"
	"net/netip"

	"dnsbld/listing"
	"dnsbld/listing/removal"
	"dnsbld/listing/report"
	"dnsbld/listing/sighting"
)

// Shown is all that is known about a prefix.
type Shown struct {
	report.Shown

	Eligibility *removal.Decision `json:"eligibility,omitempty"` // of a single address that is listed
	Tickets     []removal.Ticket  `json:"tickets,omitempty"`     // of a single address, the open ones
	Sightings   *sighting.Facts   `json:"sightings,omitempty"`   // what was counted, if anything was
}

// Eligible is a decision about an address.
type Eligible struct {
	Address netip.Addr `json:"address"`
	removal.Decision
}

// MaxMail is how much of a mail or pasted text is read.
const MaxMail = 1 << 20

// LetterQuery asks for the letter about an address.
type LetterQuery struct {
	Address netip.Addr `query:"address"`
	Ticket  string     `query:"ticket"`

	Language string `query:"language"` // its tag, such as "de"; empty: English
	Long     bool   `query:"long"`     // with definitions, samples and each piece of evidence
}

// DeskRequest asks for an address to be delisted: the address, or a mail or
// pasted text that names it.
type DeskRequest struct {
	Address string `json:"address,omitempty"`
	Text    []byte `json:"text,omitempty"`
	From    string `json:"from,omitempty"` // mail address of who asks
	Ticket  string `json:"ticket,omitempty"`
	Key     string `json:"key,omitempty"` // the same for the same request sent again; empty: by the mail's Message-ID
	Delist  bool   `json:"delist,omitempty"`

	Language string `json:"language,omitempty"` // of the answer, such as "de"; empty: what the mail declares, else English
	DryRun   bool   `json:"dry_run,omitempty"`
}

// DeskAnswer is what was done about a request.
type DeskAnswer struct {
	removal.Reply
	Refused *WireError `json:"refused,omitempty"` // why there is no letter
}

// NoLetter is why there is no letter; nil if there is one.
func (a DeskAnswer) NoLetter() error {
	if a.Refused == nil {
		return nil
	}
	return a.Refused.decode(http.StatusForbidden)
}

// TicketCommand opens a ticket, or adds to the open one of the address.
type TicketCommand struct {
	Address   string `json:"address"`
	Reference string `json:"reference,omitempty"`
	Note      string `json:"note,omitempty"`
}

// TicketStep does something to a ticket.
type TicketStep struct {
	Name string `query:"name" json:"-"` // its ID, or a reference in another system
	removal.Action
}

// TicketDone is a ticket after something was done to it.
type TicketDone struct {
	Ticket   removal.Ticket   `json:"ticket"`
	Opened   bool             `json:"opened,omitempty"`
	Revision listing.Revision `json:"revision,omitempty"` // that ended the listing
	Warnings []string         `json:"warnings,omitempty"`
	Proof    *removal.Ways    `json:"proof,omitempty"` // how the sender can show that the address is his; nil: it is not listed

	StillListed []report.StillListed `json:"still_listed,omitempty"` // though the ticket was granted

	// For support and operators:
	Contact *removal.Contact `json:"contact,omitempty"` // who asked
	Follow  string           `json:"follow,omitempty"`  // the URL where he follows the ticket
}

// Person names somebody by his mail address, or by the contact of a ticket.
type Person struct {
	Mail string `json:"mail"`
}
