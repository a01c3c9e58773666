package mta

import (
	"bytes"
	"hash/fnv"
	"net/netip"
	"strconv"
	"time"

	"dnsbld/listing/helo"
)

// Silence after which a connection to Exim is taken to be over. With a process ID in the log,
// connections cannot be confused, and there is more time.
const (
	eximIdle    = time.Minute
	eximPIDIdle = 5 * time.Minute
)

// Exim reads Exim's main log, or what Exim sends to syslog. A session is one connection. Where the
// log names the process (by syslog, or log_selector = +pid), that is what the process says about
// one client; else it is what is said of one client and HELO with less than a minute between, so
// that two connections may count as one, but never one as two. "SMTP connection from … closed"
// (log_selector = +smtp_connection) ends a session at once. The recipients of accepted mail need
// +received_recipients.
//
// Exim leaves HELO out where it equals the confirmed host name, or is the client's address in
// brackets beside a confirmed name; the report then has the host name, which is judged alike.
//
// Exim writes A= into the lines of RCPT, of what comes after DATA, and of mail that it takes: only
// there its absence shows that the client had not authenticated. A session of other lines is
// unproven.
type Exim struct {
	*logReader
	processes *sessions // by process
	clients   *sessions // by client and HELO
	key       []byte
	parts     eximParts
	last      []byte // process and text of the last line by syslog, where Exim writes rejects twice
}

// NewExim returns a reader that has read nothing.
func NewExim(o LogOptions) *Exim { return newExim(newLogReader(o)) }

func newExim(r *logReader) *Exim {
	return &Exim{logReader: r, processes: newSessions(r, eximPIDIdle), clients: newSessions(r, eximIdle), parts: eximParts{}}
}

// Line takes the next line.
func (e *Exim) Line(line []byte, emit func(Report)) {
	e.stats.Lines++
	l := syslogLine{text: line}
	var ok bool
	if l.stamp, l.text, ok = cutEximStamp(line); !ok {
		if l, ok = splitSyslog(line); !ok {
			if len(line) > 0 && line[0] == ' ' {
				return // an entry of several lines
			}
			e.malformed("a line without a time", line)
			return
		}
		if !bytes.HasPrefix(l.program, []byte("exim")) {
			return // another program's
		}
	}
	e.entry(l, line, emit)
}

// entry takes a line of Exim's, apart from what syslog puts before it.
func (e *Exim) entry(l syslogLine, line []byte, emit func(Report)) {
	e.stats.Known++
	if l.program != nil && !e.unwrap(&l, line) {
		return
	}
	l.cutEximPID()
	var what eximEvent
	if !e.understood(&what, &l, line) {
		return
	}
	at, ok := e.stamps.of(&l)
	if !ok {
		e.malformed("a line without a time", line)
		return
	}
	e.Expire(at, emit)
	e.take(l, &what, at, line, emit)
}

// unwrap puts an entry together that came by syslog in parts, and cuts the time that Exim itself may
// write behind that of syslog. It returns false while the entry is not whole, and for a copy.
func (e *Exim) unwrap(l *syslogLine, line []byte) bool {
	text, whole, ok := e.parts.add(l.from, l.text)
	if !ok {
		e.missed("a part of an entry whose beginning is missing", nil, line)
	}
	if !whole {
		return false
	}
	l.text = text
	if _, text, ok := cutEximStamp(l.text); ok {
		l.text = text
	}
	return !e.isCopy(l)
}

// isCopy reports whether a line is the one before once more: what Exim refuses goes into its main
// log and into its reject log, and by syslog both come.
func (e *Exim) isCopy(l *syslogLine) bool {
	n := len(l.from)
	if len(e.last) == n+len(l.text) && bytes.Equal(e.last[:n], l.from) && bytes.Equal(e.last[n:], l.text) {
		return true
	}
	e.last = append(append(e.last[:0], l.from...), l.text...)
	return false
}

// cutEximPID takes "[4711] " off, which log_selector = +pid writes.
func (l *syslogLine) cutEximPID() {
	if rest, ok := bytes.CutPrefix(l.text, []byte("[")); ok {
		if n := countDigits(rest); n > 0 && bytes.HasPrefix(rest[n:], []byte("] ")) {
			l.pid, l.text = rest[:n], rest[n+2:]
		}
	}
}

// understood reads a line into what, and reports whether it is about a session. What could not be
// read is counted.
func (e *Exim) understood(what *eximEvent, l *syslogLine, line []byte) bool {
	read := what.parse(l.text)
	switch {
	case read == eximAmbiguous:
		e.stats.Ambiguous++
		e.unread.add("a line that can be read in two ways", nil, line)
	case read == eximUnread || what.unread:
		e.missed(what.shape, l.text, line)
	}
	return read == eximEventRead
}

