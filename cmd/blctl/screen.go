package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"dnsbld/ctl"
	"dnsbld/listing/report"
)

// screen is what show prints: a label, and lines that belong to it. It fits a
// terminal, unless all is wanted.
//
//	192.0.2.7 is listed
//	listed    helo-bare-ip (127.0.0.2)  until 2026-12-01 12:00:00 UTC (in 2d3h)
//	          by alice since …, revision 8231, level 1
//	DNS now   bl.test: 127.0.0.2, TTL 300
//	30 days   12 of 14 sessions bogus (85.7 %), 2 clean, 1 confirmed by DNS
//	desk      OK_SELF: …
//	former    helo-bare-ip: level 1, ended …
//	changes   2026-11-28 12:00Z  alice  listed as helo-bare-ip
//
// Lines that are too long end in …, lists are cut to what says most, and the
// changes at the end take the room that is left.
type screen struct {
	*program
	of            ctl.Shown
	all           bool
	width, height int
	lines         int
	cut           bool // something is not on it
}

const labelWidth = 10

// printShown prints all that is known about a prefix: what matters most first,
// for the screen may end. Output that is no terminal is cut to the same size,
// so that scripts and mails see what a person saw.
func (p *program) printShown(of ctl.Shown, all bool) {
	s := &screen{program: p, of: of, all: all || p.human.wide}
	s.width, s.height = p.human.size()
	s.verdict()
	for _, e := range of.Entries {
		s.entry(e)
	}
	if of.Inside > 0 {
		more := ""
		if of.InsideTo {
			more = "more than "
		}
		s.line("inside", "%s%s inside it: blctl list --within %s", more, plural(of.Inside, "entry", "entries"), of.Subject)
	}
	s.answers()
	s.sightings()
	s.desk()
	s.past()
	s.changes()
	if s.cut {
		p.human.printf("%s\n", p.human.paint(faint, "blctl show "+of.Subject.Text()+" --all has the rest"))
	}
}

// line prints a line below a label, or with none below the one before.
func (s *screen) line(label, format string, args ...any) { s.coloured("", "", label, format, args...) }

// coloured is a line in which a word has a colour. The colour is put in after the
// line was cut: escape sequences have no width.
func (s *screen) coloured(word, colour, label, format string, args ...any) {
	text := s.fitting(fmt.Sprintf(format, args...), s.width-labelWidth)
	if word != "" {
		text = strings.Replace(text, word, s.human.paint(colour, word), 1)
	}
	pad := strings.Repeat(" ", max(0, labelWidth-len(label)))
	if label != "" {
		label = s.human.paint(bold, label)
	}
	s.human.printf("%s%s%s\n", label, pad, text)
	s.lines++
}

// prose is a sentence after its name: on one line, or with all that it says.
func (s *screen) prose(label, name, text string) {
	text = name + ": " + text
	if s.all {
		text = wrapTo(strings.Fields(text), strings.Repeat(" ", labelWidth), usualWidth)
	}
	s.coloured(name, bold, label, "%s", text)
}

// fitting cuts a text that is wider than a number of columns. Characters count,
// not octets.
func (s *screen) fitting(text string, columns int) string {
	if s.all || utf8.RuneCountInString(text) <= columns {
		return text
	}
	s.cut = true
	return string([]rune(text)[:columns-1]) + "…"
}

// some is as many of a list as the screen has room for.
func some[T any](s *screen, list []T, most int) []T {
	if s.all || len(list) <= most {
		return list
	}
	s.cut = true
	return list[:most]
}

// verdict is the answer to the question, and of an address that is stored and not
// answered, why: an allow entry, or the never-list.
func (s *screen) verdict() {
	h := s.human
	verdict := h.paint(green, "is not listed")
	if s.of.Listed {
		verdict = h.paint(red, "is listed")
	}
	h.printf("%s %s\n", h.paint(bold, s.of.Subject.Text()), verdict)
	s.lines++
	if s.of.Hidden != "" {
		s.line("hidden", "never answered: %s", clean(s.of.Hidden))
	}
	for _, a := range s.of.Allows {
		s.coloured("never listed", green, "allow", "%s never listed%s, owner %s, since %s by %s", a.Subject.Text(), untilOrForGood(a.Until), clean(a.Owner), stamp(a.Since), clean(a.Actor))
		if a.Note != "" {
			s.line("", "note: %s", clean(a.Note))
		}
	}
}

