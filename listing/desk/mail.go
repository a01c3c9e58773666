package desk

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/removal"
	"dnsbld/listing/report"
)

// Triage says what a mail or pasted text shows, and what this list knows of that
// itself: its own servers are no candidates, and its log tells whether the address
// was listed at the time of the session in question.
func (d *Desk) Triage(ctx context.Context, text io.Reader) (removal.Finding, error) {
	s := d.cfg.Settings()
	f, err := delist.Triage(ctx, text, delist.Ours{Names: s.names(), Languages: s.Letters.Languages()})
	if err != nil {
		return f, err
	}
	rules := d.cfg.Book.Rules()
	f.Exclude(func(a netip.Addr) bool {
		_, ours := rules.Policy.Protects(listing.HostSubject(a))
		return ours
	})
	d.fromOurLetter(&f)
	if f.Address == nil || f.Time == nil || f.Time.After(d.cfg.Book.Now()) {
		return f, nil
	}
	ttl := listing.Life(d.cfg.Settings().LongestTTL())
	past, err := report.HistoryAt(ctx, d.cfg.Book.Store(), rules, listing.HostSubject(*f.Address), f.Time.UTC(), ttl)
	f.ListedThen = &past.Listed
	return f, err
}

// fromOurLetter takes the address from a letter of ours that a mail quotes, if the mail
// names none: who answers a letter says no more than "please remove it". The
// reference is signed, so it is the address that the letter was about.
func (d *Desk) fromOurLetter(f *removal.Finding) {
	if !f.Reply || len(f.Candidates) > 0 {
		return
	}
	for _, text := range f.References {
		r, err := d.cfg.Signer.ReadReference(text)
		if err == nil && !r.Address.IsUnspecified() && !slices.Contains(f.Candidates, r.Address) {
			f.Candidates = append(f.Candidates, r.Address)
		}
	}
	if len(f.Candidates) > 0 {
		f.Settle()
		f.Human = f.Human || f.Cut
	}
}

// readMail takes from a mail what a request needs. What JSON or a flag said before
// wins. Only a mail that asks for a removal may lead to one.
func (d *Desk) readMail(ctx context.Context, r *Request) error {
	f, err := d.Triage(ctx, bytes.NewReader(r.Text))
	if err != nil {
		return err
	}
	r.finding = &f
	r.From = cmp.Or(r.From, writable(f.From))
	if r.Key == "" && f.MessageID != "" {
		r.Key = "mail:" + f.MessageID + ":" + r.From
	}
	if !r.Address.IsValid() && f.Address != nil {
		r.Address, r.Delist = *f.Address, r.Delist && f.Asks
	}
	return nil
}

// unanswerable says why no program may answer the mail of a request, and whether a
// person has to. Where the request names the address itself, a person has read the
// mail already.
func (r *Request) unanswerable() (why string, human bool) {
	f := r.finding
	switch {
	case f == nil || r.named:
		return "", false
	case f.Automatic != "":
		return f.Automatic, false
	case f.Cut:
		return "it is longer than is read", true
	case f.Against != "":
		return f.Against, true
	case r.From != "": // who can be asked is asked
		return "", false
	case len(f.Candidates) == 0:
		return "it names no address that it can be about", true
	case f.Human:
		return fmt.Sprintf("it names %d addresses that it can be about", len(f.Candidates)), true
	}
	return "", false
}

// writable is the mail address in a text; empty if a program may not write to
// it.
func writable(text string) string {
	address, _ := removal.MailAddress(text)
	return address
}
