package mta

import (
	"bytes"
	"slices"
	"time"
)

// syslogLine is a line as syslog daemons write it into files. Its parts alias the line. These are
// read:
//
//	Nov 23 08:50:27 mx postfix/smtpd[379]: TEXT                                RFC 3164, as most files have it
//	<22>Nov 23 08:50:27 mx postfix/smtpd[379]: TEXT                            with its priority
//	Nov 23 08:50:27.123456 mx postfix/smtpd[379]: TEXT                         journalctl -o short-precise
//	2026-11-23T08:50:27.123456+01:00 mx postfix/smtpd[379]: TEXT               RFC 3339, as rsyslog writes it
//	2026-11-23T08:50:27+0100 mx postfix/smtpd[379]: TEXT                       journalctl -o short-iso before version 255
//	<22>1 2026-11-23T08:50:27+01:00 mx postfix/smtpd 379 - - TEXT              RFC 5424, with or without its priority
//	Nov 23 08:50:27 mx postfix/smtpd[379]: [ID 197553 mail.info] TEXT          Solaris
type syslogLine struct {
	stamp   []byte // empty: at is known
	at      time.Time
	host    []byte
	program []byte
	pid     []byte // empty: the line does not say
	from    []byte // host, program and process as they stand in the line: which process it is
	text    []byte
}

// classicStamp is a time as RFC 3164, section 4.1.2, writes it.
const classicStamp = "Jan _2 15:04:05"

// splitSyslog finds the parts of a line; it does not look into them.
func splitSyslog(line []byte) (l syslogLine, ok bool) {
	whole := line
	line = cutPriority(line)
	if len(line) > 2 && digit(line[0]) && line[1] == ' ' {
		return splitRFC5424(line[2:], len(line) < len(whole))
	}
	n := stampLength(line)
	if n < 1 || len(line) <= n || line[n] != ' ' {
		return l, false
	}
	l.stamp = line[:n]
	host, rest, _ := bytes.Cut(line[n+1:], []byte(" "))
	tag, text, ok := bytes.Cut(rest, []byte(": "))
	if len(host) == 0 || len(tag) == 0 || !ok {
		return l, false
	}
	l.host, l.text = host, cutSolarisID(text)
	l.from = line[n+1 : n+1+len(host)+1+len(tag)]
	l.program, l.pid = splitTag(tag)
	return l, bytes.IndexByte(tag, ' ') < 0
}

// stampLength is how much of a line is its time: up to the blank, or as RFC 3164 has it, perhaps
// with a fraction of a second.
func stampLength(line []byte) int {
	if len(line) > 0 && digit(line[0]) {
		return bytes.IndexByte(line, ' ')
	}
	n := len(classicStamp)
	if len(line) > n && line[n] == '.' {
		n += 1 + countDigits(line[n+1:])
	}
	return n
}

// cutPriority takes <PRIORITY> off.
func cutPriority(line []byte) []byte {
	if len(line) > 3 && line[0] == '<' {
		if n := countDigits(line[1:]); n > 0 && n < 4 && bytes.HasPrefix(line[1+n:], []byte(">")) {
			return line[n+2:]
		}
	}
	return line
}

// splitRFC5424 reads "STAMP HOST PROGRAM PID MSGID DATA TEXT" (RFC 5424, section 6), where "-"
// stands for nothing. Lines with a priority and lines without came by different ways, and are not
// taken for those of one process.
func splitRFC5424(line []byte, priority bool) (l syslogLine, ok bool) {
	word := func() []byte {
		var one []byte
		one, line, ok = bytes.Cut(line, []byte(" "))
		return one
	}
	l.stamp = word()
	begin := line
	l.host, l.program, l.pid = word(), word(), word()
	l.from = begin[:max(0, len(begin)-len(line))]
	if priority {
		l.from = bytes.TrimRight(l.from, " ")
	}
	word() // the kind of message
	if string(l.pid) == "-" {
		l.pid = nil
	}
	if len(line) == 0 || !ok {
		return l, false
	}
	if line[0] == '[' { // structured data
		if end := bytes.Index(line, []byte("] ")); end > 0 {
			line = line[end+2:]
		}
	} else if line, ok = bytes.CutPrefix(line, []byte("- ")); !ok {
		return l, false
	}
	l.text = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	return l, len(l.host) > 0 && len(l.program) > 0
}

// cutSolarisID takes "[ID 197553 mail.info] " off.
func cutSolarisID(text []byte) []byte {
	if rest, ok := bytes.CutPrefix(text, []byte("[ID ")); ok {
		if end := bytes.Index(rest, []byte("] ")); end > 0 && end < 40 && digit(rest[0]) {
			return rest[end+2:]
		}
	}
	return text
}

// splitTag cuts program[pid]. Without a pid of digits, program is the whole.
func splitTag(tag []byte) (program, pid []byte) {
	open := bytes.IndexByte(tag, '[')
	if open < 1 || tag[len(tag)-1] != ']' {
		return tag, nil
	}
	pid = tag[open+1 : len(tag)-1]
	if len(pid) == 0 || !allDigits(pid) {
		return tag, nil
	}
	return tag[:open], pid
}

// stamps reads times, and remembers the last one: most lines share theirs with the line before.
type stamps struct {
	now  func() time.Time
	zone *time.Location
	text []byte
	time time.Time
	ok   bool
}

// of is the time of a line.
func (s *stamps) of(l *syslogLine) (time.Time, bool) {
	if !l.at.IsZero() {
		return l.at, true
	}
	return s.read(l.stamp)
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
	if text == "" {
		return time.Time{}, false
	}
	if !digit(text[0]) {
		return s.classic(text)
	}
	layouts := [...]string{time.RFC3339, "2006-01-02T15:04:05-0700"}
	if len(text) > 10 && text[10] == ' ' {
		layouts = [...]string{"2006-01-02 15:04:05", "2006-01-02 15:04:05 -0700"}
	}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, text, s.zone); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// classic reads a time without its year as the newest that is not in the future. A day is allowed
// for clocks and zones.
func (s *stamps) classic(text string) (time.Time, bool) {
	leap, err := time.Parse("2006 "+classicStamp, "2000 "+text) // a fraction of a second is taken, too
	if err != nil {
		return time.Time{}, false
	}
	limit := s.now().AddDate(0, 0, 1)
	for year := limit.In(s.zone).Year(); year > limit.Year()-10; year-- { // ten, for 29 February
		t := time.Date(year, leap.Month(), leap.Day(), leap.Hour(), leap.Minute(), leap.Second(), leap.Nanosecond(), s.zone)
		if t.Day() == leap.Day() && !t.After(limit) {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// beginsWith reports whether text begins with one of some words.
func beginsWith(text []byte, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return len(text) >= len(w) && string(text[:len(w)]) == w })
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
