package mta

import (
	"bytes"
	"time"
)

// syslogLine is a line as syslog daemons write it into files. Its parts alias the line:
//
//	Nov 23 08:50:27 mx postfix/smtpd[379]: connect from unknown[203.0.113.11]
//	2026-11-23T08:50:27.123456+01:00 mx postfix/smtpd[379]: connect from unknown[203.0.113.11]
type syslogLine struct {
	stamp []byte // RFC 3339, or as RFC 3164, section 4.1.2, has it
	host  []byte
	tag   []byte // program[pid]
	from  []byte // host and tag as they stand in the line
	text  []byte
}

// classicStamp is a time as RFC 3164 writes it.
const classicStamp = "Jan _2 15:04:05"

// splitSyslog finds the parts of a line; it does not look into them.
func splitSyslog(line []byte) (l syslogLine, ok bool) {
	n := len(classicStamp)
	if len(line) > 0 && digit(line[0]) {
		n = bytes.IndexByte(line, ' ')
	}
	if n < 1 || len(line) <= n || line[n] != ' ' {
		return l, false
	}
	l.stamp = line[:n]
	rest := line[n+1:]
	blank := bytes.IndexByte(rest, ' ')
	if blank < 1 {
		return l, false
	}
	l.host = rest[:blank]
	colon := bytes.Index(rest[blank+1:], []byte(": "))
	if colon < 1 {
		return l, false
	}
	l.tag = rest[blank+1 : blank+1+colon]
	l.from = rest[:blank+1+colon]
	l.text = rest[blank+1+colon+2:]
	return l, bytes.IndexByte(l.tag, ' ') < 0
}

// splitTag cuts program[pid].
func splitTag(tag []byte) (program, pid []byte, ok bool) {
	open := bytes.IndexByte(tag, '[')
	if open < 1 || tag[len(tag)-1] != ']' {
		return nil, nil, false
	}
	pid = tag[open+1 : len(tag)-1]
	return tag[:open], pid, len(pid) > 0 && allDigits(pid)
}

// stamps reads times, and remembers the last one: most lines share theirs with the line before.
type stamps struct {
	now  func() time.Time
	zone *time.Location
	text []byte
	time time.Time
	ok   bool
}

// read takes the time stamps of syslog and of Exim.
func (s *stamps) read(text []byte) (time.Time, bool) {
	if bytes.Equal(text, s.text) {
		return s.time, s.ok
	}
	s.text = append(s.text[:0], text...)
	s.time, s.ok = s.parse(string(text))
	return s.time, s.ok
}

func (s *stamps) parse(text string) (time.Time, bool) {
	switch {
	case text == "":
		return time.Time{}, false
	case !digit(text[0]):
		return s.classic(text)
	case len(text) > 10 && text[10] == ' ':
		for _, layout := range [...]string{"2006-01-02 15:04:05", "2006-01-02 15:04:05 -0700"} {
			if t, err := time.ParseInLocation(layout, text, s.zone); err == nil {
				return t.UTC(), true
			}
		}
		return time.Time{}, false
	default:
		t, err := time.Parse(time.RFC3339, text)
		return t.UTC(), err == nil
	}
}

// classic reads a time without its year as the newest that is not in the future. A day is allowed for clocks and zones.
func (s *stamps) classic(text string) (time.Time, bool) {
	leap, err := time.Parse("2006 "+classicStamp, "2000 "+text)
	if err != nil {
		return time.Time{}, false
	}
	limit := s.now().AddDate(0, 0, 1)
	for year := limit.In(s.zone).Year(); year > limit.Year()-10; year-- { // ten, for 29 February
		t := time.Date(year, leap.Month(), leap.Day(), leap.Hour(), leap.Minute(), leap.Second(), 0, s.zone)
		if t.Day() == leap.Day() && !t.After(limit) {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// countDigits is how many digits text begins with.
func countDigits(text []byte) int {
	n := 0
	for n < len(text) && digit(text[n]) {
		n++
	}
	return n
}

func allDigits(text []byte) bool { return countDigits(text) == len(text) }
