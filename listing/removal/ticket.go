package removal

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"dnsbld/listing"
)

// TicketKind is the kind of the document that a ticket is kept as.
const TicketKind = "ticket"

// State is whose turn it is with a ticket, or how it ended:
//
//	open ⇄ asked                    we must act; the sender must
//	open | asked → granted → closed, when the address was watched for Watch
//	open | asked → denied → closed, or open again: on appeal, or when the bar is gone
type State string

// The states of a ticket.
const (
	Open    State = "open"
	Asked   State = "asked"
	Granted State = "granted"
	Denied  State = "denied"
	Closed  State = "closed"
)

// States are all of them.
func States() []State { return []State{Open, Asked, Granted, Denied, Closed} }

// onward are the states that a state can go to.
var onward = map[State][]State{
	Open:    {Asked, Granted, Denied, Closed},
	Asked:   {Open, Granted, Denied, Closed},
	Granted: {Closed},
	Denied:  {Open, Asked, Granted, Closed},
}

// formerly are the states that tickets had until 2026, which old lists and
// backups still hold.
var formerly = map[State]State{
	"new": Open, "need_info": Asked, "need_proof": Asked, "eligible": Open, "delisted": Granted, "monitoring": Granted,
	"appealed": Open, "upheld": Denied, "overturned": Open,
}

// ReadWithin is how long a ticket waits for a person of ours as a rule; it is what
// senders are told.
const ReadWithin = listing.Day

// Watch is how long an address is watched after it was delisted.
const Watch = 7 * listing.Day

// Ticket follows one request about one address. It holds no personal data of
// senders: whoever asked stands in a Contact that ContactID names, and what looks
// like a mail address in a note is blanked.
type Ticket struct {
	ID         string               `json:"id"`
	Address    netip.Addr           `json:"address,omitzero"` // zero: the sender was asked for it
	State      State                `json:"state"`
	Appeal     bool                 `json:"appeal,omitempty"`     // it is open because a refusal was appealed
	ForPerson  bool                 `json:"for_person,omitempty"` // the sender wants a person to look: the rules alone do not refuse it
	References []string             `json:"references,omitempty"` // in other systems: "rt:1425832"
	Opened     time.Time            `json:"opened"`
	Changed    time.Time            `json:"changed"`            // when the state last did
	Decision   Code                 `json:"decision,omitempty"` // the last one
	Denied     Code                 `json:"denied,omitempty"`   // why, once it was
	People     []string             `json:"people,omitempty"`   // of ours who filed or decided: none of them decides an appeal
	Because    listing.DelistReason `json:"because,omitempty"`  // once granted
	WatchUntil time.Time            `json:"watch_until,omitzero"`
	ContactID  string               `json:"contact,omitempty"` // random, so that nothing remains once the contact is erased
	Told       *Told                `json:"told,omitempty"`    // what the sender can read, where the state does not say it all
	Notes      []Note               `json:"notes,omitempty"`
}

// Told is what the sender was told last. It is of our words alone.
type Told struct {
	Time time.Time `json:"time"`
	Text string    `json:"text"`           // the sentence of a decision, or what he was asked for
	Then string    `json:"then,omitempty"` // what would change the decision
}

// UnmarshalJSON also reads tickets as they were written until 2026.
func (t *Ticket) UnmarshalJSON(raw []byte) error {
	type plain Ticket // without this method
	var read struct {
		plain
		DeniedBy string `json:"denied_by"` // of the People the last who denied
	}
	if err := json.Unmarshal(raw, &read); err != nil {
		return fmt.Errorf("reading a ticket: %w", err)
	}
	*t = Ticket(read.plain)
	t.Appeal = t.Appeal || t.State == "appealed"
	t.involve(Step{Actor: read.DeniedBy, Person: read.DeniedBy != ""})
	for _, s := range append([]*State{&t.State}, t.noteStates()...) {
		*s = cmp.Or(formerly[*s], *s)
	}
	return nil
}

