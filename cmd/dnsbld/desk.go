package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"dnsbld/db"
	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/desk"
	"dnsbld/listing/helo"
)

// deskFile is [desk] as it is written.
type deskFile struct {
	Page    string `toml:"page"`
	Mail    string `toml:"mail"`
	Probe   string `toml:"probe"`
	PerWeek int    `toml:"requests_per_week"`
	Letters string `toml:"letters"`

	SourceRemovals int `toml:"source_removals_per_day"`
}

// desk checks what is said of the support desk. The page is the first zone's
// where none is given.
func (f fileConfig) desk(c config, wrong *mistakes) desk.Settings {
	s := desk.Settings{Page: f.Desk.Page, Mail: f.Desk.Mail, Probe: strings.TrimSuffix(f.Desk.Probe, "."), Texts: c.mail.resolver.IsValid(), PerWeek: f.Desk.PerWeek,
		SourceCap: f.Desk.SourceRemovals}
	for _, z := range c.zone.Lists() {
		s.Zones = append(s.Zones, desk.Zone{Name: z.Name, TTL: z.TTL, Reasons: z.Reasons})
		if s.Page == "" {
			s.Page = z.Page
		}
	}
	wrong.add(s.Validate())
	var err error
	if s.Letters, err = delist.NewLetters(f.Desk.templates(wrong)); err != nil {
		wrong.addf("desk.letters: %w", err)
	}
	return s
}

// templates are the operator's own letters, if there are any.
func (f deskFile) templates(wrong *mistakes) fs.FS {
	if f.Letters == "" {
		return nil
	}
	if info, err := os.Stat(f.Letters); err != nil || !info.IsDir() {
		wrong.addf("desk.letters = %s: there is no such directory", listing.Quote(f.Letters))
		return nil
	}
	return os.DirFS(f.Letters)
}

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
	data := d.cfg.Load().data
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
	} else {
		s.off = "those who ask are remembered until the end of the program only: " + err.Error()
		d.log.Error("those who ask for removals are remembered until the end of the program only", "err", err)
	}
	s.Desk, err = desk.New(desk.Config{Book: d.book, Counters: mail, DNS: senderDNS{mail}, People: s.people, Signer: signer,
		Settings: func() desk.Settings { return d.cfg.Load().desk }})
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
