package desk

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/removal"
)

// The desk sends one mail for a request to the address that was left on the page.
// Nobody has shown whose address that is, so the desk writes to it alone, not often,
// and says no word that a stranger chose. Mails wait in People, and so are
// kept over a restart, and erased with the person.

// mailKind is the kind of a mail in People; its ID is that of the request.
const mailKind = "mail"

// Limits of mails in a day.
const (
	mailDay       = 24 * time.Hour
	mailsToOne    = 3   // to one mailbox, whatever it is about
	mailsByOne    = 10  // for one client
	mailsInAll    = 500 //
	handOverTime  = 30 * time.Second
	handOverTries = 3 // as scripts/delist-request has
)

// pauses are those after the first failure and after the next.
var pauses = [handOverTries]time.Duration{time.Minute, 10 * time.Minute}

// outgoing is a mail that waits, or one of the last day without its text.
type outgoing struct {
	Contact string    `json:"contact"`
	Ticket  string    `json:"ticket"`
	From    []string  `json:"from"` // for whom: pseudonyms of the mailbox, and of the client
	Queued  time.Time `json:"queued"`
	Due     time.Time `json:"due"`
	Tries   int       `json:"tries,omitempty"` // begun
	Mail    string    `json:"mail,omitempty"`  // header and text; empty: it is done with
}

// post is the state of sending.
type post struct {
	wake chan struct{} // something waits

	mu    sync.Mutex // held while a mail is looked at and written back, so that what is erased stays so
	count removal.Post
}

// mail has the answer to a request mailed to who left his address, where that may be
// done, and notes in the answer what became of it.
func (d *Desk) mail(c *pending, done *removal.Answer) error {
	d.post.mu.Lock()
	defer d.post.mu.Unlock()
	from := []string{d.cfg.Signer.Pseudonym("mailbox " + removal.Mailbox(c.From))}
	if c.Client.IsValid() {
		from = append(from, d.clientName(c.Client))
	}
	var err error
	if done.NotMailed, err = d.mayMail(c.From, from, c.now); err != nil || done.NotMailed != "" {
		return err
	}
	text, err := d.notice(c, *done)
	if err != nil {
		return err
	}
	done.Mailed = true
	return d.putMail(c.id, outgoing{Contact: c.contact.ID, Ticket: c.ticket.ID, From: from, Queued: c.now, Due: c.now, Mail: text})
}

// mayMail says why no mail is sent to an address now; empty: one may be.
func (d *Desk) mayMail(to string, from []string, now time.Time) (why string, err error) {
	s := d.cfg.Settings()
	switch {
	case s.MailOff != "" || d.cfg.Send == nil:
		return "no mail is sent from here", nil
	case !removal.Elsewhere(to) || removal.Mailbox(to) == removal.Mailbox(s.Mail) || strings.EqualFold(domainOf(to), s.Probe):
		return "a program does not write to that mail address", nil
	}
	var all int
	by := map[string]int{}
	err = each(d.cfg.People, mailKind, func(_ string, o outgoing) {
		if now.Sub(o.Queued) >= mailDay {
			return
		}
		all++
		for _, who := range o.From {
			by[who]++
		}
	})
	if all >= mailsInAll || by[from[0]] >= mailsToOne || len(from) > 1 && by[from[1]] >= mailsByOne {
		return "several mails were sent already within a day", err
	}
	return "", err
}

func domainOf(mail string) string { return mail[strings.LastIndexByte(mail, '@')+1:] }

// notice is the mail about a request, header and text.
func (d *Desk) notice(c *pending, done removal.Answer) (string, error) {
	s, f := d.cfg.Settings(), d.letterFacts(c)
	n := delist.Notice{Zone: f.Zone, Desk: f.Desk, Page: f.Page, Follow: d.Follow(c.ticket.ID), Ticket: f.Ticket, Reference: f.Reference, Address: f.Address,
		Decision: f.Decision, Outcome: f.Outcome, Still: len(f.Still) > 0, EffectiveBy: f.EffectiveBy, Language: f.Language}
	if c.decision.Code == removal.NoProof {
		n.Probe = f.Probe
	}
	n.Waits, n.ReadBy = f.Outcome == removal.Stands && done.State == removal.Open, done.ReadBy
	text, err := s.Letters.Notice(n)
	return removal.Reply{Answer: removal.Answer{Desk: s.Mail, Subject: n.Subject(), Zone: done.Zone, Letter: text}, To: c.From}.Message(), err
}

// Deliver hands over the mails that are due, and says when the next is; the zero time:
// none waits. One that fails for the third time is left to a person, in its ticket.
func (d *Desk) Deliver(ctx context.Context, actor string, log *slog.Logger) (next time.Time, err error) {
	sooner := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	type dueMail struct {
		id     string
		queued time.Time
	}
	var due []dueMail
	err = each(d.cfg.People, mailKind, func(id string, o outgoing) {
		switch {
		case o.Mail == "":
		case o.Due.After(d.now()):
			sooner(o.Due)
		default:
			due = append(due, dueMail{id, o.Queued})
		}
	})
	slices.SortFunc(due, func(x, y dueMail) int { return x.queued.Compare(y.queued) })
	for _, m := range due {
		again, failed := d.try(ctx, m.id, actor, log)
		if failed != nil {
			return next, failed
		}
		sooner(again)
	}
	return next, err
}

