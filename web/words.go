package web

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/removal"
)

// moment is an instant for people and for programs.
type moment struct {
	Machine string // RFC 3339
	Text    string // "23 November 2026, 12:00 UTC"
	Away    string // "in 3 days"
}

// Tag is the instant for a page. All that stands in it are digits and words of
// ours.
func (m moment) Tag() template.HTML {
	return template.HTML(`<time datetime="` + m.Machine + `">` + m.Text + `</time>`)
}

// at says an instant; the zero moment for the zero time.
func at(t, now time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	t = t.UTC()
	m := moment{Machine: t.Format(time.RFC3339), Text: t.Format("2 January 2006, 15:04 UTC")}
	switch d := t.Sub(now); {
	case d >= time.Second:
		m.Away = "in " + span(d)
	case d <= -time.Second:
		m.Away = span(-d) + " ago"
	default:
		m.Away = "now"
	}
	return m
}

// span says how long, in the largest unit of which there are two.
func span(d time.Duration) string {
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{listing.Day, "days"}, {time.Hour, "hours"}, {time.Minute, "minutes"}} {
		if d >= 2*u.unit {
			return fmt.Sprintf("%d %s", d/u.unit, u.name)
		}
	}
	return times(int(d/time.Second), "second")
}

// times says how many: "1 session", "4 sessions".
func times(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// capital begins a sentence.
func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// codeWords say when a decision is made. The criteria page shows them; a test
// holds that every code has its words.
var codeWords = map[removal.Code]string{
	removal.NotListed:      "The address is not listed.",
	removal.RateLimit:      "As many requests as are decided in 7 days have come for the address, and this one does not show that the address is the sender's.",
	removal.Network:        "The address belongs to a network that is listed as a whole. Only the operator can end that.",
	removal.ManualHold:     "A person listed the address. Only the operator can end that.",
	removal.Identity:       "The proof that was offered is for another address.",
	removal.StillOffending: "The last bogus greeting is too recent: there is no wait for a first listing, 6 hours for a second, 24 hours from the third on. A clean mail to the probe address ends the wait.",
	removal.MixedTraffic:   "In the 24 hours before the last bogus greeting, proper greetings came from the address too: something else behind it is at fault. A clean mail to the probe address since then ends this.",
	removal.RepeatLockout:  "The listing is at level 4 or higher. It ends by itself, or by an appeal.",
	removal.ExpiresSoon:    "The listing ends by itself within 6 hours.",
	removal.NoProof:        "Proof that the cause is gone is needed and has not come.",
	removal.OKSupport:      "The listing can be ended by our support.",
	removal.OKSelf:         "The listing can be ended by the sender at once.",
}
