package desk

import (
	"context"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/removal"
)

// Validate finds every mistake in what people write, in the words of the
// configuration file.
func (s Settings) Validate() error {
	const mostPerWeek = 50
	a, ok := removal.MailAddress(s.Mail)
	var wrong listing.Mistakes
	wrong.Unless(s.Page == "" || validPage(s.Page), "desk.page = %s: write a URL that ends in a slash, such as https://bl.example/", listing.Quote(s.Page))
	wrong.Unless(s.Mail == "" || ok && a == s.Mail, "desk.mail = %s: write a mail address, such as desk@bl.example", listing.Quote(s.Mail))
	wrong.Unless(s.Probe == "" || strings.Contains(s.Probe, ".") && removal.IsHostName(s.Probe),
		"desk.probe = %s: write a domain, such as probe.bl.example", listing.Quote(s.Probe))
	wrong.Unless(s.PerWeek >= 1 && s.PerWeek <= mostPerWeek, "desk.requests_per_week = %d: from 1 to %d", s.PerWeek, mostPerWeek)
	wrong.Unless(s.SourceCap >= 0, "desk.source_removals_per_day = %d: at least 0", s.SourceCap)
	return wrong.Err()
}

// validPage reports whether an address can be put behind a URL to make that of its
// page.
func validPage(page string) bool {
	u, err := url.Parse(page)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && strings.HasSuffix(u.Path, "/") &&
		u.RawQuery == "" && u.Fragment == "" && u.User == nil && listing.Printable(page) == page
}

// tendEvery is how often Run looks for what time makes due.
const tendEvery = 10 * time.Minute

// Run tends the desk until ctx is done.
func (d *Desk) Run(ctx context.Context, actor string, log *slog.Logger) {
	var posting sync.WaitGroup
	posting.Go(func() { d.deliver(ctx, actor, log) })
	defer posting.Wait()
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
