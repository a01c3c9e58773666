package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/removal"
)

// FileKind is the kind of the document that holds what the desk knows of one
// address; its ID is the address. What is asked without an address is in a file of
// the contact, by the contact's random ID.
const FileKind = "address"

// file is what the desk knows of an address beside the list.
type file struct {
	Tickets  []string           `json:"tickets,omitempty"`  // oldest first
	Requests []pastRequest      `json:"requests,omitempty"` // of the last days, oldest first
	Proofs   []delist.Proof     `json:"proofs,omitempty"`   // the last of each kind
	Came     *removal.ProbeMail `json:"probe,omitempty"`    // the last mail to the probe address
}

// pastRequest is a request and what was decided about it.
type pastRequest struct {
	ID      string               `json:"id"` // digest of its key
	Time    time.Time            `json:"time"`
	From    []string             `json:"from,omitempty"` // who asked, by pseudonyms; none: nobody noted it then
	Ticket  string               `json:"ticket"`
	Code    removal.Code         `json:"decision"`
	Because listing.DelistReason `json:"because,omitempty"` // it was to be delisted for
	Control bool                 `json:"control,omitempty"` // it came with proof that the address is the sender's, or goes on with an earlier one: it does not count
	Reply   bool                 `json:"reply,omitempty"`   // it goes on with an earlier one of the same person: it does not count either
}

// counts reports whether the request counts against those that are heard.
func (p pastRequest) counts() bool { return !p.Control && !p.Reply }

// Limits of a file.
const (
	maxTickets   = 100
	maxRequests  = 100
	keepRequests = 30 * listing.Day // as long as idempotency keys are
)

// readFile reads the file of an address; without one it is empty and at revision 0.
func readFile(snap listing.Snapshot, key string) (file, listing.Revision, error) {
	var f file
	doc, err := snap.Document(FileKind, key)
	if errors.Is(err, listing.ErrNotFound) {
		return f, 0, nil
	}
	if err == nil {
		err = decode(doc, &f)
	}
	return f, doc.Revision, err
}

// decode reads the body of a document.
func decode(doc listing.Document, into any) error {
	if err := json.Unmarshal(doc.Body, into); err != nil {
		return fmt.Errorf("%s %s: %w", doc.Kind, doc.ID, errors.Join(listing.ErrCorrupt, err))
	}
	return nil
}

// documents are the bodies of all documents of a kind.
func documents[T any](snap listing.Snapshot, kind string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for doc, err := range snap.Documents(kind) {
			var body T
			if err == nil {
				err = decode(doc, &body)
			}
			if !yield(body, err) {
				return
			}
		}
	}
}

// tidy forgets what no rule looks at any more.
func (f *file) tidy(now time.Time) {
	f.Requests = slices.DeleteFunc(f.Requests, func(h pastRequest) bool { return now.Sub(h.Time) >= keepRequests })
	f.Requests = f.Requests[max(0, len(f.Requests)-maxRequests):]
	f.Tickets = f.Tickets[max(0, len(f.Tickets)-maxTickets):]
}

// prove keeps a proof in place of an older one of its kind.
func (f *file) prove(p delist.Proof) {
	f.Proofs = slices.DeleteFunc(f.Proofs, func(o delist.Proof) bool { return o.Kind == p.Kind })
	f.Proofs = append(f.Proofs, p)
}

// writeDocument is an edit that writes a document over the revision it was read at.
func writeDocument(kind, id string, body any, read listing.Revision) (listing.Edit, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return listing.Edit{}, fmt.Errorf("writing %s %s: %w", kind, id, err)
	}
	return listing.Edit{Op: listing.OpDocument, Expect: &read, Document: &listing.Document{Kind: kind, ID: id, Body: raw}}, nil
}

// attempts is how often something is done anew because somebody else wrote the
// same document meanwhile.
const attempts = 5

// edit reads the file of an address and, if id is not empty, a ticket, has them
// changed and writes what is different, all in one request.
func (d *Desk) edit(ctx context.Context, actor, key string, change func(*addressEdit) error) (*addressEdit, error) {
	return d.editFor(ctx, actor, key, "", change)
}

