package config

import (
	"io/fs"
	"os"
	"strings"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/desk"
	"dnsbld/mta/sendmail"
)

// deskFile is [desk] as it is written.
type deskFile struct {
	Page    string `toml:"page"`
	Mail    string `toml:"mail"`
	Probe   string `toml:"probe"`
	PerWeek int    `toml:"requests_per_week"`
	Letters string `toml:"letters"`

	Sendmail string `toml:"sendmail"`

	SourceRemovals int `toml:"source_removals_per_day"`
}

// desk checks what is said of the support desk. The page is the first zone's
// where none is given.
func (f File) desk(c Config, wrong *listing.Mistakes) desk.Settings {
	s := desk.Settings{Page: f.Desk.Page, Mail: f.Desk.Mail, Probe: strings.TrimSuffix(f.Desk.Probe, "."), Texts: c.Mail.Resolver.IsValid(), PerWeek: f.Desk.PerWeek,
		SourceCap: f.Desk.SourceRemovals}
	for _, z := range c.Zone.Lists() {
		s.Zones = append(s.Zones, desk.Zone{Name: z.Name, TTL: z.TTL, Reasons: z.Reasons})
		if s.Page == "" {
			s.Page = z.Page
		}
	}
	s.Sendmail, s.MailOff = f.Desk.sendmail(wrong)
	wrong.Add(s.Validate())
	var err error
	s.Letters, err = delist.NewLetters(f.Desk.templates(wrong))
	wrong.Unless(err == nil, "desk.letters: %w", err)
	return s
}

// sendmail is the program that takes mails to those who ask on the page, or why none
// are sent. A program that was asked for and is not there is a mistake.
func (f deskFile) sendmail(wrong *listing.Mistakes) (program, off string) {
	if f.Sendmail == "off" {
		return "", "desk.sendmail is off"
	}
	program, err := sendmail.Find(f.Sendmail)
	switch {
	case err == nil:
		return program, ""
	case f.Sendmail != "":
		wrong.Addf("desk.sendmail = %w", err)
	}
	return "", err.Error() + ": those who ask on the page are not mailed"
}

// templates are the operator's own letters, if there are any.
func (f deskFile) templates(wrong *listing.Mistakes) fs.FS {
	if f.Letters == "" {
		return nil
	}
	if info, err := os.Stat(f.Letters); err != nil || !info.IsDir() {
		wrong.Addf("desk.letters = %s: there is no such directory", listing.Quote(f.Letters))
		return nil
	}
	return os.DirFS(f.Letters)
}
