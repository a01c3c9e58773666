package web

import (
	"fmt"
	"strings"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
)

// moment is an instant for people and for programs.
type moment struct {
	Machine string // RFC 3339
	Text    string // "23 November 2026, 12:00 UTC"
	Away    string // "in 3 days"
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

// explanations say what a reason means to somebody who runs a mail server. A
// reason without one has the text of the catalogue alone.
var explanations = map[listing.Reason]string{
	2:                "A mail server opens each session with the command HELO or EHLO and its own full host name (RFC 5321, section 4.1.1.1). A bare IP address came in its place. An address may stand there only in square brackets (section 4.1.3).",
	3:                "A mail server opens each session with the command HELO or EHLO and its own full host name (RFC 5321, section 4.1.1.1). The address of one of our own servers came in its place, as if the sender were that server.",
	4:                "A mail server opens each session with the command HELO or EHLO and its own full host name (RFC 5321, section 4.1.1.1). The domain that the mail was for came in its place, and that name does not lead to this address in DNS. It has nothing to do with the command RCPT TO, nor with whether the recipient exists.",
	5:                "A mail server opens each session with the command HELO or EHLO and its own full host name (RFC 5321, section 4.1.1.1). The name of one of our own servers came in its place, and that name does not lead to this address in DNS.",
	6:                "A host without a name may give its own address in square brackets in HELO (RFC 5321, section 4.1.3). The addresses that came were not its own.",
	7:                "A mail server has one name for itself in HELO. This address gave a different one each time.",
	8:                "A mail server opens each session with its own full host name. The name that came was localhost, by which every computer knows itself.",
	9:                "A mail server opens each session with its own full host name. What came cannot be a host name (RFC 5321, section 4.1.2).",
	12:               "DNS has no name for this address. Whoever provides the address can enter one.",
	13:               "DNS has a name for this address, but that name does not lead back to it. The two entries can be made to agree.",
	14:               "Much of the mail from this address went to recipients that do not exist, as happens with old or guessed address lists.",
	listing.Manual:   "A person who runs this list decided it. No counting rule did.",
	listing.Network:  "Two persons who run this list decided to list the network as a whole. It does not say that this address itself did anything.",
	listing.Repeat:   "The address was listed anew within 90 days of an earlier listing, more than once. This mark accompanies the main reason and ends with it.",
	listing.Imported: "We take in another list, and it holds this address. Our own servers need not have seen anything. It is best removed there: then it does not come back.",
}

// codeWords say when a decision is made. The criteria page shows them; a test
// holds that every code has its words.
var codeWords = map[delist.Code]string{
	delist.NotListed:      "The address is not listed.",
	delist.RateLimit:      "As many requests as are decided in 7 days have come for the address.",
	delist.Network:        "The address belongs to a network that is listed as a whole. Only the operator can end that.",
	delist.ManualHold:     "A person listed the address. Only the operator can end that.",
	delist.Identity:       "The proof that was offered is for another address.",
	delist.StillOffending: "The last bogus greeting is too recent: there is no wait for a first listing, 6 hours for a second, 24 hours from the third on.",
	delist.MixedTraffic:   "In the 24 hours before the last bogus greeting, proper greetings came from the address too: something else behind it is at fault.",
	delist.RepeatLockout:  "The listing is at level 4 or higher. It ends by itself, or by an appeal.",
	delist.ExpiresSoon:    "The listing ends by itself within 6 hours.",
	delist.NoProof:        "Proof that the cause is gone is needed and has not come.",
	delist.OKSupport:      "The listing can be ended by our support.",
	delist.OKSelf:         "The listing can be ended by the sender at once.",
}