// take adds one line to its session.
func (e *Exim) take(l syslogLine, what *eximEvent, at time.Time, line []byte, emit func(Report)) {
	table := e.clients
	if len(l.pid) > 0 {
		table = e.processes
	}
	e.setKey(l, what)
	one := table.find(e.key)
	if one == nil {
		if what.closing && !what.host.greeted {
			return // nothing was said, or nothing was logged of it
		}
		one = table.start(e.key, e.scope(l, what), at, emit)
		one.report.Receiver = e.receiver(l.host)
		what.host.describe(&one.report.Session)
	}
	table.touch(one, at)
	table.keep(one, line)
	what.apply(one)
	if what.closing {
		table.end(one, emit)
	}
}

// setKey tells connections apart, as far as the log does.
func (e *Exim) setKey(l syslogLine, what *eximEvent) {
	e.key = append(append(e.key[:0], l.host...), 0)
	e.key = append(append(e.key, l.pid...), 0)
	e.key = what.host.addr.AppendTo(e.key)
	e.key = append(append(e.key, 0), what.host.port...)
	if len(l.pid) == 0 {
		e.key = append(append(e.key, 0), what.greeting()...)
	}
}

// scope is the part of a session's ID that is not its time.
func (e *Exim) scope(l syslogLine, what *eximEvent) []byte {
	scope := append(make([]byte, 0, 64), l.host...)
	if len(l.pid) > 0 {
		return append(append(scope, '/'), l.pid...)
	}
	hash := fnv.New32a()
	hash.Write(what.greeting())
	scope = what.host.addr.AppendTo(scope)
	if len(what.host.port) > 0 {
		scope = append(append(scope, '#'), what.host.port...)
	}
	return strconv.AppendUint(append(scope, '/'), uint64(hash.Sum32()), 16)
}

// greeting is the HELO that a line tells of.
func (what *eximEvent) greeting() []byte {
	if what.refused != nil {
		return what.refused
	}
	return what.host.helo
}

// describe sets what the log says of the client.
func (h *eximHost) describe(s *helo.Session) {
	s.Client = h.addr
	if len(h.name) > 0 {
		s.PTR, s.FCrDNS = []string{string(h.name)}, true // Exim logs a name only if it leads back
	}
}

// apply adds to a session what a line tells.
func (what *eximEvent) apply(one *session) {
	s := &one.report.Session
	what.greet(one)
	s.Auth = s.Auth || what.auth
	one.noAuth = one.noAuth || what.showsAuth && !what.auth
	one.unread = one.unread || what.unread
	s.NullSender = s.NullSender || what.nullSender
	if what.service != serviceUnsaid {
		one.service = what.service
		s.Submission = what.service == serviceSubmission
	}
	if what.server.IsValid() {
		s.OurIPs = union(s.OurIPs, []netip.Addr{what.server})
	}
	one.report.Tried += len(what.recipients)
	if what.unknown {
		one.report.Unknown++
	}
	for _, mailbox := range what.recipients {
		one.report.addRecipient(mailbox)
	}
}

// greet sets the first greeting of a session: that a line has none shows that there was none.
func (what *eximEvent) greet(one *session) {
	s := &one.report.Session
	switch {
	case one.greeted:
	case what.refused != nil:
		s.HELO = greetingText(what.refused)
	case what.host.greeted:
		s.HELO = greetingText(what.host.helo)
	default:
		s.Verb = helo.VerbNone
	}
	one.greeted = true
	if s.Verb == "" {
		s.Verb = what.verb
	}
}

// cutEximStamp cuts "2006-01-02 15:04:05", with thousandths and a zone if there are, and the blank
// after it.
func cutEximStamp(line []byte) (stamp, text []byte, ok bool) {
	n := len("2006-01-02 15:04:05")
	if len(line) <= n || line[4] != '-' || line[7] != '-' || line[10] != ' ' || line[13] != ':' {
		return nil, nil, false
	}
	if line[n] == '.' {
		n += 1 + countDigits(line[n+1:])
	}
	n += zoneLength(line[n:])
	if n >= len(line) || line[n] != ' ' {
		return nil, nil, false
	}
	return line[:n], line[n+1:], true
}

// zoneLength is how much of text is a zone: " +0100", or nothing.
func zoneLength(text []byte) int {
	const length = len(" +0100")
	if len(text) < length || text[0] != ' ' || text[1] != '+' && text[1] != '-' || !allDigits(text[2:length]) {
		return 0
	}
	return length
}
