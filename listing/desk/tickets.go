package desk

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/removal"
)

// readTicket reads a ticket and the revision that wrote it last.
func readTicket(snap listing.Snapshot, id string) (removal.Ticket, listing.Revision, error) {
	var t removal.Ticket
	doc, err := snap.Document(removal.TicketKind, id)
	if err == nil {
		err = decode(doc, &t)
	}
	return t, doc.Revision, err
}

// Open makes a ticket for an address, or adds to the one that is open.
func (d *Desk) Open(ctx context.Context, by listing.Caller, a netip.Addr, reference, note string) (t removal.Ticket, opened bool, err error) {
	a = listing.Canonical(a)
	_, err = d.edit(ctx, by.Name, a.String(), func(ed *addressEdit) (err error) {
		step := stepBy(by, ed.now, note)
		if t, opened = ed.current("", true); opened {
			opened = false
			if note != "" {
				t, err = t.Say(step)
			}
		} else if t, err = removal.NewTicket(a, step); err == nil {
			opened = true
			ed.open(t)
		}
		if err == nil {
			t, err = refer(t, reference)
		}
		if err == nil && (opened || note != "" || reference != "") {
			ed.put(t)
		}
		return err
	})
	return t, opened, err
}

// Ticket finds a ticket by its ID or by a reference in another system; of
// several with that reference, the newest.
func (d *Desk) Ticket(ctx context.Context, name string) (t removal.Ticket, err error) {
	err = d.cfg.Book.Store().View(ctx, func(snap listing.Snapshot) error {
		t, _, err = readTicket(snap, name)
		if !errors.Is(err, listing.ErrNotFound) {
			return err
		}
		t, err = byReference(snap, name)
		return err
	})
	return t, err
}

// byReference finds the newest ticket with a reference in another system.
func byReference(snap listing.Snapshot, name string) (found removal.Ticket, err error) {
	for t, err := range documents[removal.Ticket](snap, removal.TicketKind) {
		if err != nil {
			return found, err
		}
		if slices.Contains(t.References, name) && t.Opened.After(found.Opened) {
			found = t
		}
	}
	if found.ID == "" {
		err = &listing.Error{Kind: listing.ErrNotFound, Code: "no-ticket", Message: "there is no ticket " + listing.Quote(name), Hint: "`blctl ticket list --all` names them"}
	}
	return found, err
}

// Tickets lists tickets: those that wait for us, the longest waiting first, then the
// others.
func (d *Desk) Tickets(ctx context.Context, q removal.Query) ([]removal.Ticket, error) {
	found := []removal.Ticket{}
	err := d.cfg.Book.Store().View(ctx, func(snap listing.Snapshot) error {
		for t, err := range documents[removal.Ticket](snap, removal.TicketKind) {
			if err != nil {
				return err
			}
			if q.Matches(t) {
				found = append(found, t)
			}
		}
		return nil
	})
	slices.SortStableFunc(found, func(x, y removal.Ticket) int { // what waits for us comes first
		return cmp.Or(waiting(x)-waiting(y), x.Opened.Compare(y.Opened))
	})
	return found, err
}

// waiting is 0 for a ticket that waits for us, 1 for others.
func waiting(t removal.Ticket) int {
	if t.State == removal.Open {
		return 0
	}
	return 1
}

// Take does something to a ticket. Granting a request also ends the listing.
func (d *Desk) Take(ctx context.Context, name string, s removal.Action) (t removal.Ticket, revision listing.Revision, err error) {
	if t, err = d.Ticket(ctx, name); err != nil {
		return t, 0, err
	}
	if s.Verb == removal.VerbGrant {
		return d.grant(ctx, t, s)
	}
	id := t.ID
	_, err = d.edit(ctx, s.By.Name, fileKey(t), func(ed *addressEdit) (err error) {
		t, err = ed.take(id, s)
		return err
	})
	return t, 0, err
}

// take does something to a ticket of the file.
func (ed *addressEdit) take(id string, s removal.Action) (removal.Ticket, error) {
	n := slices.IndexFunc(ed.tickets, func(x ticketEdit) bool { return x.ID == id })
	if n < 0 {
		return removal.Ticket{}, &listing.Error{Kind: listing.ErrConflict, Code: "old-ticket", Message: "ticket " + id + " is too old to be changed", Hint: "open another for the address"}
	}
	t, err := take(s, ed.tickets[n].Ticket, ed.now)
	if err == nil {
		t, err = refer(t, s.Reference)
	}
	if err == nil {
		ed.put(t)
	}
	return t, err
}

// take is the ticket after a step.
func take(s removal.Action, t removal.Ticket, now time.Time) (removal.Ticket, error) {
	by := stepBy(s.By, now, s.Note)
	switch s.Verb {
	case removal.VerbNote:
		return t.Say(by)
	case removal.VerbDeny:
		return t.Deny(s.Code, by)
	case removal.VerbAsk:
		return t.Ask(by)
	case removal.VerbAppeal:
		return t.Contest(by)
	case removal.VerbClose:
		return t.Close(by)
	case removal.VerbGrant:
		return t.Grant(s.Because, by)
	}
	return t, &listing.Error{Kind: listing.ErrInvalid, Code: "bad-verb", Message: listing.Quote(string(s.Verb)) + " is nothing that can be done to a ticket",
		Hint: "there are note, ask, grant, deny, appeal and close"}
}

// stepBy is a step of a caller. Parts of the program are no persons.
func stepBy(who listing.Caller, now time.Time, note string) removal.Step {
	return removal.Step{Time: now, Actor: who.Name, Person: who.Role != listing.Daemon, Note: note}
}

