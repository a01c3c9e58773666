package main

import (
	"net/mail"
	"strings"
	"time"

	"dnsbld/listing"
)

// numericZone reports whether a date of RFC 5322 ends in a zone of digits, and
// so is an instant. The zone names that the standard calls obsolete (section
// 4.3) mean something else everywhere.
func numericZone(date string) bool {
	zone := date[max(0, len(date)-len("+0000")):]
	return len(zone) == len("+0000") && strings.ContainsAny(zone[:1], "+-") && strings.Trim(zone[1:], "0123456789") == ""
}

// parseTime reads an instant as RFC 3339 or RFC 5322 write it; a comment as
// mailers put it at the end, "(PST)", is ignored.
func parseTime(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UTC(), nil
	}
	bare := strings.TrimSpace(withoutComments(text))
	t, err := mail.ParseDate(bare)
	switch {
	case err != nil:
		return time.Time{}, invalid("bad-time", listing.Quote(text)+" is not a time",
			`write it like 2026-11-23T12:00:00Z, or as in a mail: "Mon, 23 Nov 2026 12:00:00 +0000"`)
	case !numericZone(bare):
		return time.Time{}, invalid("bad-time", listing.Quote(text)+" names its zone by letters, which mean different zones to different people",
			`write the zone in digits: "Mon, 23 Nov 2026 12:00:00 -0800"`)
	}
	return t.UTC(), nil
}

// withoutComments takes out what stands in parentheses (RFC 5322, section
// 3.2.2).
func withoutComments(text string) string {
	var b strings.Builder
	depth := 0
	for _, r := range text {
		switch {
		case r == '(':
			depth++
		case r == ')' && depth > 0:
			depth--
		case depth == 0:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Times are printed in UTC alone: mail servers, their logs and those who complain
// are in different zones. JSON has RFC 3339.

// stamp is how people read an instant.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// shortStamp is stamp for a column of a table.
func shortStamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

// minute is stamp where there is no room for seconds.
func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04Z") }

// ahead is an end and how far away it is.
func (p *program) ahead(t time.Time) string { return stamp(t) + " (" + relative(t, p.now()) + ")" }

// relative is how far an instant is from now, in its two largest units.
func relative(t, now time.Time) string {
	d := t.Sub(now)
	if d < 0 {
		return rough(-d) + " ago"
	}
	return "in " + rough(d)
}

// rough is a duration in its two largest units.
func rough(d time.Duration) string {
	switch {
	case d >= listing.Day:
		d = d.Round(time.Hour)
	case d >= time.Hour:
		d = d.Round(time.Minute)
	default:
		d = d.Round(time.Second)
	}
	return listing.Life(d).String()
}
