package web

import (
	"html/template"
	"time"
	"unicode"
	"unicode/utf8"

	"dnsbld/listing/language"
	"dnsbld/listing/removal"
)

// moment is an instant for people and for programs, seen from now.
type moment struct {
	Machine string // RFC 3339
	at, now time.Time
}

// Tag is the instant for a page. All that stands in it are digits and the word UTC.
func (m moment) Tag() template.HTML {
	if m.Machine == "" {
		return ""
	}
	return template.HTML(`<time datetime="` + m.Machine + `">` + language.Stamp(m.at) + `</time>`)
}

// at says an instant; the zero moment for the zero time.
func at(t, now time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	return moment{t.UTC().Format(time.RFC3339), t.UTC(), now}
}

// ahead says an instant that is still to come; the zero moment for one that is past.
func ahead(t, now time.Time) moment {
	if !t.After(now) {
		return moment{}
	}
	return at(t, now)
}

// capital begins a sentence.
func capital(s string) string {
	if s == "" {
		return s
	}
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
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
