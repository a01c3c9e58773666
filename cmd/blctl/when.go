package main

import (
	"net/mail"
	"strings"
	"time"

	"dnsbld/listing"
)

// The command takes every time that it or a common log prints: an operator copies
// it from a screen. The layouts are tried in turn.

// zoned are the layouts that name their zone, so that they are an instant. The
// standard library takes a fraction after seconds in each.
var zoned = []string{
	time.RFC3339,              // 2026-11-28T20:48:20Z, Postfix and Exim with a zone
	"2006-01-02 15:04:05 UTC", // as this program prints it
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04Z07:00",
	"2006-01-02T15:04Z07:00",
	"2006-01-02 15:04 UTC",
	"2006-01-02 15:04:05 -0700", // Exim with log_timezone
	"2006-01-02T15:04:05-0700",
	"2006-01-02",                   // the start of that day, UTC
	"02/Jan/2006:15:04:05 -0700",   // web servers
	"Mon Jan _2 15:04:05 UTC 2006", // date(1)
}

// zoneless are the layouts of logs that do not say where they were written.
var zoneless = []string{
	"2006-01-02 15:04:05", // Exim
	"2006-01-02T15:04:05",
	time.Stamp, // syslog, which does not say the year either
}

// parseTime reads an instant: as above, as RFC 5322 writes it in mails, or from
// now: "-2h", "2h ago", "in 2h", "tomorrow". remark says what had to be guessed;
// local is the zone of a log that names none.
func parseTime(text string, now time.Time, local *time.Location) (t time.Time, remark string, err error) {
	text = strings.TrimSpace(text)
	if t, ok := fromNow(text, now); ok {
		return t, "", nil
	}
	for _, layout := range zoned {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), "", nil
		}
	}
	for _, layout := range zoneless {
		if t, err := time.ParseInLocation(layout, text, local); err == nil {
			t = inYear(t, now).UTC()
			return t, listing.Quote(text) + " names no zone: it is read as " + stamp(t) + ", as the clock of this host says", nil
		}
	}
	t, err = mailDate(text)
	return t, "", err
}

// fromNow reads a time that is said from now.
func fromNow(text string, now time.Time) (time.Time, bool) {
	midnight := now.UTC().Truncate(24 * time.Hour)
	switch strings.ToLower(text) {
	case "now":
		return now.UTC(), true
	case "today":
		return midnight, true
	case "yesterday":
		return midnight.Add(-24 * time.Hour), true
	case "tomorrow":
		return midnight.Add(24 * time.Hour), true
	}
	sign := listing.Life(1)
	length, found := strings.CutPrefix(text, "+")
	if !found {
		length, found = strings.CutPrefix(text, "in ")
	}
	if !found {
		sign = -1
		length, found = strings.CutPrefix(text, "-")
	}
	if !found {
		length, found = strings.CutSuffix(text, " ago")
	}
	life, err := listing.ParseLife(length)
	if !found || err != nil {
		return time.Time{}, false
	}
	return now.UTC().Add(time.Duration(sign * life)), true
}

// inYear gives a time without a year the latest one in which it is not ahead: a
// log read in January ends in December. A day is allowed for, as clocks and
// zones differ.
func inYear(t, now time.Time) time.Time {
	if t.Year() != 0 {
		return t
	}
	t = t.AddDate(now.Year(), 0, 0)
	if t.After(now.Add(24 * time.Hour)) {
		t = t.AddDate(-1, 0, 0)
	}
	return t
}

// mailDate reads a date of RFC 5322. A comment as mailers put it at the end,
// "(PST)", is ignored. The zone names that the standard calls obsolete (section
// 4.3) mean something else everywhere and are refused, but for GMT and UT.
func mailDate(text string) (time.Time, error) {
	bare := strings.TrimSpace(withoutComments(text))
	for _, name := range []string{" GMT", " UTC", " UT", " Z"} {
		if date, ok := strings.CutSuffix(bare, name); ok {
			bare = date + " +0000"
		}
	}
	t, err := mail.ParseDate(bare)
	switch {
	case err != nil && isLife(text):
		return time.Time{}, invalid("bad-time", listing.Quote(text)+" is a length of time, and may be before now or after",
			"write -"+text+" for "+text+" ago, or +"+text+" for "+text+" from now")
	case err != nil:
		return time.Time{}, invalid("bad-time", listing.Quote(text)+" is not a time",
			`write it like 2026-11-23T12:00:00Z, -2h, or as in a mail: "Mon, 23 Nov 2026 12:00:00 +0000"`)
	case !numericZone(bare):
		return time.Time{}, invalid("bad-time", listing.Quote(text)+" names its zone by letters, which mean different zones to different people",
			`write the zone in digits: "Mon, 23 Nov 2026 12:00:00 -0800"`)
	}
	return t.UTC(), nil
}

func isLife(text string) bool {
	_, err := listing.ParseLife(text)
	return err == nil
}

// numericZone reports whether a date of RFC 5322 ends in a zone of digits, and
// so is an instant.
func numericZone(date string) bool {
	zone := date[max(0, len(date)-len("+0000")):]
	return len(zone) == len("+0000") && strings.ContainsAny(zone[:1], "+-") && strings.Trim(zone[1:], "0123456789") == ""
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
