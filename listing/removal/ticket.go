package removal

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"sync"
	"time"

	"dnsbld/listing"
)

// TicketKind is the kind of the document that a ticket is kept as.
const TicketKind = "ticket"

// State is how far a ticket has come:
//
//	new → need_info | need_proof → eligible → delisted → monitoring → closed
//	new … eligible → denied → appealed → upheld | overturned
//	overturned → delisted; denied → need_proof | eligible, when the bar is gone
type State string

// The states of a ticket.
const (
	New        State = "new"
	NeedInfo   State = "need_info"
	NeedProof  State = "need_proof"
	Eligible   State = "eligible"
	Delisted   State = "delisted"
	Monitoring State = "monitoring"
	Closed     State = "closed"
	Denied     State = "denied"
	Appealed   State = "appealed"
	Upheld     State = "upheld"
	Overturned State = "overturned"
)

// States are all of them.
func States() []State {
	return []State{New, NeedInfo, NeedProof, Eligible, Delisted, Monitoring, Closed, Denied, Appealed, Upheld, Overturned}
}

// onward are the states that a state can go to.
var onward = map[State][]State{
	New:        {NeedInfo, NeedProof, Eligible, Denied, Closed},
	NeedInfo:   {NeedProof, Eligible, Denied, Closed},
	NeedProof:  {NeedInfo, Eligible, Denied, Closed},
	Eligible:   {NeedProof, Delisted, Denied, Closed},
	Delisted:   {Monitoring},
	Monitoring: {Closed},
	Denied:     {Appealed, NeedProof, Eligible, Closed},
	Appealed:   {Upheld, Overturned},
	Upheld:     {Closed},
	Overturned: {Delisted},
}

// Watch is how long an address is watched after it was delisted.
const Watch = 7 * listing.Day

// Ticket follows one request about one address. It holds no personal data:
// whoever asked stands in a Contact that ContactID names, and what looks like
// a mail address in a note is blanked.
type Ticket struct {
	ID         string               `json:"id"`
	Address    netip.Addr           `json:"address"`
	State      State                `json:"state"`
	References []string             `json:"references,omitempty"` // in other systems: "rt:1425832"
	Opened     time.Time            `json:"opened"`
	Changed    time.Time            `json:"changed"`            // when the state last did
	Decision   Code                 `json:"decision,omitempty"` // the last one
	Denied     Code                 `json:"denied,omitempty"`   // why, once it was
	DeniedBy   string               `json:"denied_by,omitempty"`
	Because    listing.DelistReason `json:"because,omitempty"` // once delisted
	WatchUntil time.Time            `json:"watch_until,omitzero"`
	ContactID  string               `json:"contact,omitempty"` // random, so that nothing remains once the contact is erased
	Notes      []Note               `json:"notes,omitempty"`
}

// Note is one line in a ticket. State is set where it tells of a move.
type Note struct {
	Time  time.Time `json:"time"`
	Actor string    `json:"actor"`
	State State     `json:"state,omitempty"`
	Text  string    `json:"text,omitempty"`
}

// Limits of a ticket, so that one always fits into a request.
const (
	maxNotes      = 200
	maxNote       = 1000 // octets
	maxReferences = 20
)

// NewID is a random identifier that can be read out: a letter and 10 more
// letters and digits.
func NewID(letter byte) string { return string(letter) + rand.Text()[:10] }

// Open makes a ticket for an address.
func Open(id string, a netip.Addr, by Step) (Ticket, error) {
	if id == "" || !a.IsValid() {
		return Ticket{}, &listing.Error{Kind: listing.ErrInvalid, Code: "no-address", Message: "a ticket needs an id and an address",
			Hint: "for example: blctl ticket open 192.0.2.7"}
	}
	t := Ticket{ID: id, Address: listing.Canonical(a), State: New, Opened: by.Time, Changed: by.Time}
	return t.note(by, New)
}

// Step is who does something to a ticket, when, and what he says to it.
type Step struct {
	Time  time.Time
	Actor string
	Note  string
}

// Move takes the ticket to another state. ErrConflict: it cannot go there from
// where it is. Moves that need more than a note have methods of their own.
func (t Ticket) Move(to State, by Step) (Ticket, error) {
	switch to {
	case Denied, Delisted, Upheld, Overturned:
		return t, &listing.Error{Kind: listing.ErrInvalid, Code: "bare-move",
			Message: fmt.Sprintf("a ticket is not %s without saying why", to), Hint: "use deny with a decision code, grant, or delist with --because"}
	case Closed:
		if t.State == Monitoring && by.Time.Before(t.WatchUntil) {
			return t, t.conflict(to, fmt.Sprintf("the address is watched until %s; the ticket closes then", t.WatchUntil.UTC().Format("2006-01-02 15:04:05 UTC")))
		}
	}
	moved, err := t.move(to, by)
	if err == nil && to == Monitoring {
		moved.WatchUntil = by.Time.Add(Watch)
	}
	return moved, err
}

// Judged notes a decision and goes where it leads: to eligible, need_proof or
// denied, and to closed if the address is not listed.
func (t Ticket) Judged(d Decision, by Step) (Ticket, error) {
	to := Denied
	switch {
	case d.Code.OK():
		to = Eligible
	case d.Code == NoProof || d.Code == Identity:
		to = NeedProof
	case d.Code == NotListed:
		to = Closed
	}
	if to == Denied && t.State != Denied {
		return t.Deny(d.Code, by)
	}
	from := t
	t.Decision = d.Code
	if to == Denied {
		t.Denied, t.DeniedBy = d.Code, by.Actor
	}
	next, err := t.note(by, "")
	if t.State != to {
		next, err = t.Move(to, by)
	}
	if err != nil {
		return from, err
	}
	return next, nil
}