// grant ends the listing that a ticket is about and settles the ticket, in one
// request.
func (d *Desk) grant(ctx context.Context, t removal.Ticket, s removal.Action) (removal.Ticket, listing.Revision, error) {
	if !t.Address.IsValid() {
		return t, 0, &listing.Error{Kind: listing.ErrConflict, Code: "no-address", Message: "ticket " + t.ID + " has no address yet", Hint: "open a ticket for the address"}
	}
	id := t.ID
	c := listing.Delist{Subject: listing.HostSubject(t.Address), Because: s.Because, Ticket: id}
	if c.Because == "" {
		c.Because = listing.FixedClaimed
		if t.Appeal {
			c.Because = listing.AppealUpheld
		}
	}
	rule, err := d.mayGrant(ctx, t, s, c)
	if err != nil {
		return t, 0, err
	}
	s.Because = c.Because
	state := t.State
	res, err := d.cfg.Book.Grant(ctx, s.By, c, func(snap listing.Snapshot) ([]listing.Edit, error) {
		ed, err := d.read(snap, fileKey(t), "")
		if err != nil {
			return nil, err
		}
		if n := slices.IndexFunc(ed.tickets, func(x ticketEdit) bool { return x.ID == id }); n >= 0 && ed.tickets[n].State != state {
			return nil, &listing.Error{Kind: listing.ErrConflict, Code: "revision", Message: "ticket " + id + " has changed meanwhile", Hint: "look at it again and repeat"}
		}
		if t, err = ed.take(id, s); err == nil {
			err = rule(snap)
		}
		if err != nil {
			return nil, err
		}
		return ed.edits(fileKey(t))
	})
	return t, res.Revision, err
}

// mayGrant says who may grant a request, and by which rule on the snapshot that the
// end is planned on. Support grants by the rules. An appeal is decided by another
// person, by the rules too unless he overrides them and says why.
func (d *Desk) mayGrant(ctx context.Context, t removal.Ticket, s removal.Action, c listing.Delist) (func(listing.Snapshot) error, error) {
	free := func(listing.Snapshot) error { return nil }
	if err := t.MayDecide(stepBy(s.By, d.now(), "")); err != nil {
		return nil, err
	}
	switch {
	case s.Override && !t.Appeal:
		return nil, &listing.Error{Kind: listing.ErrPolicy, Code: "no-appeal", Message: "ticket " + t.ID + " is no appeal, and only appeals are decided against the rules",
			Hint: "the ticket can be appealed first; another person then decides"}
	case s.Override && s.Note == "":
		return nil, &listing.Error{Kind: listing.ErrInvalid, Code: "no-note", Message: "an appeal is decided against the rules with a note only", Hint: "say in the note why"}
	case s.Override, !t.Appeal && s.By.Role != listing.Support:
		return free, nil
	case !t.Appeal && s.Because == listing.AppealUpheld:
		return nil, d.cfg.Book.Rules().Roles.Require(s.By, listing.Operator, "delisting because "+string(s.Because))
	}
	return d.MayEnd(ctx, c)
}

// Tend does what time alone makes due: it closes tickets whose address has been
// watched for long enough, or is listed no more, and forgets old answers.
func (d *Desk) Tend(ctx context.Context, actor string) error {
	now := d.now()
	open, err := d.Tickets(ctx, removal.Query{})
	if err != nil {
		return err
	}
	for _, t := range open {
		why, due, err := d.due(ctx, t, now)
		if err != nil {
			return err
		}
		if !due {
			continue
		}
		_, _, err = d.Take(ctx, t.ID, removal.Action{By: listing.Caller{Name: actor, Role: listing.Daemon}, Verb: removal.VerbClose, Note: why})
		if err != nil && !errors.Is(err, listing.ErrConflict) { // somebody was at it meanwhile
			return err
		}
	}
	var old []string
	if err := each(d.cfg.People, answerKind, func(id string, a answerKept) {
		if now.Sub(a.Time) >= keepAnswers {
			old = append(old, id)
		}
	}); err != nil {
		return err
	}
	return errors.Join(d.cfg.People.Delete(answerKind, old...), d.forgetMails(now.Add(-mailDay)))
}

// settle is how long a ticket stays open after it was touched, though the
// listing has ended: the sender may still answer.
const settle = 24 * time.Hour

// due reports whether a ticket is to be closed, and says why.
func (d *Desk) due(ctx context.Context, t removal.Ticket, now time.Time) (why string, due bool, err error) {
	switch {
	case t.Appeal: // a person is at it
		return "", false, nil
	case !t.Address.IsValid():
		return "nobody said which address it is about", now.Sub(t.Changed) >= patience, nil
	case t.State == removal.Granted:
		if now.Before(t.WatchUntil) {
			return "", false, nil
		}
	default:
		if now.Sub(t.Notes[len(t.Notes)-1].Time) < settle {
			return "", false, nil
		}
	}
	var listed bool
	err = d.cfg.Book.Store().View(ctx, func(snap listing.Snapshot) error {
		held, err := d.held(snap, t.Address)
		listed = len(listing.Answered(held)) > 0
		return err
	})
	switch {
	case err != nil:
		return "", false, err
	case t.State == removal.Granted && listed:
		return "the address was listed again while it was watched", true, nil
	case t.State == removal.Granted:
		return "the address was not listed again", true, nil
	}
	return "the address is listed no more", !listed, nil
}