// entry is one entry: what, until when, since when, by whom, why, and what was
// seen. One that lists nobody says what stands before it.
func (s *screen) entry(e report.Held) {
	s.entryHead(e)
	if e.Because != "" {
		s.line("", "not answered: %s", clean(e.Because))
	}
	if !e.Published && !e.Except {
		s.line("", "a shadow reason: answered only by zones that name it")
	}
	made := provenance(e.Row)
	if !s.all { // the end of it says least
		made = strings.TrimSuffix(made, ", origin "+clean(string(e.Origin)))
	}
	s.line("", "by %s since %s, %s", clean(e.Actor), stamp(e.Since), made)
	if e.Hits != nil && (e.Lists || *e.Hits > 0) {
		s.line("", "%s", s.askedFor(*e.Hits, e.LastHit))
	}
	for _, f := range []struct{ name, text string }{{"note", e.Note}, {"public note", e.PublicNote}, {"ticket", e.Ticket}} {
		if f.text != "" {
			s.line("", "%s: %s", f.name, clean(f.text))
		}
	}
	s.samples(e)
}

// entryHead is the first line about an entry.
func (s *screen) entryHead(e report.Held) {
	label, reason, colour := "listed", clean(e.Reason), red
	switch {
	case e.Except:
		label, colour = "excepted", green
		reason = "from " + reason
	case !e.Lists:
		label, colour = "stored", faint
	}
	where := ""
	if e.Subject != s.of.Subject {
		where = e.Subject.Text() + "  "
	}
	s.coloured(reason, colour, label, "%s%s (127.0.0.%d)  until %s (%s)", where, reason, e.Code, stamp(e.Until), relative(e.Until, s.now()))
}

// samples are the greetings that were seen; each once, if not all are wanted.
func (s *screen) samples(e report.Held) {
	shown := slices.Clone(e.Samples)
	if !s.all {
		most := 2
		if len(s.of.Entries) > 1 {
			most = 1
		}
		seen := map[string]bool{}
		shown = shown[:0]
		for _, sample := range e.Samples {
			if !seen[sample.HELO] && len(shown) < most {
				shown = append(shown, sample)
			}
			seen[sample.HELO] = true
		}
	}
	for n, sample := range shown {
		more := ""
		if rest := len(e.Samples) - len(shown); rest > 0 && n == len(shown)-1 {
			more = fmt.Sprintf(", %d more", rest)
			s.cut = true
		}
		s.line("", "HELO %s, seen %s%s%s", clean(sample.HELO), stamp(sample.Time), at(sample), more)
	}
}

// answers are what DNS says now: the texts of the first zone, and of others
// those that are not the same. Most zones say the same.
func (s *screen) answers() {
	label, shown := "DNS now", map[string]bool{}
	for _, a := range s.of.Answers {
		if len(a.A) == 0 {
			s.line(label, "%s: not listed", clean(a.Zone))
		} else {
			s.line(label, "%s: %s, TTL %d", clean(a.Zone), joined(a.A), a.TTL)
		}
		label = ""
		for n, text := range a.TXT {
			if !s.all && (n > 0 || shown[text]) {
				s.cut = s.cut || !shown[text]
				continue
			}
			shown[text] = true
			s.line("", "  %s", clean(text))
		}
	}
}

// desk is what the support desk says: what a request would get now, and the
// tickets that are open.
func (s *screen) desk() {
	label := "desk"
	if e := s.of.Eligibility; e != nil {
		s.prose(label, clean(string(e.Code)), clean(e.Sentence))
		label = ""
	}
	for _, t := range s.of.Tickets {
		s.line(label, "ticket %s: %s since %s  %s", clean(t.ID), clean(string(t.State)), stamp(t.Changed), joinedTexts(t.References))
		label = ""
	}
}

// past are former listings: they make the next one last longer.
func (s *screen) past() {
	label := "former"
	for _, past := range some(s, s.of.Past, 3) {
		s.line(label, "%s: level %d, ended %s (%s)", clean(past.Reason), past.Level, stamp(past.Ended), relative(past.Ended, s.of.Time))
		label = ""
	}
}

// changes are the last ones, as many as there is room for.
func (s *screen) changes() {
	plain := *s.program
	plain.human.colour = false
	label, lines := "changes", max(1, s.height-s.lines-2) // two for the prompt, and that there is more
	for _, e := range some(s, s.of.Changes, lines) {
		what := strings.TrimPrefix(plain.sentence(e), s.of.Subject.Text()+" ")
		if !s.all { // the end stands above, or in the history
			what, _, _ = strings.Cut(what, " (127.0.0.")
		}
		s.line(label, "%s  %s  %s", minute(e.Time), clean(e.Actor), what)
		label = ""
		for _, f := range []struct{ name, text string }{{"note", e.Note}, {"ticket", e.Ticket}} {
			if s.all && f.text != "" {
				s.line("", "    %s: %s", f.name, clean(f.text))
			}
		}
	}
}
