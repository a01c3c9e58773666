package desk

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/removal"
)

// Kinds of records in People.
const (
	contactKind = "contact"
	answerKind  = "answer"
)

// keepAnswers is how long the same request gets the same answer.
const keepAnswers = keepRequests

// contacts are those with a mail address.
func (d *Desk) contacts(address string) ([]removal.Contact, error) {
	var found []removal.Contact
	for r, err := range d.cfg.People.Each(contactKind) {
		if err != nil {
			return nil, err
		}
		var c removal.Contact
		if err := json.Unmarshal(r.Value, &c); err != nil {
			return nil, fmt.Errorf("reading contact %s: %w", r.ID, err)
		}
		if c.Matches(address) {
			found = append(found, c)
		}
	}
	return found, nil
}

// keepContact writes a contact under its random ID.
func (d *Desk) keepContact(c removal.Contact) error {
	raw, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("keeping a contact: %w", err)
	}
	return d.cfg.People.Put(contactKind, c.ID, raw)
}

// contact is who asks, known or new; without a mail address it is nobody.
func (d *Desk) contact(r Request, now time.Time) (removal.Contact, error) {
	if r.From == "" {
		return removal.Contact{}, nil
	}
	known, err := d.contacts(r.From)
	if err != nil {
		return removal.Contact{}, err
	}
	c := removal.Contact{ID: removal.NewID('C'), Mail: r.From, Name: listing.Printable(r.Name), Received: now}
	if len(known) > 0 {
		c = known[0]
	}
	if c.Answered == nil {
		c.Answered = map[string]time.Time{}
	}
	return c, d.keepContact(c)
}

// Contact is who asked about what a ticket is for; nil: nobody left an address, or he
// was erased.
func (d *Desk) Contact(t removal.Ticket) (*removal.Contact, error) {
	if t.ContactID == "" {
		return nil, nil
	}
	c, err := d.contactByID(t.ContactID)
	if errors.Is(err, listing.ErrNotFound) {
		return nil, nil
	}
	return &c, err
}

// contactByID fails with listing.ErrNotFound for one that is not kept.
func (d *Desk) contactByID(id string) (c removal.Contact, err error) {
	raw, err := d.cfg.People.Get(contactKind, id)
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil {
		err = fmt.Errorf("reading contact %s: %w", id, err)
	}
	return c, err
}

// Export is all that is kept about a mail address, or the contact of a ticket.
func (d *Desk) Export(address string) (removal.Person, error) {
	p, _, err := d.person(address)
	return p, err
}

// Erase removes all that is kept about a mail address, and says what that was.
// Tickets and the audit do not name it, and stay.
func (d *Desk) Erase(address string) (removal.Person, error) {
	p, answers, err := d.person(address)
	if err != nil {
		return p, err
	}
	var contacts []string
	for _, c := range p.Contacts {
		contacts = append(contacts, c.ID)
	}
	if err := d.cfg.People.Delete(answerKind, answers...); err != nil {
		return p, err
	}
	if err := d.forgetMails(time.Time{}, contacts...); err != nil {
		return p, err
	}
	return p, d.cfg.People.Delete(contactKind, contacts...)
}

// person is all that is kept about a mail address, with the IDs of the answers.
func (d *Desk) person(address string) (removal.Person, []string, error) {
	p := removal.Person{Contacts: []removal.Contact{}, Answers: []removal.Answer{}}
	var contacts []removal.Contact
	c, err := d.contactByID(address)
	switch _, wrong := mail.ParseAddress(address); {
	case err == nil:
		contacts = append(contacts, c)
	case !errors.Is(err, listing.ErrNotFound):
		return p, nil, err
	case wrong != nil:
		return p, nil, &listing.Error{Kind: listing.ErrInvalid, Code: "not-a-mail-address",
			Message: listing.Quote(address) + " is not a mail address", Hint: "for example postmaster@sender.example"}
	default:
		if contacts, err = d.contacts(address); err != nil {
			return p, nil, err
		}
	}
	p.Contacts = append(p.Contacts, contacts...)
	var ids []string
	err = d.eachAnswer(func(id string, a answerKept) {
		if slices.ContainsFunc(contacts, func(c removal.Contact) bool { return c.ID == a.Contact }) {
			ids, p.Answers = append(ids, id), append(p.Answers, a.Answer)
		}
	})
	if err == nil {
		err = d.eachMail(func(_ string, o outgoing) {
			if o.Mail != "" && slices.ContainsFunc(contacts, func(c removal.Contact) bool { return c.ID == o.Contact }) {
				p.Waiting = append(p.Waiting, o.Mail)
			}
		})
	}
	return p, ids, err
}

// eachAnswer goes through the answers that are kept.
func (d *Desk) eachAnswer(f func(id string, a answerKept)) error {
	for r, err := range d.cfg.People.Each(answerKind) {
		if err != nil {
			return err
		}
		var a answerKept
		if err := json.Unmarshal(r.Value, &a); err != nil {
			return fmt.Errorf("reading answer %s: %w", r.ID, err)
		}
		f(r.ID, a)
	}
	return nil
}
