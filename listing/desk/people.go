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

// read reads a record of People, in JSON. One that is not there is no error.
func read[T any](p People, kind, id string) (v T, found bool, err error) {
	raw, err := p.Get(kind, id)
	if errors.Is(err, listing.ErrNotFound) {
		return v, false, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &v)
	}
	if err != nil {
		return v, false, fmt.Errorf("reading %s %s: %w", kind, id, err)
	}
	return v, true, nil
}

// write writes one.
func write(p People, kind, id string, v any) error {
	raw, err := json.Marshal(v)
	if err == nil {
		err = p.Put(kind, id, raw)
	}
	if err != nil {
		return fmt.Errorf("keeping %s %s: %w", kind, id, err)
	}
	return nil
}

// each goes through those of a kind.
func each[T any](p People, kind string, f func(id string, v T)) error {
	for r, err := range p.Each(kind) {
		var v T
		if err == nil {
			err = json.Unmarshal(r.Value, &v)
		}
		if err != nil {
			return fmt.Errorf("reading %s %s: %w", kind, r.ID, err)
		}
		f(r.ID, v)
	}
	return nil
}

// contacts are those with a mail address.
func (d *Desk) contacts(address string) (found []removal.Contact, err error) {
	err = each(d.cfg.People, contactKind, func(_ string, c removal.Contact) {
		if c.Matches(address) {
			found = append(found, c)
		}
	})
	return found, err
}

// keepContact writes a contact under its random ID.
func (d *Desk) keepContact(c removal.Contact) error {
	return write(d.cfg.People, contactKind, c.ID, c)
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
	c := removal.Contact{ID: removal.NewID('C'), Mail: r.From, Received: now}
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
	c, found, err := read[removal.Contact](d.cfg.People, contactKind, t.ContactID)
	if !found {
		return nil, err
	}
	return &c, nil
}

// Export is all that is kept about a mail address, or the contact of a ticket.
func (d *Desk) Export(address string) (removal.Person, error) {
	p, _, err := d.person(address)
	return p, err
}

// Erase removes all that is kept about a mail address, and says what that was.
// Tickets and the audit do not name it, and stay.
func (d *Desk) Erase(address string) (removal.Person, error) {
	d.people.Lock()
	defer d.people.Unlock()
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
	c, found, err := read[removal.Contact](d.cfg.People, contactKind, address)
	switch _, wrong := mail.ParseAddress(address); {
	case found:
		contacts = append(contacts, c)
	case err != nil:
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
	err = each(d.cfg.People, answerKind, func(id string, a answerKept) {
		if slices.ContainsFunc(contacts, func(c removal.Contact) bool { return c.ID == a.Contact }) {
			ids, p.Answers = append(ids, id), append(p.Answers, a.Answer)
		}
	})
	if err == nil {
		err = each(d.cfg.People, mailKind, func(_ string, o outgoing) {
			if o.Mail != "" && slices.ContainsFunc(contacts, func(c removal.Contact) bool { return c.ID == o.Contact }) {
				p.Waiting = append(p.Waiting, o.Mail)
			}
		})
	}
	return p, ids, err
}
