package desk

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/helo"
	"dnsbld/listing/removal"
)

// Probe is an SMTP session with a recipient, as a mail server tells of it: its
// policy service, or its log.
type Probe struct {
	Time      time.Time
	Client    netip.Addr
	Recipient string // in full, local part too
	Verdict   helo.Verdict
}

// IsProbe reports whether a recipient is a probe address of ours. It is quick,
// and made to be asked for every recipient.
func (d *Desk) IsProbe(recipient string) bool {
	_, ok := d.probed(recipient)
	return ok
}

// Probe looks whether a session is a mail to a probe address, and if the token
// in it is good, takes it as proof: whoever sent it controls the address. If the
// session was clean besides, it shows that the cause is gone, and the listing
// can be ended at once. It reports whether there is a new proof. What is no
// probe is none of the desk's business and no error; a token that is not good
// is a *listing.Error of delist.Signer.Verify.
func (d *Desk) Probe(ctx context.Context, actor string, p Probe) (bool, error) {
	token, ok := d.probed(p.Recipient)
	if !ok || p.Verdict.Strength == helo.Exempt || p.Time.After(d.now().Add(ahead)) {
		return false, nil
	}
	about, err := d.About(ctx, p.Client)
	if err != nil {
		return false, err
	}
	a := about.Facts.Address
	came := newProbeMail(p)
	refused := d.cfg.Signer.Verify(token, a, about.Stand, d.now())
	if why, is := errors.AsType[*listing.Error](refused); is {
		if why.Code != "token-expired" && why.Code != "token-superseded" { // not made for this address: anybody can send it
			return false, refused
		}
		came.Proof, came.Clean, came.Refused = false, false, why.Code
	}
	if about.Came != nil && about.saidAlready(came) {
		return false, refused
	}
	_, err = d.edit(ctx, actor, a.String(), func(ed *addressEdit) error {
		ed.file.Came, ed.written = &came, true
		if !came.Proof {
			return nil
		}
		proof := delist.Proof{Kind: removal.ProofMail, Address: a, Time: came.Time, Clean: came.Clean}
		ed.file.prove(proof)
		about.Facts.Proofs = append(about.Facts.Proofs, proof)
		return d.advance(ed, about, actor)
	})
	return err == nil && came.Proof, errors.Join(refused, err)
}

// ahead is by how much the clock of a mail server may be.
const ahead = 5 * time.Second

// newProbeMail is what a session shows if its token is good.
func newProbeMail(p Probe) removal.ProbeMail {
	return removal.ProbeMail{Time: p.Time.UTC().Truncate(time.Second), HELO: helo.Escape(p.Verdict.Name, helo.MaxName), Code: p.Verdict.Code,
		Verdict: p.Verdict.Strength, Proof: !p.Verdict.Bogus(), Clean: p.Verdict.Clean()}
}

// saidAlready reports whether a mail to the probe address shows nothing that
// the last one does not: so a flood of them is not written down one by one.
func (about *About) saidAlready(came removal.ProbeMail) bool {
	last := about.Came
	if came == *last || came.Time.Before(last.Time) {
		return true
	}
	same := came.Proof == last.Proof && came.Clean == last.Clean && came.Refused == last.Refused
	return same && came.Time.Sub(last.Time) < time.Minute && !about.Facts.Counters.LastBogus.After(last.Time)
}

// advance takes open tickets to where a proof leads, if that is on.
func (d *Desk) advance(ed *addressEdit, about About, actor string) error {
	decision := d.Judged(about, ed.now)
	if !decision.Code.OK() {
		return nil
	}
	for _, t := range ed.tickets {
		if t.Appeal || t.State == removal.Granted || t.State == removal.Closed {
			continue
		}
		moved, err := t.Judged(decision, removal.Step{Time: ed.now, Actor: actor, Note: "a mail from the address came to its probe address"})
		if err != nil {
			return err
		}
		ed.put(moved)
	}
	return nil
}

// probed is the token in a probe address of ours.
func (d *Desk) probed(recipient string) (delist.Token, bool) {
	domain := d.cfg.Settings().Probe
	local, host, found := strings.Cut(strings.Trim(recipient, "<> "), "@")
	if domain == "" || !found || !strings.EqualFold(strings.TrimSuffix(host, "."), domain) {
		return "", false
	}
	tag, token, found := strings.Cut(local, "+")
	if !found || !strings.EqualFold(tag, "helo") {
		return "", false
	}
	return delist.Token(strings.ToLower(listing.Printable(token))), true
}
