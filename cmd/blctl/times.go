package main

import (
	"time"

	"dnsbld/listing"
)

// Times are printed in UTC alone: mail servers, their logs and those who complain
// are in different zones. JSON has RFC 3339.

// stamp is how people read an instant. The zero time is none, never the year 1.
func stamp(t time.Time) string { return written(t, "2006-01-02 15:04:05 UTC") }

func written(t time.Time, layout string) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(layout)
}

// shortStamp is stamp for a column of a table.
func shortStamp(t time.Time) string { return written(t, "2006-01-02 15:04:05Z") }

// minute is stamp where there is no room for seconds, in the lines of a screen.
func minute(t time.Time) string { return written(t, "2006-01-02 15:04Z") }

// ahead is an end and how far away it is.
func (p *program) ahead(t time.Time) string { return stamp(t) + " (" + relative(t, p.now()) + ")" }

// relative is how far an instant is from now, in its two largest units.
func relative(t, now time.Time) string {
	if t.IsZero() {
		return "no end"
	}
	d := t.Sub(now)
	if d < 0 {
		return rough(-d) + " ago"
	}
	return "in " + rough(d)
}

// rough is a duration in its two largest units: nobody needs the seconds of a
// week.
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
