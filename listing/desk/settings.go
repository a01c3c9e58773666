package desk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"net/url"
	"strings"
	"time"

	"dnsbld/listing"
)

// Validate finds every mistake in what people write, in the words of the
// configuration file.
func (s Settings) Validate() error {
	var errs []error
	if u, err := url.Parse(s.Page); s.Page != "" && (err != nil || u.Host == "" || listing.Printable(s.Page) != s.Page) {
		errs = append(errs, fmt.Errorf("desk.page = %s: write the URL that an address is put behind, such as https://bl.example/", listing.Quote(s.Page)))
	}
	if a, err := mail.ParseAddress(s.Mail); s.Mail != "" && (err != nil || a.Address != s.Mail || listing.Printable(s.Mail) != s.Mail) {
		errs = append(errs, fmt.Errorf("desk.mail = %s: write a mail address, such as desk@bl.example", listing.Quote(s.Mail)))
	}
	if s.Probe != "" && (strings.ContainsAny(s.Probe, "@ /") || !strings.Contains(s.Probe, ".") || listing.Printable(s.Probe) != s.Probe) {
		errs = append(errs, fmt.Errorf("desk.probe = %s: write a domain, such as probe.bl.example", listing.Quote(s.Probe)))
	}
	const mostPerWeek = 50
	if s.PerWeek < 1 || s.PerWeek > mostPerWeek {
		errs = append(errs, fmt.Errorf("desk.requests_per_week = %d: from 1 to %d", s.PerWeek, mostPerWeek))
	}
	return errors.Join(errs...)
}

// tendEvery is how often Run looks for what time makes due.
const tendEvery = 10 * time.Minute

// Run tends the desk until ctx is done.
func (d *Desk) Run(ctx context.Context, actor string, log *slog.Logger) {
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := d.Tend(ctx, actor); err != nil && ctx.Err() == nil {
				log.Warn("tending the support desk", "err", err)
			}
		}
	}
}