// try hands over one mail, and says when to try again: the zero time, never.
func (d *Desk) try(ctx context.Context, id, actor string, log *slog.Logger) (again time.Time, err error) {
	o, found, err := d.begin(id)
	if err != nil || !found {
		return again, err
	}
	failed := errors.New("it is not known how the last try went")
	if o.Tries <= handOverTries {
		failed = d.hand(ctx, o.Mail)
	}
	if ctx.Err() != nil { // the desk ends: the mail is tried again after a restart
		return again, ctx.Err()
	}
	if again, err = d.handed(id, failed); err != nil {
		return again, err
	}
	switch {
	case failed == nil:
	case again.IsZero():
		log.Error("an answer could not be mailed: a person has to write", "ticket", o.Ticket, "tries", handOverTries, "err", failed)
		err = d.noteUnsent(ctx, actor, o.Ticket)
	default:
		log.Warn("an answer could not be mailed yet", "ticket", o.Ticket, "again", again, "err", failed)
	}
	return again, err
}

// hand hands a mail to the program. Its words may name the recipient, and are for the
// log: mail addresses are blanked.
func (d *Desk) hand(ctx context.Context, mail string) error {
	ctx, cancel := context.WithTimeout(ctx, handOverTime)
	defer cancel()
	program := d.cfg.Settings().Sendmail
	if program == "" {
		return errors.New("there is no sendmail any more")
	}
	if err := d.cfg.Send(ctx, program, []byte(mail)); err != nil {
		return errors.New(removal.Anonymous(err.Error()))
	}
	return nil
}

// begin writes a try down before it is made: where that fails, nothing is sent, so that
// no mail is sent without end. It is not found if it was erased meanwhile.
func (d *Desk) begin(id string) (o outgoing, found bool, err error) {
	d.post.mu.Lock()
	defer d.post.mu.Unlock()
	if o, found, err = d.waiting(id); err != nil || !found {
		return o, false, err
	}
	o.Due = d.now().Add(pauses[min(o.Tries, len(pauses)-1)])
	o.Tries++
	return o, true, d.putMail(id, o)
}

// handed writes down how handing over a mail went, and says when to try again: the
// zero time, never. One that was erased meanwhile stays so.
func (d *Desk) handed(id string, failed error) (again time.Time, err error) {
	d.post.mu.Lock()
	defer d.post.mu.Unlock()
	d.post.count.Error = ""
	if failed == nil {
		d.post.count.Sent++
	} else {
		d.post.count.Failed++
		d.post.count.Error = failed.Error()
	}
	o, found, err := d.waiting(id)
	if err != nil || !found {
		return again, err
	}
	if failed != nil && o.Tries < handOverTries {
		return o.Due, nil
	}
	if failed != nil {
		d.post.count.GivenUp++
	}
	o.Mail = ""
	return again, d.putMail(id, o)
}

// waiting reads a mail that is not done with.
func (d *Desk) waiting(id string) (o outgoing, found bool, err error) {
	o, found, err = read[outgoing](d.cfg.People, mailKind, id)
	return o, found && o.Mail != "", err
}

// noteUnsent says in a ticket that a person has to write.
func (d *Desk) noteUnsent(ctx context.Context, actor, ticket string) error {
	_, _, err := d.Take(ctx, ticket, removal.Action{By: listing.Caller{Name: actor, Role: listing.Daemon}, Verb: removal.VerbNote,
		Note: "the answer could not be mailed to the sender, after three tries: a person has to write"})
	if errors.Is(err, listing.ErrNotFound) || errors.Is(err, listing.ErrPolicy) || errors.Is(err, listing.ErrConflict) {
		return nil // there is nowhere to note it
	}
	return err
}

// putMail keeps a mail, and has it looked at.
func (d *Desk) putMail(id string, o outgoing) error {
	if err := write(d.cfg.People, mailKind, id, o); err != nil {
		return err
	}
	select {
	case d.post.wake <- struct{}{}:
	default: // it is awake
	}
	return nil
}

// Post is how the mails fare; nil: none are sent from here.
func (d *Desk) Post() (*removal.Post, error) {
	s := d.cfg.Settings()
	if s.MailOff != "" || d.cfg.Send == nil {
		return nil, nil
	}
	d.post.mu.Lock()
	p := d.post.count
	d.post.mu.Unlock()
	p.Program = s.Sendmail
	err := each(d.cfg.People, mailKind, func(_ string, o outgoing) {
		if o.Mail != "" {
			p.Waiting++
		}
	})
	return &p, err
}

// forgetMails deletes mails that no limit looks at any more, and with contacts those
// to them.
func (d *Desk) forgetMails(old time.Time, contacts ...string) error {
	d.post.mu.Lock()
	defer d.post.mu.Unlock()
	var ids []string
	err := each(d.cfg.People, mailKind, func(id string, o outgoing) {
		if o.Mail == "" && o.Queued.Before(old) || slices.Contains(contacts, o.Contact) {
			ids = append(ids, id)
		}
	})
	if err != nil {
		return err
	}
	return d.cfg.People.Delete(mailKind, ids...)
}

// deliver hands mails over until ctx is done.
func (d *Desk) deliver(ctx context.Context, actor string, log *slog.Logger) {
	for {
		next, err := d.Deliver(ctx, actor, log)
		if err != nil && ctx.Err() == nil {
			log.Error("mailing answers", "err", err)
		}
		wait := tendEvery
		if !next.IsZero() && err == nil {
			wait = min(wait, max(time.Second, next.Sub(d.now())))
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-d.post.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}