// Deny refuses a request for a code, or upholds a refusal that was appealed.
func (t Ticket) Deny(code Code, by Step) (Ticket, error) {
	if code.OK() || !slices.Contains(Codes(), code) {
		return t, &listing.Error{Kind: listing.ErrInvalid, Code: "bad-code", Message: fmt.Sprintf("%s is no reason to deny a request", listing.Quote(string(code))),
			Hint: listing.DidYouMean(string(code), Codes()) + "give one of the published codes, for example STILL_OFFENDING"}
	}
	to := Denied
	if t.State == Appealed {
		if err := t.another(by); err != nil {
			return t, err
		}
		to = Upheld
	}
	moved, err := t.move(to, by)
	if err == nil {
		moved.Decision, moved.Denied, moved.DeniedBy = code, code, by.Actor
	}
	return moved, err
}

// Grant allows a request, or overturns a refusal that was appealed.
func (t Ticket) Grant(by Step) (Ticket, error) {
	to := Eligible
	if t.State == Appealed {
		if err := t.another(by); err != nil {
			return t, err
		}
		to = Overturned
	}
	moved, err := t.move(to, by)
	if err == nil {
		moved.Decision = OKSupport
	}
	return moved, err
}

// Appeal asks for another person's view of a refusal.
func (t Ticket) Appeal(by Step) (Ticket, error) { return t.move(Appealed, by) }

// Delist notes that the address was delisted.
func (t Ticket) Delist(because listing.DelistReason, by Step) (Ticket, error) {
	if !slices.Contains(listing.DelistReasons(), because) {
		return t, &listing.Error{Kind: listing.ErrInvalid, Code: "bad-because", Message: fmt.Sprintf("%s is no reason to delist", listing.Quote(string(because))),
			Hint: "for example fixed-verified, false-positive or our-error"}
	}
	moved, err := t.move(Delisted, by)
	if err == nil {
		moved.Because = because
	}
	return moved, err
}

// Say adds a note.
func (t Ticket) Say(by Step) (Ticket, error) { return t.note(by, "") }

// another refuses to let the person who denied decide an appeal.
func (t Ticket) another(by Step) error {
	if by.Actor != "" && by.Actor != t.DeniedBy {
		return nil
	}
	return &listing.Error{Kind: listing.ErrPolicy, Code: "same-person",
		Message: fmt.Sprintf("ticket %s was denied by %s, who cannot decide the appeal", t.ID, t.DeniedBy),
		Hint:    "another person has to look at it"}
}

func (t Ticket) move(to State, by Step) (Ticket, error) {
	if !slices.Contains(onward[t.State], to) {
		return t, t.conflict(to, t.ways())
	}
	from := t
	t.State, t.Changed = to, by.Time
	t, err := t.note(by, to)
	if err != nil {
		return from, err
	}
	return t, nil
}

// ways are the states that a ticket can go to from where it is, in words.
func (t Ticket) ways() string {
	ways := onward[t.State]
	if len(ways) == 0 {
		return "open a new ticket for the address"
	}
	hint := "from here it goes to"
	for n, w := range ways {
		if n > 0 {
			hint += ","
		}
		hint += " " + string(w)
	}
	return hint
}

func (t Ticket) conflict(to State, hint string) error {
	return &listing.Error{Kind: listing.ErrConflict, Code: "ticket-state",
		Message: fmt.Sprintf("ticket %s is %s and cannot become %s", t.ID, t.State, to), Hint: hint}
}

// mailbox is what looks like a mail address.
var mailbox = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[^\s<>"'(),;:]+@[^\s<>"'(),;:]+`) })

// note adds a line. Mail addresses in it are blanked, for tickets name nobody.
func (t Ticket) note(by Step, state State) (Ticket, error) {
	switch {
	case by.Actor == "" || by.Time.IsZero():
		return t, fmt.Errorf("ticket %s: a step without actor or time: %w", t.ID, listing.ErrInvalid)
	case len(t.Notes) >= maxNotes:
		return t, &listing.Error{Kind: listing.ErrPolicy, Code: "too-many-notes",
			Message: fmt.Sprintf("ticket %s has %d notes, which is all it takes", t.ID, maxNotes), Hint: "close it and open another for the address"}
	}
	text := listing.Printable(mailbox().ReplaceAllString(by.Note, "[mail address]"))
	t.Notes = append(t.Notes[:len(t.Notes):len(t.Notes)], Note{Time: by.Time.UTC(), Actor: by.Actor, State: state, Text: text[:min(len(text), maxNote)]})
	return t, nil
}

// outside is the form of a reference in another system.
var outside = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[a-z][a-z0-9-]{0,19}:[A-Za-z0-9._/-]{1,64}$`)
})

// Refer adds a reference in another system, such as "rt:1425832", once.
func (t Ticket) Refer(reference string) (Ticket, error) {
	switch {
	case !outside().MatchString(reference):
		return t, &listing.Error{Kind: listing.ErrInvalid, Code: "bad-reference",
			Message: listing.Quote(reference) + " is not a reference", Hint: "write the system and the number, for example rt:1425832"}
	case slices.Contains(t.References, reference):
		return t, nil
	case len(t.References) >= maxReferences:
		return t, &listing.Error{Kind: listing.ErrPolicy, Code: "too-many-references",
			Message: fmt.Sprintf("ticket %s has %d references, which is all it takes", t.ID, maxReferences), Hint: "put further ones into a note"}
	}
	t.References = append(t.References[:len(t.References):len(t.References)], reference)
	return t, nil
}
