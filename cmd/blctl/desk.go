package main

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"strings"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/removal"
)

// address is the first argument as one address.
func (in *input) address() netip.Addr { return in.host(in.prefix()) }

// host is a subject as one address.
func (in *input) host(s listing.Subject) netip.Addr {
	if s.IsValid() && !s.IsHost() {
		in.fail(invalid("not-an-address", s.String()+" is a prefix, and a request is about one address", "for example "+s.Addr().String()))
	}
	return s.Addr()
}

// eligibility asks for the decisions that requests would get now. Its exit status is
// the decision, for scripts that delist themselves; of several that differ it is 6.
func (p *program) eligibility(ctx context.Context, in *input) error {
	first, more := in.subjects()
	addresses := []netip.Addr{in.host(first)}
	for _, s := range more {
		addresses = append(addresses, in.host(s))
	}
	if in.err != nil {
		return in.err
	}
	var decided error
	for n, a := range addresses {
		err := p.eligible(ctx, a)
		if _, answer := errors.AsType[answered](err); err != nil && !answer {
			return err
		}
		if n > 0 && exitStatus(err) != exitStatus(decided) {
			err = answered(exitPartly)
		}
		if decided == nil || err == answered(exitPartly) {
			decided = err
		}
	}
	return decided
}

// eligible prints one decision, and ends with its status.
func (p *program) eligible(ctx context.Context, a netip.Addr) error {
	e, err := p.client.Eligibility(ctx, a)
	if err != nil {
		return err
	}
	h := p.human
	colour := red
	if e.Code.OK() {
		colour = green
	}
	h.printf("%s %s\n  %s\n", h.paint(bold, a.String()), h.paint(colour, string(e.Code)), clean(e.Sentence))
	if e.ChangesWhen != "" {
		h.printf("  %s\n", clean(e.ChangesWhen))
	}
	if e.RetryAfter != nil {
		h.printf("  ask again after %s (%s)\n", stamp(*e.RetryAfter), relative(*e.RetryAfter, p.now()))
	}
	if err := p.conclude("eligibility", e, nil); err != nil {
		return err
	}
	switch {
	case e.Code.OK():
		return nil
	case e.Code == removal.NotListed:
		return answered(exitNotFound)
	}
	return answered(exitPolicy)
}

// letter prints a letter and nothing else, for it goes into a mail as it is.
func (p *program) letter(ctx context.Context, in *input) error {
	verify := in.IsSet("verify")
	if verify == in.Args().Present() {
		return usageError("letter takes an IP, or --verify REFERENCE")
	}
	if verify {
		return p.verifyLetter(ctx, in.String("verify"))
	}
	a := in.address()
	if in.err != nil {
		return in.err
	}
	l, err := p.client.Letter(ctx, ctl.LetterQuery{Address: a, Ticket: in.String("ticket"), Language: in.String("language"), Long: in.Bool("long")})
	if err != nil {
		return err
	}
	p.human.printf("%s", l.Letter)
	return p.conclude("letter", l, nil)
}

// verifyLetter says whether a reference at the end of a letter is ours: people show
// letters that they wrote themselves.
func (p *program) verifyLetter(ctx context.Context, text string) error {
	r, err := p.client.Reference(ctx, text)
	if err != nil {
		return err
	}
	decided := string(r.Code)
	if decided == "" {
		decided = "nothing"
	}
	p.human.printf("a letter of ours about %s, of %s; it decided %s\n", r.Address, stamp(r.Time), decided)
	return p.conclude("letter verify", r, nil)
}

// showPerson prints for support who somebody is, what he asked about and what he was
// answered.
func (p *program) showPerson(ctx context.Context, in *input) error {
	person, err := p.person(ctx, in)
	if err != nil {
		return err
	}
	h := p.human
	for _, c := range person.Contacts {
		h.printf("%s\n", h.paint(bold, whoIs(c)))
		h.printf("  contact %s, since %s\n", clean(c.ID), stamp(c.Received))
		for _, id := range c.Tickets {
			done, err := p.client.Ticket(ctx, id)
			if errors.Is(err, listing.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			h.printf("  ticket %s  %s  %s\n", clean(id), addressOf(done.Ticket), p.ticketState(done.Ticket))
		}
	}
	for _, a := range person.Answers {
		how := "answered"
		switch {
		case a.Mailed:
			how = "answered by mail"
		case a.NotMailed != "":
			how = "answered on the page only, " + clean(a.NotMailed)
		case a.NoAnswer != "":
			how = "not answered, " + clean(a.NoAnswer)
		}
		h.printf("  %s: %s\n", clean(cmp.Or(a.Subject, string(a.Decision.Code))), how)
	}
	if n := len(person.Waiting); n > 0 {
		h.printf("  %s to be handed over\n", plural(n, "mail waits", "mails wait"))
	}
	return p.conclude("person show", person, nil)
}

// whoIs names a contact.
func whoIs(c removal.Contact) string { return clean(strings.TrimSpace(c.Mail + " " + c.Name)) }

// person is what is kept about the first argument. That it is nothing is a failure.
func (p *program) person(ctx context.Context, in *input) (removal.Person, error) {
	mail := in.Args().First()
	person, err := p.client.ExportPerson(ctx, ctl.Person{Mail: mail})
	if err == nil && len(person.Contacts)+len(person.Answers) == 0 {
		err = &listing.Error{Kind: listing.ErrNotFound, Code: "no-person", Message: "nothing is kept about " + listing.Quote(mail),
			Hint: "it may stand in another system, such as that of the tickets"}
	}
	return person, err
}

// exportPerson prints what is kept about somebody, for him (GDPR, article 15).
func (p *program) exportPerson(ctx context.Context, in *input) error {
	person, err := p.person(ctx, in)
	if err != nil {
		return err
	}
	return p.writeObject(head{Schema: schema, OK: true, Action: "person export"}, person) // JSON in any case: it is for somebody else
}

// erasePerson erases it. That nothing was kept is no failure: it says the same.
func (p *program) erasePerson(ctx context.Context, in *input) error {
	person, err := p.client.ErasePerson(ctx, ctl.Person{Mail: in.Args().First()})
	if err != nil {
		return err
	}
	contacts, letters := len(person.Contacts), len(person.Answers)
	p.human.printf("erased: %s, %s\n", plural(contacts, "contact", "contacts"), plural(letters, "letter", "letters"))
	return p.conclude("person erase", struct {
		Changed  bool `json:"changed"`
		Contacts int  `json:"contacts"`
		Letters  int  `json:"letters"`
	}{contacts+letters > 0, contacts, letters}, nil)
}

// joinedTexts are texts in one line, for a terminal. They may be of strangers.
func joinedTexts(texts []string) string { return clean(strings.Join(texts, ", ")) }
