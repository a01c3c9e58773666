package desk

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/helo"
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
	if !ok || p.Verdict.Strength == helo.Exempt || p.Verdict.Bogus() {
		return false, nil
	}
	about, err := d.About(ctx, p.Client)
	if err != nil {
		return false, err
	}
	a := about.Facts.Address
	if err := d.cfg.Signer.Verify(token, a, about.Stand, d.now()); err != nil {
		return false, err
	}
	proof := delist.Proof{Kind: delist.ProofMail, Address: a, Time: p.Time.UTC().Truncate(time.Second), Clean: p.Verdict.Clean()}
	dr, err := d.edit(ctx, actor, a, func(dr *draft) error {
		for _, known := range dr.file.Proofs {
			if known.Kind == proof.Kind && !proof.Time.After(known.Time) {
				return nil // it was told before
			}
		}
		dr.file.prove(proof)
		dr.written = true
		return nil
	})
	return err == nil && dr.written, err
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
