package main

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"path/filepath"

	"dnsbld/db"
	"dnsbld/listing/delist"
	"dnsbld/listing/desk"
	"dnsbld/listing/helo"
	"dnsbld/mta/sendmail"
)

// supportDesk is the desk with the file that it keeps people in.
type supportDesk struct {
	*desk.Desk
	people interface {
		desk.People
		io.Closer
	}
	off string // why it does not remember; empty: it does
}

// openDesk opens the desk in the data directory. Files of it that cannot be used
// never keep the list from being served: it starts again without them, and says so.
func openDesk(d *dnsbld, mail *mailDoor) (*supportDesk, error) {
	data := d.cfg.Load().Data
	signer, err := delist.NewSigner(db.OpenKey(filepath.Join(data, "desk.key"), d.log))
	if err != nil {
		return nil, err
	}
	s := &supportDesk{people: &db.PeopleInMemory{}}
	people, err := db.OpenPeople(filepath.Join(data, "people.db"), func(aside string, why error) {
		d.log.Error("the file of those who asked for removals was damaged: it starts again", "kept", aside, "err", why)
	})
	if err == nil {
		s.people = people
		d.warnOf(people.Doubt(), "the file of those who asked for removals")
	} else {
		s.off = "those who ask are remembered until the end of the program only: " + err.Error()
		d.log.Error("those who ask for removals are remembered until the end of the program only", "err", err)
	}
	if why := d.book.Rules().Writable(); why != nil {
		s.off = why.Error()
	}
	s.Desk, err = desk.New(desk.Config{Book: d.book, Counters: mail, DNS: senderDNS{mail}, People: s.people, Signer: signer, Send: sendmail.Hand,
		Settings: func() desk.Settings { return d.cfg.Load().Desk }})
	if err != nil {
		return nil, errors.Join(err, s.people.Close())
	}
	return s, nil
}

// senderDNS is DNS as the desk asks it about an address: with the resolver that is
// in force, which a reload may have changed since the desk was opened.
type senderDNS struct{ *mailDoor }

// Reverse is the names of an address, and whether one of them leads back to it.
func (s senderDNS) Reverse(ctx context.Context, a netip.Addr) ([]string, bool, helo.Status) {
	return s.checker.Load().Reverse(ctx, a)
}

// Texts are the TXT records of a name: a sender may put a token there.
func (s senderDNS) Texts(ctx context.Context, name string) ([]string, helo.Status) {
	return s.checker.Load().Texts(ctx, name)
}

// close closes the file of those who asked.
func (s *supportDesk) close() error { return s.people.Close() }
