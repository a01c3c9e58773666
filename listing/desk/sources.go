package desk

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/removal"
)

// SourceKind is the kind of the document that counts what senders took out of a
// source in a day; its ID is the name of the source.
const SourceKind = "source-removals"

// sourceDay is the count of one day. On another day it counts nothing.
type sourceDay struct {
	Day      string `json:"day"` // UTC: "2026-11-23"
	Removals int    `json:"removals"`
}

// sourceEdit is a count, the revision it was read at, and whether it is to be
// written.
type sourceEdit struct {
	sourceDay
	read    listing.Revision
	changed bool
}

// readSources are the counts of all sources that senders took anything out of.
func readSources(snap listing.Snapshot, now time.Time) (map[string]*sourceEdit, error) {
	day := now.UTC().Format(time.DateOnly)
	all := map[string]*sourceEdit{}
	for doc, err := range snap.Documents(SourceKind) {
		c := &sourceEdit{read: doc.Revision}
		if err == nil {
			err = decode(doc, &c.sourceDay)
		}
		if err != nil {
			return nil, err
		}
		if c.Day != day {
			c.sourceDay = sourceDay{Day: day}
		}
		all[doc.ID] = c
	}
	return all, nil
}

// SourceRemovals are the sources that senders took addresses out of today, by name.
// The breaker of those at the cap is open.
func (d *Desk) SourceRemovals(ctx context.Context) (all []removal.SourceRemovals, err error) {
	most := d.cfg.Settings().SourceCap
	err = d.cfg.Book.Store().View(ctx, func(snap listing.Snapshot) error {
		counts, err := readSources(snap, d.now())
		for name, c := range counts {
			if c.Removals > 0 {
				all = append(all, removal.SourceRemovals{Source: name, Removals: c.Removals, Cap: most, Open: c.Removals >= most})
			}
		}
		return err
	})
	slices.SortFunc(all, func(a, b removal.SourceRemovals) int { return cmp.Compare(a.Source, b.Source) })
	return all, err
}

// capped marks the entries of sources that have given up as many addresses today as
// senders may take.
func (about *About) capped(counts map[string]*sourceEdit, most int) (any bool) {
	for n := range about.Entries {
		e := &about.Entries[n]
		c := counts[e.Source]
		if e.Source == "" || (c == nil || c.Removals < most) && most > 0 {
			continue
		}
		e.Capped, about.Facts.Entries[n].Capped, any = true, true, true
	}
	return any
}

// countSources counts what a request takes out of sources. It is done in the step
// that registers the request, so that many at once cannot pass the cap: the request
// then is for a person.
func (d *Desk) countSources(ed *addressEdit, c *pending) {
	if c.because != listing.SelfService {
		return
	}
	if c.about.capped(ed.sources, d.cfg.Settings().SourceCap) {
		c.decision, c.shown, c.unshown = d.judged(c.about, c.now)
		c.because, c.ends = "", nil
		return
	}
	for _, e := range c.ends {
		if e.Source == "" {
			continue
		}
		count := ed.sources[e.Source]
		if count == nil {
			count = &sourceEdit{sourceDay: sourceDay{Day: ed.now.UTC().Format(time.DateOnly)}}
			ed.sources[e.Source] = count
		}
		count.Removals++
		count.changed = true
	}
}

// requesters are who asks, under names that say nothing without our key: the mail
// address, the client of the page, else who hands the request in.
func (d *Desk) requesters(r Request) (all []string) {
	if r.From != "" {
		all = append(all, d.cfg.Signer.Pseudonym("mail "+removal.BareMail(r.From)))
	}
	if r.Client.IsValid() {
		all = append(all, d.clientName(r.Client))
	}
	if len(all) == 0 {
		all = append(all, d.cfg.Signer.Pseudonym("caller "+r.By.Name))
	}
	return all
}

// clientName is the pseudonym of a client of the page: an IPv4 address, or an IPv6 /64.
func (d *Desk) clientName(a netip.Addr) string {
	return d.cfg.Signer.Pseudonym("client " + listing.ClientPrefix(listing.Canonical(a)).String())
}
