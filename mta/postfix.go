package mta

import (
	"bytes"
	"net/netip"
	"strconv"
	"time"

	"dnsbld/listing/helo"
)

// postfixIdle is after how long in silence a session is taken to have ended without a word. Postfix
// gives a client five minutes for a command.
const postfixIdle = time.Hour

// Postfix reads the log of Postfix: a session is what one smtpd process says between connect and
// disconnect, or what postscreen says of a client that it does not pass on. Postfix writes the HELO
// into the lines of what it refuses; a session without such a line is counted as unknown and not
// reported. The queue manager, deliveries and other programs are passed over. PEER is
// NAME[ADDRESS], in smtpd's lines:
//
//	connect from PEER
//	NOQUEUE: reject: RCPT from PEER: 554 5.7.1 WHY; from=<SENDER> to=<RECIPIENT> proto=ESMTP helo=<HELO>
//	QUEUEID: client=PEER, sasl_method=PLAIN, sasl_username=USER
//	proxy-reject: END-OF-MESSAGE: 554 5.7.1 WHY; from=<SENDER> to=<RECIPIENT> proto=ESMTP helo=<HELO>
//	disconnect from PEER ehlo=1 auth=1 mail=1 rcpt=0/1 quit=1 commands=4/5
//
// and in cleanup's, which name the client in places that text of the mail can imitate:
//
//	QUEUEID: milter-reject: END-OF-MESSAGE from PEER: WHY; from=<SENDER> to=<RECIPIENT> proto=ESMTP helo=<HELO>
//
// Since 3.10 smtpd writes sasl_method=, sasl_username= and sasl_sender= behind helo=<HELO> if the
// client has authenticated. A session is shown to be not authenticated by that (if the log shows
// the version), by the counts of disconnect, by client= without sasl_method=, and by "Relay access
// denied", which no authenticated client is told.
type Postfix struct {
	*logReader
	open    *sessions
	screens *sessions // of postscreen
	sasl    bool      // the log is of 3.10 or later: a line would show that the client has authenticated
	key     []byte
}

// NewPostfix returns a reader that has read nothing.
func NewPostfix(o LogOptions) *Postfix { return newPostfix(newLogReader(o)) }

func newPostfix(r *logReader) *Postfix {
	return &Postfix{logReader: r, open: newSessions(r, postfixIdle), screens: newSessions(r, postfixIdle)}
}

// Line takes the next line.
func (p *Postfix) Line(line []byte, emit func(Report)) {
	p.stats.Lines++
	l, ok := splitSyslog(line)
	if !ok {
		p.malformed("a line that is none of syslog's", line)
		return
	}
	p.entry(l, line, emit)
}

// entry takes a line apart from what syslog puts before it.
func (p *Postfix) entry(l syslogLine, line []byte, emit func(Report)) {
	slash := bytes.LastIndexByte(l.program, '/')
	if slash < 1 {
		return // another program's
	}
	switch program := string(l.program[slash+1:]); program {
	case "smtpd", "cleanup", "postscreen":
		if len(l.pid) == 0 {
			return
		}
		p.stats.Known++
		at, ok := p.stamps.of(&l)
		if !ok {
			p.malformed("a line without a time", line)
			return
		}
		p.Expire(at, emit)
		one := postfixLine{syslogLine: l, service: l.program[:slash], at: at, line: line, emit: emit}
		switch program {
		case "smtpd":
			p.smtpd(&one)
		case "cleanup":
			p.cleanup(&one)
		default:
			p.postscreen(&one)
		}
	case "master":
		p.stats.Known++
		p.master(l.text)
	default:
		if bytes.HasPrefix(l.program, []byte("postfix")) {
			p.stats.Known++
		}
	}
}

// postfixLine is a line of one of Postfix's programs.
type postfixLine struct {
	syslogLine
	service []byte // the program's name without its last part, syslog_name
	at      time.Time
	line    []byte
	emit    func(Report)
}

// master reads which version the lines are of, "daemon started -- version 3.10.2, configuration
// /etc/postfix".
func (p *Postfix) master(text []byte) {
	_, version, ok := bytes.Cut(text, []byte(" -- version "))
	if !ok {
		return
	}
	major, rest, _ := bytes.Cut(version, []byte("."))
	m, _ := strconv.Atoi(string(major))
	n, _ := strconv.Atoi(string(rest[:countDigits(rest)]))
	p.sasl = m > 3 || m == 3 && n >= 10
}

// smtpd takes what the SMTP server says. Its text is that of smtpd.c (connections, queue IDs) and
// smtpd_check.c (what was decided); what it says beside is in smtpdOthers. A line of none of these
// shapes is counted: a later Postfix may have more.
func (p *Postfix) smtpd(t *postfixLine) {
	if rest, ok := bytes.CutPrefix(t.text, []byte("connect from ")); ok {
		p.connect(t, rest)
		return
	}
	if rest, ok := bytes.CutPrefix(t.text, []byte("disconnect from ")); ok {
		p.disconnect(t, rest)
		return
	}
	if action, ok := bytes.CutPrefix(t.text, []byte("proxy-")); ok { // without a queue ID and a client
		p.event(t, event{}, action)
		return
	}
	queueID, rest, ok := cutQueueID(t.text)
	if ok && bytes.HasPrefix(rest, []byte("client=")) {
		p.client(t, queueID, rest[len("client="):])
	} else if e, read := parseEvent(rest); ok && read {
		p.event(t, e, e.peer.rest)
	} else if !beginsWith(t.text, smtpdOthers[:]) && !(ok && beginsWith(rest, smtpdOthers[:])) {
		p.missed("", t.text, t.line)
	}
}

