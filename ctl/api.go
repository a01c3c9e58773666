package ctl

import (
	"net/netip"

	"dnsbld/listing"
	"dnsbld/listing/removal"
	"dnsbld/listing/report"
	"dnsbld/listing/sensor"
	"dnsbld/listing/sighting"
)

// Client asks a server, and is the one table of the protocol: each field is an
// endpoint. Its type says what is asked and answered; its tag says the method,
// the path with the parameter of a request that is one value (with * it may be
// missing), and the least role.
// Called as a function it asks the server.
//
// Failures are *listing.Error of the kind that the server meant, and what was
// done all the same comes with them. A server that cannot be reached is
// listing.ErrUnavailable. docs/control-api.md is made from this table.
type Client struct {
	Add        Call[listing.Add, Outcome]       `api:"PUT /v1/entry operator" limit:"16777216"`   // Lists a prefix, or makes an exception of it.
	Expire     Call[listing.Expire, Outcome]    `api:"POST /v1/expire operator" limit:"16777216"` // Changes when entries end.
	Delist     Call[listing.Delist, Outcome]    `api:"POST /v1/delist support" limit:"16777216"`  // Ends entries. Support ends those of single hosts, by the rules.
	Permit     Call[listing.Permit, Outcome]    `api:"POST /v1/allow operator" limit:"16777216"`  // Makes an allow entry, or takes one back.
	Import     Upload[Import, Imported]         `api:"POST /v1/import operator"`                  // Reads a file into a source. A file that is refused for bad lines has them in the outcome.
	SetSource  Call[listing.SetSource, Outcome] `api:"PUT /v1/sources/{name} operator"`           // Says where to ask about a source, in public.
	DropSource Call[DropSource, Outcome]        `api:"DELETE /v1/sources/{name} operator"`        // Ends a source and all its entries.
	Undo       Call[Undo, Outcome]              `api:"POST /v1/undo operator"`                    // Takes back what a revision did.

	Propose   Call[Propose, Proposed]        `api:"POST /v1/proposals operator"`              // Keeps a command until another person approves it.
	Proposals Call[bool, []listing.Proposal] `api:"GET /v1/proposals?all* reader"`            // The open proposals, or with all=true every one, oldest first.
	Approve   Call[Decide, Proposed]         `api:"POST /v1/proposals/{id}/approve operator"` // Carries out what another person proposed.
	Withdraw  Call[Decide, Proposed]         `api:"DELETE /v1/proposals/{id} operator"`       // Ends a proposal without carrying it out.

	Show      Call[listing.Subject, Shown]           `api:"GET /v1/show?prefix reader"`    // All that is known about a prefix.
	List      Stream[report.Query, report.Row]       `api:"GET /v1/entries reader"`        // The entries in force that a query asks for, in order of prefix.
	Export    Download[Export]                       `api:"GET /v1/export reader"`         // The same as a file; of a zone, what the zone answers.
	History   Call[listing.Subject, report.History]  `api:"GET /v1/history?prefix reader"` // Every change at a prefix and around it.
	HistoryAt Call[At, report.AsOf]                  `api:"GET /v1/then reader"`           // How a prefix stood at an instant.
	Allows    Call[listing.Subject, []listing.Allow] `api:"GET /v1/allow?prefix* reader"`  // The allow entries in force; with a prefix, those that overlap it.
	Reasons   Get[[]listing.ReasonInfo]              `api:"GET /v1/reasons reader"`        // The catalogue, strongest first.
	Sources   Call[bool, []report.Source]            `api:"GET /v1/sources?all* reader"`   // The sources in force by name; with all=true then those that ended in the last 30 days.

	Stats     Get[Stats]                    `api:"GET /v1/stats reader"`                // Numbers about the list.
	Status    Get[Status]                   `api:"GET /v1/status reader"`               // How the daemon is.
	Selfcheck Get[[]report.Check]           `api:"GET /v1/selfcheck reader"`            // How the list stands to RFC 6471.
	Doctor    Call[string, []report.Check]  `api:"GET /v1/doctor?zone reader"`          // How a zone stands in DNS, seen from outside.
	Watch     Stream[Watch, Watched]        `api:"GET /v1/changes reader"`              // Changes as they come, until the daemon ends.
	Audit     Call[Audit, listing.Verified] `api:"GET /v1/audit reader" wait:"0s"`      // Verifies the audit chain, all of it or from a checkpoint on, and with full=true that the list is what its log makes of it. A failure has in the outcome how far the chain holds, and what differs.
	Backup    Download[None]                `api:"GET /v1/backup operator"`             // The whole list as a file, with a line at its end by which it is checked.
	Rebuild   Call[Rebuild, Rebuilt]        `api:"POST /v1/rebuild operator" wait:"0s"` // Makes a list again from its log. No daemon does that: `blctl rebuild` starts a dnsbld of its own for it.
	Compact   Call[None, Compacted]         `api:"POST /v1/compact operator" wait:"0s"` // Gives back to the disk what the list does not need, and forgets what is older than is kept, while all else goes on.
	Restore   Call[Restore, Restored]       `api:"POST /v1/restore operator" wait:"0s"` // Makes a backup the list at a path. No daemon does that: `blctl restore` starts a dnsbld of its own for it.

	Observe   Upload[None, sensor.Observed]     `api:"POST /v1/observe operator" wait:"5m"`       // Counts sessions, one JSON object a line. Sending them again changes nothing.
	Receivers Get[[]sighting.Receiver]          `api:"GET /v1/receivers reader"`                  // The mail servers that have reported, and what those on probation would have listed.
	Accept    Call[AcceptReceiver, Accepted]    `api:"POST /v1/receivers/{name}/accept operator"` // Ends the probation of a receiver.
	Simulate  Upload[None, sighting.Simulation] `api:"POST /v1/simulate reader"`                  // What the thresholds of a TOML text would have done.

	Eligibility  Call[netip.Addr, Eligible]            `api:"GET /v1/eligibility?address reader"`       // Decides whether a sender may have an address delisted.
	Triage       Upload[None, removal.Finding]         `api:"POST /v1/triage reader" wait:"1m"`         // What a mail or pasted text shows.
	Letter       Call[LetterQuery, removal.Letter]     `api:"GET /v1/letter reader"`                    // The letter about an address as it stands.
	Reference    Call[string, removal.Reference]       `api:"GET /v1/reference?reference reader"`       // What letter a reference belongs to.
	Request      Call[DeskRequest, DeskAnswer]         `api:"POST /v1/request support" limit:"2162688"` // Asks for an address to be delisted.
	OpenTicket   Call[TicketCommand, TicketDone]       `api:"POST /v1/tickets support"`                 // Opens a ticket, or adds to the open one of the address.
	Ticket       Call[string, TicketDone]              `api:"GET /v1/ticket?name reader"`               // A ticket, by its ID or a reference in another system.
	Tickets      Call[removal.Query, []removal.Ticket] `api:"GET /v1/tickets reader"`                   // Tickets: those that wait for us first, the longest waiting before the others.
	TicketStats  Get[removal.Stats]                    `api:"GET /v1/tickets/stats reader"`             // What waits at the desk, and how it did in 30 days.
	TakeTicket   Call[TicketStep, TicketDone]          `api:"POST /v1/ticket support"`                  // Does something to a ticket.
	ExportPerson Call[Person, removal.Person]          `api:"POST /v1/person/export support"`           // All that is kept about a mail address.
	ErasePerson  Call[Person, removal.Person]          `api:"POST /v1/person/erase support"`            // Erases all that is kept about a mail address, and says what that was.
}

// None is the request of an endpoint that takes no parameters.
type None struct{}
