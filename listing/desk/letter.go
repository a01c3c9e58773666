package desk

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/language"
	"dnsbld/listing/removal"
	"dnsbld/listing/sighting"
)

// LetterWish is how a letter is to be.
type LetterWish struct {
	Ticket   string // ours, or a reference in another system; empty: none is named
	Language string // its tag; empty: English
	Long     bool
}

// Letter writes the letter about an address as it stands, and changes nothing.
// It fails with the code no-evidence when it would uphold a listing without
// naming what was seen.
func (d *Desk) Letter(ctx context.Context, by listing.Caller, a netip.Addr, wish LetterWish) (removal.Letter, error) {
	in, err := d.languageOf(wish.Language)
	if err != nil {
		return removal.Letter{}, err
	}
	about, err := d.About(ctx, a)
	if err != nil {
		return removal.Letter{}, err
	}
	about.askedBy(d.requesters(Request{By: by}), time.Time{})
	about.Facts.Offered, about.Facts.Language = d.inquire(ctx, &about, "", delist.Proof{}), in
	c := &pending{now: d.now(), about: about}
	c.decision, c.shown, c.unshown = d.judged(about, c.now)
	if wish.Ticket != "" {
		if c.ticket, err = d.Ticket(ctx, wish.Ticket); err != nil {
			return removal.Letter{}, err
		}
		if c.ticket.Address != about.Facts.Address {
			return removal.Letter{}, &listing.Error{Kind: listing.ErrInvalid, Code: "other-address",
				Message: fmt.Sprintf("ticket %s is about %s, not %s", c.ticket.ID, c.ticket.Address, about.Facts.Address), Hint: "leave --ticket out, or name another"}
		}
	}
	f := d.letterFacts(c)
	f.Long = wish.Long
	text, err := d.cfg.Settings().Letters.Render(f)
	return removal.Letter{Address: f.Address, Decision: f.Decision, Subject: delist.Subject(f), Reference: f.Reference, Ticket: f.Ticket, Letter: text}, err
}

// Verify recognises the reference of a letter of ours.
func (d *Desk) Verify(reference string) (removal.Reference, error) {
	return d.cfg.Signer.ReadReference(reference)
}

// letterFacts are what the letter about a request says.
func (d *Desk) letterFacts(c *pending) delist.LetterFacts {
	s, a := d.cfg.Settings(), c.about.Facts.Address
	f := delist.LetterFacts{Zone: s.zone(), Page: s.page(a), Desk: s.Mail, Address: a, Now: c.now, Decision: c.decision,
		EffectiveBy: s.effectiveBy(c.now), Traffic: traffic(c.about.Counted, c.now), Last: c.about.Last, Finding: c.finding, Ticket: c.ticket.ID,
		References: c.ticket.References, Recipes: s.recipes(), Language: c.about.Facts.Language}
	switch {
	case c.because == listing.OurError:
		f.Outcome, f.Entries = removal.Withdrawn, c.ends
	case c.because != "":
		f.Outcome, f.Entries = removal.Removed, c.ends
	case len(c.shown) > 0:
		f.Entries = c.shown
	default:
		f.Entries = c.unshown
	}
	f.Still = c.still
	if c.finding != nil && len(f.References) == 0 {
		f.References = c.finding.References
	}
	if f.Outcome == removal.Stands && len(f.Entries) > 0 {
		f.Probe, f.Text = d.tokens(c.about)
	}
	f.Reference = d.cfg.Signer.Reference(removal.Reference{Address: a, Time: c.now, Code: c.decision.Code})
	return f
}

// traffic is what letters say of counters. They are of whole days, and the last
// of these is not over.
func traffic(f sighting.Facts, now time.Time) delist.Traffic {
	t := delist.Traffic{Sessions: f.Sessions, Clean: f.Clean, Bogus: f.Bogus, Account: f.Account()}
	if len(f.Days) > 0 {
		t.From, t.To = f.Days[0].Day, now
	}
	for _, h := range f.HELOs {
		t.HELOs = append(t.HELOs, delist.HELOCount{HELO: h.HELO, Sessions: h.Count, Bogus: h.Bogus})
	}
	return t
}

// finish writes the letter and says what was done.
func (d *Desk) finish(c *pending) (removal.Answer, error) {
	f := d.letterFacts(c)
	done := removal.Answer{Address: f.Address, Decision: f.Decision, Ticket: c.ticket.ID, State: c.ticket.State, Follow: d.Follow(c.ticket.ID), Outcome: f.Outcome, Revision: c.revision, Subject: delist.Subject(f),
		Zone: f.Zone, Desk: f.Desk, Proof: c.Offered.Kind}
	if f.Outcome != removal.Stands {
		done.EffectiveBy, done.Cause = f.EffectiveBy, f.Cause()
	}
	if by := c.ticket.Progress().ReadBy; by.After(c.now) {
		done.ReadBy = by
	}
	text, err := d.cfg.Settings().Letters.Render(f)
	if refused, ok := errors.AsType[*listing.Error](err); ok && errors.Is(err, listing.ErrPolicy) {
		done.NoLetter, err = refused, nil
	}
	done.Letter = text
	return done, err
}

