package desk

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/language"
	"dnsbld/listing/removal"
)

// Request asks for an address to be delisted: the address, or a mail that names it.
// From is personal data.
type Request struct {
	Key      string         // the same for the same request sent again; empty: by the mail's Message-ID, or it is not repeated
	Again    bool           // sent again it is judged again, and is another request if the decision is another by now
	By       listing.Caller // who hands it in, in the audit
	Address  netip.Addr     // its zero value: the one that Text names
	Text     []byte         // a mail or pasted text; empty: there is none
	Offered  delist.Proof   // its zero value: none
	Client   netip.Addr     // that asks, on the page; its zero value: not known
	From     string         // mail address of who asks; empty: the mail's
	Language string         // that it is answered in, its tag; empty: what the mail declares, else English
	Note     string         // for the ticket; mail addresses in it are blanked
	Ticket   string         // ours, or a reference in another system
	Delist   bool           // end the listing if the decision allows it
	OwnUp    bool           // with Delist: end as our error what the record cannot say the reason of; else a person decides
	DryRun   bool           // say what would be done
	Person   bool           // a person is to look at what the rules refuse
	Mail     bool           // the answer is mailed to From, for nobody else sends it

	named    bool             // Address was given
	keyed    bool             // so was Key
	finding  *removal.Finding // of Text
	language *language.Language
}

// Request reads a request, decides it, counts it, follows it with a ticket, ends
// the listing where that is asked for and allowed, and writes the letter.
//
// A request by the sender alone needs OK_SELF. OK_SUPPORT is for a person
// to carry out. A listing without evidence is ended as our error where whoever
// hands the request in chose so.
func (d *Desk) Request(ctx context.Context, r Request) (removal.Reply, error) {
	r.named, r.keyed, r.From = r.Address.IsValid(), r.Key != "", writable(r.From)
	if len(r.Text) > 0 {
		if err := d.readMail(ctx, &r); err != nil {
			return removal.Reply{}, err
		}
	}
	if err := d.speaks(&r); err != nil {
		return removal.Reply{}, err
	}
	done := removal.Reply{To: r.From, Finding: r.finding}
	var err error
	done.NoAnswer, done.Human = r.unanswerable()
	switch {
	case done.NoAnswer != "":
	case r.finding != nil && !r.Address.IsValid():
		done.Answer, err = d.askBack(ctx, r)
	default:
		done.Answer, err = d.deal(ctx, r)
	}
	if r.finding != nil {
		done.InReplyTo = r.finding.MessageID
	}
	return done, err
}

// content is a digest of what a request says, to tell whether one with the same key
// is the same.
func (r Request) content() string {
	return digest(fmt.Sprintf("%s\n%s\n%s\n%s", r.Address, r.From, r.Ticket, r.Text))
}

// deal deals with a request about an address. One that was heard before is
// answered as it was then.
func (d *Desk) deal(ctx context.Context, r Request) (removal.Answer, error) {
	c, answered, err := d.judge(ctx, r)
	switch {
	case err != nil:
		return removal.Answer{}, err
	case answered != nil:
		return *answered, nil
	case r.DryRun:
		return d.finish(c)
	}
	// From here on it is finished, also when nobody waits for it any more.
	ctx = context.WithoutCancel(ctx)
	d.people.RLock()
	defer d.people.RUnlock()
	if c.contact, err = d.contact(r, c.now); err == nil {
		err = d.register(ctx, c)
	}
	if err == nil && c.because != "" {
		err = d.carryOut(ctx, c)
	}
	if err != nil {
		return removal.Answer{}, err
	}
	done, err := d.finish(c)
	if err != nil {
		return done, err
	}
	return d.keep(done, c)
}

// judge gathers what is known of an address and decides a request, or finds the
// answer that the same request had before. One that may be judged again is another
// request once the decision is another.
func (d *Desk) judge(ctx context.Context, r Request) (*pending, *removal.Answer, error) {
	r.Address = listing.Canonical(r.Address)
	if r.Key == "" {
		r.Key = rand.Text()
	}
	id := digest(r.Key)
	earlier, found, err := d.earlier(r, id)
	if err != nil || found && !(r.Again && earlier.Outcome == removal.Stands) {
		return nil, &earlier.Answer, err
	}
	about, err := d.About(ctx, r.Address)
	if err != nil {
		return nil, nil, err
	}
	about.askedBy(d.requesters(r), earlier.Time)
	r.Offered = d.inquire(ctx, &about, r.From, r.Offered)
	c := d.consider(about, r, id)
	if !found {
		return c, nil, nil
	}
	if sameTask(c.decision) == sameTask(earlier.Decision) {
		return nil, &earlier.Answer, nil
	}
	c.id = digest(r.Key + "\n" + sameTask(c.decision))
	if earlier, found, err = d.answered(c.id); found || err != nil {
		return nil, &earlier.Answer, err
	}
	return c, nil, nil
}

// earlier finds what was answered to the same request. Another one under its id is a
// conflict.
func (d *Desk) earlier(r Request, id string) (answerKept, bool, error) {
	kept, found, err := d.answered(id)
	if err == nil && found && r.keyed && kept.Content != "" && kept.Content != r.content() {
		err = &listing.Error{Kind: listing.ErrConflict, Code: "request-id", Message: "another request came with this id before",
			Hint: "give each request an id of its own"}
	}
	return kept, found, err
}

// sameTask is the same for decisions that leave a sender the same to do.
func sameTask(d removal.Decision) string {
	if d.RetryAfter == nil {
		return string(d.Code)
	}
	return string(d.Code) + " " + d.RetryAfter.UTC().Format(time.RFC3339)
}

// pending is a request while it is dealt with.
type pending struct {
	Request
	id       string
	now      time.Time
	about    About
	decision removal.Decision
	shown    []delist.Evident
	unshown  []delist.Evident
	because  listing.DelistReason // what the listing is ended for; empty: it is not
	ends     []delist.Evident     // that are ended
	still    []delist.Evident     // that list the address all the same
	ticket   removal.Ticket
	contact  removal.Contact // its zero value: nobody who left an address
	revision listing.Revision
}

// consider decides a request and what is to be done about it.
func (d *Desk) consider(about About, r Request, id string) *pending {
	c := &pending{Request: r, id: id, now: d.now(), about: about}
	c.about.Facts.Offered = r.Offered
	c.about.Facts.Language = r.language
	c.decision, c.shown, c.unshown = d.judged(c.about, c.now)
	switch {
	case !r.Delist || !c.decision.Code.OK():
	case len(c.shown) == 0 && !r.OwnUp:
	case len(c.shown) == 0:
		c.because, c.ends = listing.OurError, ownEntries(c.unshown)
	case c.decision.Code == removal.OKSelf:
		c.because, c.ends = listing.SelfService, ownEntries(c.shown)
	}
	if len(c.ends) == 0 {
		c.because = ""
	}
	return c
}

// ownEntries are the entries that a request about one address may end: those
// of the address, and in IPv6 of its /64. A range is about others too.
func ownEntries(all []delist.Evident) []delist.Evident {
	return slices.DeleteFunc(slices.Clone(all), func(e delist.Evident) bool {
		s := e.Subject
		return !s.IsHost() && (s.Addr().Is4() || s.Bits() < listing.ClientBits)
	})
}