// noteStates are the states that the notes tell of.
func (t *Ticket) noteStates() (all []*State) {
	for n := range t.Notes {
		all = append(all, &t.Notes[n].State)
	}
	return all
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

// NewTicket makes a ticket for an address, or without one for somebody who is
// asked for it.
func NewTicket(a netip.Addr, by Step) (Ticket, error) {
	if a.IsValid() {
		a = listing.Canonical(a)
	}
	t := Ticket{ID: NewID('T'), Address: a, State: Open, Opened: by.Time, Changed: by.Time}
	t.involve(by)
	return t.note(by, Open)
}

// Step is who does something to a ticket, when, and what he says to it.
type Step struct {
	Time   time.Time
	Actor  string
	Person bool // of ours; else a part of the program, which acts for the sender or by the rules
	Note   string
}

// involve remembers a person who files or decides.
func (t *Ticket) involve(by Step) {
	if by.Person && !slices.Contains(t.People, by.Actor) {
		t.People = append(t.People[:len(t.People):len(t.People)], by.Actor)
	}
}

// Judged notes what the rules decided and goes where it leads. A ticket that is
// under appeal waits for a person, whatever the rules say.
func (t Ticket) Judged(d Decision, by Step) (Ticket, error) {
	if t.Appeal {
		return t.note(by, "")
	}
	to := t.after(d.Code)
	next, err := t.note(by, "")
	if to != t.State {
		next, err = t.move(to, by)
	}
	if err != nil {
		return t, err
	}
	next.Decision = d.Code
	if d.Code != RateLimit {
		next.Told = &Told{by.Time.UTC(), d.Sentence, d.ChangesWhen}
	}
	if to == Denied {
		next.Denied = d.Code
	}
	next.involve(by)
	return next, nil
}

// after is the state that a decision leads to.
func (t Ticket) after(c Code) State {
	switch {
	case c == RateLimit && t.Decision != "": // what is not heard moves nothing
		return t.State
	case c == OKSupport:
		return Open
	case c == OKSelf || c == NoProof || c == Identity:
		return Asked
	case c == NotListed:
		return Closed
	case t.ForPerson:
		return Open
	}
	return Denied
}

// Wanted is Judged for a sender who wants a person to look at what the rules refuse.
// Where one of ours has denied it that is an appeal, for another; where two had it in
// hand, they have looked at it.
func (t Ticket) Wanted(d Decision, by Step) (Ticket, error) {
	t.ForPerson = t.ForPerson || d.Code.ForPerson() && len(t.People) == 0
	next, err := t.Judged(d, by)
	if err != nil || next.State != Denied || !d.Code.ForPerson() || len(t.People) != 1 {
		return next, err
	}
	by.Note = "the sender wants another person to look at it"
	return next.Contest(by)
}

// Ask asks the sender for something, which he can read where he follows the ticket.
func (t Ticket) Ask(by Step) (Ticket, error) {
	var moved Ticket
	var err error
	switch t.State {
	case Asked:
		moved, err = t.note(by, "")
	case Denied:
		return t, t.conflict(Asked, "what was denied can be appealed")
	default:
		moved, err = t.move(Asked, by)
		moved.Appeal = moved.Appeal && err != nil
	}
	if err == nil {
		moved.Told = &Told{Time: by.Time.UTC(), Text: moved.Notes[len(moved.Notes)-1].Text}
	}
	return moved, err
}

// Deny refuses a request for a code, or upholds a refusal that was appealed.
func (t Ticket) Deny(code Code, by Step) (Ticket, error) {
	if code.OK() || !slices.Contains(Codes(), code) {
		return t, &listing.Error{Kind: listing.ErrInvalid, Code: "bad-code", Message: fmt.Sprintf("%s is no reason to deny a request", listing.Quote(string(code))),
			Hint: listing.DidYouMean(string(code), Codes()) + "give one of the published codes, for example STILL_OFFENDING"}
	}
	if err := t.MayDecide(by); err != nil {
		return t, err
	}
	moved, err := t.move(Denied, by)
	if err == nil {
		moved.Decision, moved.Denied, moved.Appeal, moved.ForPerson, moved.Told = code, code, false, false, nil
		moved.involve(by)
	}
	return moved, err
}

// Grant notes that the listing was ended, and has the address watched.
func (t Ticket) Grant(because listing.DelistReason, by Step) (Ticket, error) {
	if !slices.Contains(listing.DelistReasons(), because) {
		return t, &listing.Error{Kind: listing.ErrInvalid, Code: "bad-because", Message: fmt.Sprintf("%s is no reason to delist", listing.Quote(string(because))),
			Hint: "for example fixed-verified, false-positive or our-error"}
	}
	if err := t.MayDecide(by); err != nil {
		return t, err
	}
	moved, err := t.move(Granted, by)
	if err == nil {
		moved.Because, moved.Appeal, moved.ForPerson, moved.Told, moved.WatchUntil = because, false, false, nil, by.Time.Add(Watch)
		moved.involve(by)
	}
	return moved, err
}

// Contest asks for another person's view of a refusal, or of what was asked for.
func (t Ticket) Contest(by Step) (Ticket, error) {
	if t.State != Denied && t.State != Asked {
		return t, t.conflict("an appeal", "what was denied can be appealed, and what the sender was asked for")
	}
	moved, err := t.move(Open, by)
	if err == nil {
		moved.Appeal = true
		moved.involve(by)
	}
	return moved, err
}

// Close ends a ticket; one whose address is watched when that is over.
func (t Ticket) Close(by Step) (Ticket, error) {
	if t.State == Granted && by.Time.Before(t.WatchUntil) {
		return t, t.conflict(Closed, fmt.Sprintf("the address is watched until %s; the ticket closes then", t.WatchUntil.UTC().Format("2006-01-02 15:04:05 UTC")))
	}
	moved, err := t.move(Closed, by)
	moved.Appeal = moved.Appeal && err != nil
	return moved, err
}

// Say adds a note.
func (t Ticket) Say(by Step) (Ticket, error) { return t.note(by, "") }

// MayDecide refuses to let an appeal be decided by a program, or by a person who
// filed the request or the appeal, or decided before.
func (t Ticket) MayDecide(by Step) error {
	switch {
	case !t.Appeal:
		return nil
	case !by.Person:
		return &listing.Error{Kind: listing.ErrPolicy, Code: "no-person", Message: fmt.Sprintf("ticket %s is an appeal, which a person decides", t.ID)}
	case slices.Contains(t.People, by.Actor):
		return &listing.Error{Kind: listing.ErrPolicy, Code: "same-person",
			Message: fmt.Sprintf("%s filed or decided ticket %s before and cannot decide the appeal", by.Actor, t.ID),
			Hint:    "another person has to look at it; so far it was in the hands of " + strings.Join(t.People, ", ")}
	}
	return nil
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
	if len(onward[t.State]) == 0 {
		return "open a new ticket for the address"
	}
	var ways []string
	for _, w := range onward[t.State] {
		ways = append(ways, string(w))
	}
	return "from here it goes to " + strings.Join(ways, ", ")
}

// conflict refuses a move.
func (t Ticket) conflict(to State, hint string) error {
	return &listing.Error{Kind: listing.ErrConflict, Code: "ticket-state",
		Message: fmt.Sprintf("ticket %s is %s and cannot become %s", t.ID, t.State, to), Hint: hint}
}

// mailbox is what looks like a mail address.
var mailbox = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[^\s<>"'(),;:]+@[^\s<>"'(),;:]+`) })

// Anonymous is a text without the mail addresses in it.
func Anonymous(text string) string { return mailbox().ReplaceAllString(text, "[mail address]") }

// note adds a line. Mail addresses in it are blanked, for tickets name nobody.
func (t Ticket) note(by Step, state State) (Ticket, error) {
	switch {
	case by.Actor == "" || by.Time.IsZero():
		return t, fmt.Errorf("ticket %s: a step without actor or time: %w", t.ID, listing.ErrInvalid)
	case len(t.Notes) >= maxNotes:
		return t, &listing.Error{Kind: listing.ErrPolicy, Code: "too-many-notes",
			Message: fmt.Sprintf("ticket %s has %d notes, which is all it takes", t.ID, maxNotes), Hint: "close it and open another for the address"}
	}
	text := listing.Shown(Anonymous(by.Note))
	text = strings.ToValidUTF8(text[:min(len(text), maxNote)], "")
	t.Notes = append(t.Notes[:len(t.Notes):len(t.Notes)], Note{Time: by.Time.UTC(), Actor: by.Actor, State: state, Text: text})
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