// keep keeps what is answered, and notes that the correspondent was.
func (d *Desk) keep(done removal.Answer, c *pending) (removal.Answer, error) {
	if c.finding != nil {
		done.NoAnswer = c.finding.Automatic
	}
	if c.contact.ID != "" {
		if err := d.answerContact(&done, c); err != nil {
			return done, err
		}
	}
	kept := answerKept{Answer: done, Cause: done.Cause, Contact: c.contact.ID, Time: c.now, Content: c.content()}
	if done.NoLetter != nil {
		kept.Refused = &refusedLetter{done.NoLetter.Code, done.NoLetter.Message, done.NoLetter.Hint}
	}
	done.Kept = d.cfg.Signer.Result(c.id)
	return done, write(d.cfg.People, answerKind, c.id, kept)
}

// answerContact notes what somebody who left an address is answered. On the page the
// desk itself writes to him; else whoever hands the request in does, as programs may.
func (d *Desk) answerContact(done *removal.Answer, c *pending) error {
	if !c.Mail {
		done.NoAnswer = noteAnswer(&c.contact, *done, c.now)
		return d.keepContact(c.contact)
	}
	c.contact.Follow(done.Ticket)
	if err := d.keepContact(c.contact); err != nil {
		return err
	}
	return d.mail(c, done)
}

// noteAnswer notes in a contact what he is answered, and says why no program may
// answer him.
func noteAnswer(c *removal.Contact, done removal.Answer, now time.Time) (noAnswer string) {
	c.Follow(done.Ticket)
	switch {
	case done.NoAnswer != "" || done.Letter == "":
		return done.NoAnswer
	case !c.MayAnswer(done.Ticket, now):
		return "the correspondent had an answer on ticket " + done.Ticket + " within a day"
	}
	c.Answered[done.Ticket] = now
	return ""
}

// Kept is what was answered to a request, by the name that the answer gave. Who knows
// only the key of the request, such as a Message-ID, cannot make that name.
func (d *Desk) Kept(name string) (removal.Answer, error) {
	var kept answerKept
	var err error
	id, found := d.cfg.Signer.ReadResult(name)
	if found {
		kept, found, err = d.answered(id)
	}
	if err == nil && !found {
		err = &listing.Error{Kind: listing.ErrNotFound, Code: "no-such-result", Message: "there is no such result, or no longer", Hint: "look the address up: its page says how it stands"}
	}
	return kept.Answer, err
}

// answerKept is an answer as it is kept, for the same request sent again.
type answerKept struct {
	removal.Answer
	Cause   bool           `json:"cause,omitempty"`
	Contact string         `json:"contact,omitempty"`
	Time    time.Time      `json:"time"`
	Content string         `json:"content,omitempty"` // digest of the request
	Refused *refusedLetter `json:"refused,omitempty"`
}

// refusedLetter is why there was no letter.
type refusedLetter struct{ Code, Message, Hint string }

// answered finds what was answered to a request.
func (d *Desk) answered(id string) (answerKept, bool, error) {
	kept, found, err := read[answerKept](d.cfg.People, answerKind, id)
	if !found {
		return answerKept{}, false, err
	}
	kept.Answer.Cause, kept.Repeated, kept.Kept = kept.Cause, true, d.cfg.Signer.Result(id)
	if !kept.ReadBy.After(d.now()) {
		kept.ReadBy = time.Time{}
	}
	if r := kept.Refused; r != nil {
		kept.NoLetter = &listing.Error{Kind: listing.ErrPolicy, Code: r.Code, Message: r.Message, Hint: r.Hint}
	}
	return kept, true, nil
}

// languageOf is the language of a tag; empty: English.
func (d *Desk) languageOf(tag string) (*language.Language, error) {
	all := d.cfg.Settings().Letters.Languages()
	if in, ok := all.Find(tag); ok || tag == "" {
		return in, nil
	}
	var known []string
	for _, l := range all.All() {
		known = append(known, l.Tag())
	}
	return nil, &listing.Error{Kind: listing.ErrInvalid, Code: "unknown-language", Message: "there are no letters in the language " + listing.Quote(tag),
		Hint: "give one of " + strings.Join(known, ", ")}
}

// speaks finds the language of a request: the one it names, else the one that the
// sender's mail declares. Nothing is guessed from the words of the mail.
func (d *Desk) speaks(r *Request) (err error) {
	r.language, err = d.languageOf(r.Language)
	if r.Language == "" && r.finding != nil {
		r.language = d.cfg.Settings().Letters.Languages().Accept(r.finding.Language)
	}
	return err
}
