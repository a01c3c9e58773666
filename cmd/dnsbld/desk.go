package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

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
	for _, z := range c.zone.Zones {
		s.Zones = append(s.Zones, desk.Zone{Name: z.Name, TTL: z.TTL, Reasons: z.Reasons})
		if s.Page == "" {
			s.Page = z.Page
		}
	}
	if u, err := url.Parse(s.Page); s.Page != "" && (err != nil || u.Host == "" || listing.Printable(s.Page) != s.Page) {
		wrong.addf("desk.page = %s: write the URL that an address is put behind, such as https://bl.example/", listing.Quote(s.Page))
	}
	if a, err := mail.ParseAddress(s.Mail); s.Mail != "" && (err != nil || a.Address != s.Mail || listing.Printable(s.Mail) != s.Mail) {
		wrong.addf("desk.mail = %s: write a mail address, such as desk@bl.example", listing.Quote(s.Mail))
	}
	if s.Probe != "" && (strings.ContainsAny(s.Probe, "@ /") || !strings.Contains(s.Probe, ".") || listing.Printable(s.Probe) != s.Probe) {
		wrong.addf("desk.probe = %s: write a domain, such as probe.bl.example", listing.Quote(s.Probe))
	}
	const mostPerWeek = 50
	if s.PerWeek < 1 || s.PerWeek > mostPerWeek {
		wrong.addf("desk.requests_per_week = %d: from 1 to %d", s.PerWeek, mostPerWeek)
	}
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
	key, err := deskKey(filepath.Join(data, "desk.key"))
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

// tends does what time makes due at the desk.
func (s *supportDesk) tends(ctx context.Context, d *dnsbld) error {
	const often = 10 * time.Minute
	for tick := time.NewTicker(often); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return nil
		case <-tick.C:
			if err := s.Tend(ctx, actor); err != nil && ctx.Err() == nil {
				d.log.Warn("tending the support desk", "err", err)
			}
		}
	}
}

// deskKey reads the secret of tokens and references; the first time it is
// made. Without it nobody can tell our letters from others.
func deskKey(path string) ([]byte, error) {
	const octets = 32
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newKey(path, octets)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the key of the support desk: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(raw)))
	if err != nil || len(key) != octets {
		return nil, configError("%s is not the key of a support desk: %d hexadecimal digits", path, 2*octets)
	}
	return key, nil
}

// newKey makes a key whole or not at all.
func newKey(path string, octets int) ([]byte, error) {
	key := make([]byte, octets)
	rand.Read(key)                                             // never fails (crypto/rand)
	f, err := os.CreateTemp(filepath.Dir(path), ".desk.key.*") // 0600
	if err != nil {
		return nil, fmt.Errorf("making the key of the support desk: %w", err)
	}
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return nil, fmt.Errorf("making the key of the support desk: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return key, nil
}
