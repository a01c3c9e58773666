package main

import (
	"context"
	"errors"
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

// deskFile is the support desk as it is written.
type deskFile struct {
	Page    string `toml:"page"`
	Mail    string `toml:"mail"`
	Probe   string `toml:"probe"`
	PerWeek int    `toml:"requests_per_week"`
	Letters string `toml:"letters"`
}

// desk checks what is said of the support desk. The page is the first zone's
// where none is given.
func (f fileConfig) desk(c config, wrong *mistakes) desk.Settings {
	s := desk.Settings{Page: f.Desk.Page, Mail: f.Desk.Mail, Probe: strings.TrimSuffix(f.Desk.Probe, "."), Texts: c.mail.resolver.IsValid(), PerWeek: f.Desk.PerWeek}
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
	people *db.People
}

// openDesk opens the desk in the data directory.
func openDesk(d *dnsbld, mail *mailDoor) (*supportDesk, error) {
	data := d.cfg.Load().data
	key, err := db.OpenKey(filepath.Join(data, "desk.key"))
	if err != nil {
		return nil, err
	}
	signer, err := delist.NewSigner(key)
	if err != nil {
		return nil, err
	}
	people, err := db.OpenPeople(filepath.Join(data, "people.db"))
	if err != nil {
		return nil, err
	}
	opened, err := desk.New(desk.Config{Book: d.book, Counters: mail, DNS: senderDNS{mail}, People: people, Signer: signer,
		Settings: func() desk.Settings { return d.cfg.Load().desk }})
	if err != nil {
		return nil, errors.Join(err, people.Close())
	}
	return &supportDesk{opened, people}, nil
}

// senderDNS is DNS as the sensor asks it, with the resolver that is in force.
type senderDNS struct{ *mailDoor }

func (s senderDNS) Reverse(ctx context.Context, a netip.Addr) ([]string, bool, helo.Status) {
	return s.checker.Load().Reverse(ctx, a)
}

func (s senderDNS) Texts(ctx context.Context, name string) ([]string, helo.Status) {
	return s.checker.Load().Texts(ctx, name)
}

func (s *supportDesk) close() error { return s.people.Close() }
