package desk

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/helo"
	"dnsbld/listing/removal"
)

// TokenPrefix stands before a token, in the local part of a probe address and in
// TXT.
const TokenPrefix = "helo+"

// Ways are the ways to prove that an address is the sender's; nil: it is not
// listed, or not known.
func (d *Desk) Ways(ctx context.Context, a netip.Addr) (*removal.Ways, error) {
	if !a.IsValid() {
		return nil, nil
	}
	about, err := d.About(ctx, a)
	if err != nil || len(about.Entries) == 0 {
		return nil, err
	}
	now := d.now()
	w := &removal.Ways{Until: now.Add(tokenLife), Came: about.Came, Known: d.Judged(about, now).Code}
	w.Probe, w.Text = d.tokens(about)
	return w, nil
}

// tokens are the probe address and the text for TXT.
func (d *Desk) tokens(about About) (probe, text string) {
	return d.cfg.Settings().Proofs(d.Token(about.Facts.Address, about.Stand))
}

// Proofs are the probe address and the text for TXT that carry a token; each empty where
// it is no proof.
func (s Settings) Proofs(t delist.Token) (probe, text string) {
	if s.Probe != "" {
		probe = TokenPrefix + string(t) + "@" + s.Probe
	}
	if s.Texts {
		text = TokenPrefix + string(t)
	}
	return probe, text
}

// dnsTime is how long a request waits for DNS.
const dnsTime = 5 * time.Second

// inquire asks DNS for what would change a refusal: whether what an entry rests
// on is fixed, and whether the sender has put the token into DNS. offered is
// the proof that came along, or a better one.
func (d *Desk) inquire(ctx context.Context, about *About, from string, offered delist.Proof) delist.Proof {
	if d.cfg.DNS == nil || len(about.Entries) == 0 {
		return offered
	}
	about.Facts.Offered = offered
	now := d.now()
	decision, _, _ := d.judged(*about, now)
	if code := decision.Code; code != removal.NoProof && code != removal.RateLimit {
		return offered
	}
	ctx, cancel := context.WithTimeout(ctx, dnsTime)
	defer cancel()
	a := about.Facts.Address
	names, confirmed, status := d.cfg.DNS.Reverse(ctx, a)
	about.mend(names, confirmed, status)
	if !confirmed || offered.Controls(a) {
		return offered
	}
	better := delist.Proof{Address: a, Time: now}
	switch {
	case slices.ContainsFunc(names, func(name string) bool { return d.tokenAt(ctx, name, *about, now) }):
		better.Kind = removal.ProofTXT
	case offered.Kind == "" && slices.ContainsFunc(names, func(name string) bool { return within(name, from) }):
		better.Kind = removal.ProofName
	default:
		return offered
	}
	return better
}

// tokenAt reports whether the token of a listing is in TXT at a name.
func (d *Desk) tokenAt(ctx context.Context, name string, about About, now time.Time) bool {
	texts, _ := d.cfg.DNS.Texts(ctx, name)
	return slices.ContainsFunc(texts, func(text string) bool {
		text = strings.ToLower(strings.TrimSpace(text))
		token := delist.Token(strings.TrimPrefix(text, TokenPrefix))
		return d.cfg.Signer.Verify(token, about.Facts.Address, about.Stand, now) == nil
	})
}

// within reports whether a host name belongs to the domain of a mail address.
// A domain of one label belongs to nobody who asks.
func within(name, mail string) bool {
	_, domain, found := strings.Cut(mail, "@")
	name, domain = strings.ToLower(name), strings.ToLower(strings.TrimSuffix(domain, "."))
	return found && strings.Contains(domain, ".") && (name == domain || strings.HasSuffix(name, "."+domain))
}

// mend notes of entries that rest on reverse DNS whether what was seen is seen
// no more. A failure of DNS shows nothing.
func (about *About) mend(names []string, confirmed bool, status helo.Status) {
	looked := status == helo.OK || status == helo.NXDomain || status == helo.NoData
	for n := range about.Entries {
		l := &about.Entries[n].Listing
		switch l.Reason {
		case listing.NoReverse:
			l.Looked, l.Fixed = looked, looked && len(names) > 0
		case listing.Unconfirmed:
			l.Looked, l.Fixed = looked, looked && confirmed
		}
		about.Facts.Entries[n].Looked, about.Facts.Entries[n].Fixed = l.Looked, l.Fixed
	}
}

// mended takes over what DNS said of the same entries.
func (about *About) mended(asked About) {
	for n, e := range about.Facts.Entries {
		for _, same := range asked.Facts.Entries {
			if same.Key == e.Key {
				about.Entries[n].Looked, about.Entries[n].Fixed = same.Looked, same.Fixed
				about.Facts.Entries[n].Looked, about.Facts.Entries[n].Fixed = same.Looked, same.Fixed
			}
		}
	}
}

// quiet is how long no mail for unknown recipients must have come for the cause
// to be gone.
const quiet = 24 * time.Hour

// stopped reports whether sessions with unknown recipients have stopped.
func (about *About) stopped(r listing.Reason, now time.Time) bool {
	for _, decision := range about.Counted.Decisions {
		if decision.Reason == r {
			return !decision.Crossed || now.Sub(decision.Last) >= quiet
		}
	}
	return true
}
