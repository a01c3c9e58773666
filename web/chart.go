package web

import (
	"html/template"
	"strconv"

	"dnsbld/listing/language"
	"dnsbld/listing/sighting"
)

// The chart has a group of room for each day: clean sessions rise from the base
// line and bogus ones hang from it, so that they are told apart without colour.
const (
	dayWidth  = 20
	barWidth  = 14
	barHeight = 90 // of the greatest number
	leastBar  = 3  // one session shows
	margin    = 8
)

// chart draws the days of an address as SVG. All that stands in it are numbers, and a
// sentence of ours.
func chart(l *language.Language, days []sighting.DayCount) template.HTML {
	clean, bogus, mostClean, mostBogus := 0, 0, 0, 0
	for _, d := range days {
		clean, mostClean = clean+d.Clean, max(mostClean, d.Clean)
		bogus, mostBogus = bogus+d.Bogus, max(mostBogus, d.Bogus)
	}
	most := max(mostClean, mostBogus, 1)
	base, width := margin+scaled(mostClean, most), dayWidth*max(len(days), 1)
	height := base + scaled(mostBogus, most) + margin
	b := make([]byte, 0, 4<<10)
	b = figure(b, `<svg class="chart" role="img" aria-labelledby="chart-title" viewBox="0 0 `, width, ` `, height, `">`)
	b = figure(b, `<title id="chart-title">`, template.HTMLEscapeString(l.Say("Sessions a day in the last %d days: %d with a proper greeting, %d with a bogus one.", len(days), clean, bogus)), `</title>`)
	for i, d := range days {
		x := i*dayWidth + (dayWidth-barWidth)/2
		if h := scaled(d.Clean, most); h > 0 {
			b = figure(b, `<rect class="clean" x="`, x, `" y="`, base-h, `" width="`, barWidth, `" height="`, h, `" rx="2"/>`)
		}
		if h := scaled(d.Bogus, most); h > 0 {
			b = figure(b, `<rect class="bogus" x="`, x, `" y="`, base, `" width="`, barWidth, `" height="`, h, `" rx="2"/>`)
		}
	}
	b = figure(b, `<line class="base" x1="0" y1="`, base, `" x2="`, width, `" y2="`, base, `"/></svg>`)
	return template.HTML(b)
}

// scaled is the height of a bar. The smallest number still shows.
func scaled(n, most int) int {
	if n == 0 {
		return 0
	}
	return max(leastBar, n*barHeight/most)
}

// table is the rows of the days on which anything was seen, the newest first.
func table(days []sighting.DayCount) template.HTML {
	b := make([]byte, 0, 2<<10)
	for i := len(days) - 1; i >= 0; i-- {
		d := days[i]
		if d.Bogus+d.Clean+d.Other == 0 {
			continue
		}
		b = append(b, `<tr><th scope="row">`...)
		b = d.Day.AppendFormat(b, "2006-01-02")
		b = figure(b, `</th><td>`, d.Clean, `</td><td>`, d.Bogus, `</td><td>`, d.Other, `</td></tr>`)
	}
	return template.HTML(b)
}

// figure appends markup and numbers in turn.
func figure(b []byte, parts ...any) []byte {
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			b = append(b, p...)
		case int:
			b = strconv.AppendInt(b, int64(p), 10)
		}
	}
	return b
}
