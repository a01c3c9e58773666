package mta

import (
	"bytes"
	"net/netip"
	"time"

	"dnsbld/listing/helo"
)

// postfixIdle is after how long in silence a session is taken to have ended without a word. Postfix gives a client five minutes
// for a command.
const postfixIdle = time.Hour

// Postfix reads the log of Postfix: a session is what one smtpd process says between connect and disconnect. Postfix writes the
// HELO into the lines of what it refuses; a session without such a line is counted as unknown and not reported. The queue manager,
// deliveries and other programs are passed over. PEER is NAME[ADDRESS], in smtpd's lines:
//
//	connect from PEER
//	NOQUEUE: reject: RCPT from PEER: 554 5.7.1 WHY; from=<SENDER> to=<RECIPIENT> proto=ESMTP helo=<HELO>
//	QUEUEID: client=PEER, sasl_method=PLAIN, sasl_username=USER
//	disconnect from PEER ehlo=1 auth=1 mail=1 rcpt=0/1 quit=1 commands=4/5
//
// and in cleanup's, which name the client in places that text of the mail can imitate:
//
//	QUEUEID: milter-reject: END-OF-MESSAGE from PEER: WHY; from=<SENDER> to=<RECIPIENT> proto=ESMTP helo=<HELO>
type Postfix struct {
	logReader
	open *sessions
}

// NewPostfix returns a reader that has read nothing.
func NewPostfix(o LogOptions) *Postfix {
	p := &Postfix{logReader: newLogReader(o)}
	p.open = newSessions(p.o.Sessions, postfixIdle, &p.stats)
	return p
}

// Line takes the next line.
func (p *Postfix) Line(line []byte, emit func(Report)) {
	p.stats.Lines++
	l, ok := splitSyslog(line)
	if !ok {
		p.stats.Skipped++
		return
	}
	program, _, ok := splitTag(l.tag)
	switch {
	case !ok:
	case bytes.HasSuffix(program, []byte("/smtpd")):
		p.smtpd(l, program, emit)
	case bytes.HasSuffix(program, []byte("/cleanup")):
		p.cleanup(l)
	}
}

// Expire reports the sessions that were silent for an hour.
func (p *Postfix) Expire(now time.Time, emit func(Report)) { p.open.expire(now, emit) }

// Flush reports what is open.
func (p *Postfix) Flush(emit func(Report)) { p.open.flush(emit) }

// Oldest is the number of the line at which the oldest open session began.
func (p *Postfix) Oldest() int64 { return p.open.oldest() }

// smtpd takes what the SMTP server says.
func (p *Postfix) smtpd(l syslogLine, program []byte, emit func(Report)) {
	at, ok := p.stamps.read(l.stamp)
	if !ok {
		p.stats.Skipped++
		return
	}
	p.open.expire(at, emit)
	if rest, ok := bytes.CutPrefix(l.text, []byte("connect from ")); ok {
		p.connect(l, program, rest, at, emit)
		return
	}
	if rest, ok := bytes.CutPrefix(l.text, []byte("disconnect from ")); ok {
		p.disconnect(l, rest, emit)
		return
	}
	queueID, rest, ok := cutQueueID(l.text)
	if !ok {
		return
	}
	if client, ok := bytes.CutPrefix(rest, []byte("client=")); ok {
		p.client(l, queueID, client)
	} else if event, ok := parseEvent(rest); ok {
		p.event(l, program, event, at, emit)
	}
}

func (p *Postfix) connect(l syslogLine, program, text []byte, at time.Time, emit func(Report)) {
	if peer, ok := parsePeer(text); ok {
		p.start(l, program, peer, at, emit)
	} else if one := p.open.find(l.from); one != nil { // "unknown[unknown]": gone before it was asked
		p.open.end(one, emit)
	}
}

func (p *Postfix) start(l syslogLine, program []byte, peer peer, at time.Time, emit func(Report)) *session {
	_, pid, _ := splitTag(l.tag)
	scope := append(append(append(make([]byte, 0, 64), l.host...), '/'), pid...)
	one := p.open.start(l.from, scope, at, emit)
	one.report.Receiver = p.receiver(l.host)
	s := &one.report.Session
	s.Client = peer.addr
	if peer.name != "" {
		s.PTR, s.FCrDNS = []string{peer.name}, true // Postfix logs a name only if it leads back
	}
	s.Submission = bytes.Contains(program, []byte("/submission")) || bytes.Contains(program, []byte("/smtps/"))
	return one
}

func (p *Postfix) disconnect(l syslogLine, text []byte, emit func(Report)) {
	one := p.open.find(l.from)
	if one == nil {
		return
	}
	if peer, ok := parsePeer(text); ok && peer.addr == one.report.Client {
		tally := parseTally(peer.rest)
		one.report.Auth = one.report.Auth || tally.auth
		one.report.Tried = tally.recipients
		if !one.greeted && tally.silent {
			one.greeted, one.report.Verb = true, helo.VerbNone
		}
	}
	p.open.end(one, emit)
}

// client takes the line by which a queue ID is given to what the client sends.
func (p *Postfix) client(l syslogLine, queueID, text []byte) {
	one := p.open.find(l.from)
	peer, ok := parsePeer(text)
	if one == nil || !ok || peer.addr != one.report.Client {
		return
	}
	p.open.tie(one, queueID)
	if bytes.HasPrefix(peer.rest, []byte(", sasl_method=")) {
		one.report.Auth = true
	}
}

// event takes what was decided about a command.
func (p *Postfix) event(l syslogLine, program []byte, e event, at time.Time, emit func(Report)) {
	one := p.open.find(l.from)
	if one == nil || one.report.Client != e.peer.addr {
		one = p.start(l, program, e.peer, at, emit) // its connect line was before the first line that we read
	}
	p.open.touch(one, at)
	if end, ok := parseEnd(e.peer.rest); ok {
		end.apply(one, e.stage)
	}
}

// cleanup takes what milters and header checks decided. The client is that of the session whose mail it is: before its end, the
// line holds text of the mail.
func (p *Postfix) cleanup(l syslogLine) {
	queueID, rest, ok := cutQueueID(l.text)
	if !ok {
		return
	}
	one := p.open.queue[string(queueID)]
	if one == nil {
		return
	}
	if _, text, ok := cutWord(rest); ok {
		if end, ok := parseEnd(text); ok {
			end.apply(one, nil)
		}
	}
}

// apply adds to a session what the end of a line tells. The first greeting of a session counts.
func (e lineEnd) apply(one *session, stage []byte) {
	s := &one.report.Session
	if !one.greeted {
		one.greeted, s.HELO, s.Verb = true, greetingText(e.helo), e.verb
		if string(stage) == "EHLO" { // its protocol is still written as SMTP
			s.Verb = helo.VerbEHLO
		}
	}
	s.NullSender = s.NullSender || e.nullSender
	one.report.addRecipient(e.recipient)
	if e.unknown && string(stage) == "RCPT" {
		one.report.Unknown++
	}
}

// peer is a client as Postfix names it: NAME[ADDRESS] or NAME[ADDRESS]:PORT.
type peer struct {
	name string // empty if not known or not confirmed
	addr netip.Addr
	rest []byte // what follows
}