// editFor is edit with the tickets of a contact at hand that have no address yet.
func (d *Desk) editFor(ctx context.Context, actor, key, contact string, change func(*addressEdit) error) (*addressEdit, error) {
	for n := 1; ; n++ {
		var ed *addressEdit
		err := d.cfg.Book.Store().View(ctx, func(snap listing.Snapshot) (err error) {
			ed, err = d.read(snap, key, contact)
			return err
		})
		if err == nil {
			err = change(ed)
		}
		if err != nil {
			return nil, err
		}
		edits, err := ed.edits(key)
		if err != nil || len(edits) == 0 {
			return ed, err
		}
		_, err = d.cfg.Book.Do(ctx, listing.Caller{Name: actor, Role: listing.Daemon}, "", edits)
		if errors.Is(err, listing.ErrConflict) && n < attempts {
			continue
		}
		return ed, err
	}
}

// read is what the desk has about an address in a snapshot.
func (d *Desk) read(snap listing.Snapshot, key, contact string) (ed *addressEdit, err error) {
	ed = &addressEdit{now: d.now()}
	if ed.file, ed.fileRead, err = readFile(snap, key); err != nil {
		return nil, err
	}
	if ed.sources, err = readSources(snap, ed.now); err != nil {
		return nil, err
	}
	for _, id := range ed.file.Tickets {
		t, read, err := readTicket(snap, id)
		if err != nil {
			return nil, err
		}
		ed.tickets = append(ed.tickets, ticketEdit{t, read, false})
	}
	if contact != "" {
		err = ed.readWaiting(snap, contact)
	}
	return ed, err
}

// addressEdit is what the desk has about an address while it is changed.
type addressEdit struct {
	now      time.Time
	file     file
	fileRead listing.Revision
	written  bool // the file is to be
	tickets  []ticketEdit
	waiting  []ticketEdit           // of the contact, without an address
	sources  map[string]*sourceEdit // by name
}

// ticketEdit is a ticket, the revision it was read at, and whether it is to be
// written.
type ticketEdit struct {
	removal.Ticket
	read    listing.Revision
	changed bool
}

// edits are what has to be written. Each expects the revision that was read, so that
// two writers cannot undo each other.
func (ed *addressEdit) edits(key string) ([]listing.Edit, error) {
	var all []listing.Edit
	if ed.written {
		ed.file.tidy(ed.now)
		e, err := writeDocument(FileKind, key, ed.file, ed.fileRead)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	for _, t := range ed.tickets {
		if !t.changed {
			continue
		}
		e, err := writeDocument(removal.TicketKind, t.ID, t.Ticket, t.read)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	for name, c := range ed.sources {
		if !c.changed {
			continue
		}
		e, err := writeDocument(SourceKind, name, c.sourceDay, c.read)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// readWaiting reads the tickets of a contact who was asked for the address.
func (ed *addressEdit) readWaiting(snap listing.Snapshot, contact string) error {
	f, _, err := readFile(snap, contact)
	for _, id := range f.Tickets {
		t, read, failed := readTicket(snap, id)
		if failed != nil {
			return failed
		}
		if !t.Address.IsValid() && t.State != removal.Closed {
			ed.waiting = append(ed.waiting, ticketEdit{t, read, false})
		}
	}
	return err
}

// adopt gives the newest ticket that waits for an address this one.
func (ed *addressEdit) adopt(a netip.Addr) (removal.Ticket, bool) {
	if len(ed.waiting) == 0 {
		return removal.Ticket{}, false
	}
	t := ed.waiting[len(ed.waiting)-1]
	t.Address, t.changed = a, true
	ed.file.Tickets, ed.written = append(ed.file.Tickets, t.ID), true
	ed.tickets = append(ed.tickets, t)
	return t.Ticket, true
}

// fileKey names the file that a ticket is in.
func fileKey(t removal.Ticket) string {
	if t.Address.IsValid() {
		return t.Address.String()
	}
	return t.ContactID
}

// open makes a ticket and puts it into the file.
func (ed *addressEdit) open(t removal.Ticket) {
	ed.file.Tickets, ed.written = append(ed.file.Tickets, t.ID), true
	ed.tickets = append(ed.tickets, ticketEdit{t, 0, true})
}

// put replaces a ticket by what has become of it.
func (ed *addressEdit) put(t removal.Ticket) {
	for n := range ed.tickets {
		if ed.tickets[n].ID == t.ID {
			ed.tickets[n].Ticket, ed.tickets[n].changed = t, true
		}
	}
}

// digest is a key in a form that says nothing about it.
func digest(key string) string {
	sum := sha256.Sum256([]byte("dnsbld request " + key))
	return hex.EncodeToString(sum[:16])
}