// smtpdOthers are the beginnings of lines, of smtpd and of postscreen, that have nothing of a
// session, or nothing that its other lines lack.
var smtpdOthers = [...]string{
	"warning: ", "error: ", "fatal: ", "panic: ", "lost connection ", "timeout ", "too many ", "improper command ", "SSL_accept ", "setting up TLS ",
	"Anonymous TLS ", "Trusted TLS ", "Untrusted TLS ", "Verified TLS ", "TLS ", "using backwards-compatible ", "table ", "discarding EHLO ",
	"premature end-of-input ", "statistics: ", "initializing ", "connect to ", "idle timeout ", "auto_clnt_", "generic_checks", "abort: ",
	"sender_login", "before ", "sasl", "SASL ", "cache ", "close database", "replacing command ", "message-id=",
}

// connect begins a session. The client of "connect from unknown[unknown]" was gone before Postfix
// could ask for its address.
func (p *Postfix) connect(t *postfixLine, text []byte) {
	if peer, ok := parsePeer(text); ok {
		p.start(t, peer)
	} else if one := p.open.find(t.from); one != nil {
		p.open.end(one, t.emit)
	}
}

// start opens a session of a process, and ends the one that was open there without a word. HOST/PID
// and the time make its ID.
func (p *Postfix) start(t *postfixLine, peer peer) *session {
	scope := append(append(append(make([]byte, 0, 64), t.host...), '/'), t.pid...)
	one := p.open.start(t.from, scope, t.at, t.emit)
	p.describe(one, t, peer)
	one.service = p.serviceOf(t.service)
	one.report.Submission = one.service == serviceSubmission
	return one
}

// describe sets what the log says of a client and its service.
func (p *Postfix) describe(one *session, t *postfixLine, peer peer) {
	one.name = string(t.service)
	one.report.Receiver = p.receiver(t.host)
	s := &one.report.Session
	s.Client = peer.addr
	if peer.name != "" {
		s.PTR, s.FCrDNS = []string{peer.name}, true // Postfix logs a name only if it leads back
	}
	p.open.keep(one, t.line)
}

// serviceOf says what a service is for: as the operator says, else by its name. Other names than
// Postfix's own are unknown.
func (p *Postfix) serviceOf(name []byte) service {
	if submission, said := p.o.Services[string(name)]; said {
		if submission {
			return serviceSubmission
		}
		return serviceMX
	}
	for _, word := range [...]string{"submission", "smtps", "465", "587"} {
		if bytes.Contains(name, []byte(word)) {
			return serviceSubmission
		}
	}
	if string(name) == "postfix" {
		return serviceMX
	}
	return serviceUnknown
}

// disconnect ends a session. Its counts show, from Postfix 3.0 on, whether the client has
// authenticated, and that it said no HELO.
func (p *Postfix) disconnect(t *postfixLine, text []byte) {
	one := p.open.find(t.from)
	if one == nil {
		return
	}
	p.open.keep(one, t.line)
	if peer, ok := parsePeer(text); ok && peer.addr == one.report.Client {
		tally := parseTally(peer.rest)
		one.report.Auth = one.report.Auth || tally.auth
		one.noAuth = one.noAuth || tally.counted
		one.report.Tried = tally.recipients
		if !one.greeted && tally.silent {
			one.greeted, one.report.Verb = true, helo.VerbNone
		}
	}
	p.open.end(one, t.emit)
}

// client takes the line by which a queue ID is given to what the client sends.
func (p *Postfix) client(t *postfixLine, queueID, text []byte) {
	one := p.open.find(t.from)
	peer, ok := parsePeer(text)
	if one == nil || !ok || peer.addr != one.report.Client {
		return
	}
	p.open.keep(one, t.line)
	p.open.tie(one, queueID)
	if bytes.HasPrefix(peer.rest, []byte(", sasl_")) {
		one.report.Auth = true
	} else if len(peer.rest) == 0 || bytes.HasPrefix(peer.rest, []byte(", orig_")) {
		one.noAuth = true
	}
}

// event takes what was decided about a command. Text is what follows the client.
func (p *Postfix) event(t *postfixLine, e event, text []byte) {
	one := p.sessionOf(t, e.peer)
	if one == nil {
		p.missed("", t.text, t.line)
		return
	}
	p.open.touch(one, t.at)
	end, read := parseEnd(text, string(e.stage) == "EHLO" || string(e.stage) == "HELO")
	switch read {
	case endUnread:
		one.unread = true
		p.missed("smtpd: text behind helo=", t.text, t.line)
	case endRead:
		p.sasl = p.sasl || end.auth
		end.apply(one, e.stage)
		one.unread = one.unread || end.doubt
		one.noAuth = one.noAuth || p.sasl && !end.auth
	}
	one.noAuth = one.noAuth || relayDenied(text)
}

// sessionOf is the session that a line is of. A line may name its client: if that is another than
// the session's, or there is no session, the connect line was before the first line that we read.
// It is nil if the line names none and there is none.
func (p *Postfix) sessionOf(t *postfixLine, from peer) *session {
	one := p.open.find(t.from)
	if from.addr.IsValid() && (one == nil || one.report.Client != from.addr) {
		return p.start(t, from)
	}
	if one != nil {
		p.open.keep(one, t.line)
	}
	return one
}

// cleanup takes what milters and header checks decided. The client is that of the session whose
// mail it is: before its end, the line holds text of the mail.
func (p *Postfix) cleanup(t *postfixLine) {
	queueID, rest, ok := cutQueueID(t.text)
	if !ok {
		return
	}
	one := p.open.queue[string(queueID)]
	if one == nil {
		return
	}
	if word, text, ok := cutWord(rest); ok && !bytes.Equal(word, []byte("message-id")) {
		if end, read := parseEnd(text, false); read == endRead && !end.auth {
			p.open.keep(one, t.line)
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
	s.Auth = s.Auth || e.auth
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
