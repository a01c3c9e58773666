package mta

import (
	"strconv"
	"time"

	"dnsbld/listing/helo"
)

// sessions are the SMTP sessions that a log is in the midst of, each under a key such as the
// process that handles it. An ended one stays for a while, to number the sessions that one key has
// within a second.
type sessions struct {
	byKey map[string]*session
	queue map[string]*session // by the queue ID of what it is sending
	limit int
	idle  time.Duration // after which a session is taken to have ended
	busy  session       // head of a ring: next is the one heard of last, prev the one silent for longest
	log   *logReader
}

// service is what a log shows of the service that a session came to.
type service uint8

const (
	serviceUnsaid     service = iota // this log names no services
	serviceUnknown                   // it names one, and we do not know what it is for
	serviceMX                        // port 25
	serviceSubmission                // ports 465 and 587
)

// session is one that a log tells about, line by line.
type session struct {
	key        string
	next, prev *session

	open    bool
	report  Report
	greeted bool  // HELO, or that there was none, is known
	first   int64 // number of the line that opened it
	heard   time.Time
	queueID string

	service    service
	name       string   // of the service, as the log has it
	noAuth     bool     // the log shows that the client had not authenticated
	unread     bool     // a line of it was not read to its end
	pregreeted bool     // all that is known was said before its turn, and may be said again to smtpd
	lines      []string // that it was read from, where the options say Explain

	second int64 // of the last opening, in Unix time
	number int   // of the sessions in that second
}

// newSessions makes a table, and has the reader of the log end its sessions.
func newSessions(log *logReader, idle time.Duration) *sessions {
	s := &sessions{byKey: map[string]*session{}, queue: map[string]*session{}, limit: log.o.Sessions, idle: idle, log: log}
	s.busy.next, s.busy.prev = &s.busy, &s.busy
	log.tables = append(log.tables, s)
	return s
}

// find returns the open session of key, or nil.
func (s *sessions) find(key []byte) *session {
	if one := s.byKey[string(key)]; one != nil && one.open {
		return one
	}
	return nil
}

// start opens a session of key, after ending the one that was open. Its ID is scope, the time and a
// number within the second: whole seconds, so that a log is the same whether its time stamps have
// fractions or not.
func (s *sessions) start(key, scope []byte, at time.Time, emit func(Report)) *session {
	one := s.byKey[string(key)]
	if one == nil {
		if len(s.byKey) >= s.limit {
			s.remove(s.busy.prev, emit)
		}
		one = &session{key: string(key), second: -1}
		s.byKey[one.key] = one
		one.next, one.prev = one, one
	}
	s.end(one, emit)
	if second := at.Unix(); one.second != second {
		one.second, one.number = second, 0
	} else {
		one.number++
	}
	one.open, one.greeted, one.first = true, false, s.log.stats.Lines-1
	one.service, one.name, one.noAuth, one.unread, one.pregreeted, one.lines = serviceUnsaid, "", false, false, false, nil
	id := make([]byte, 0, len(scope)+24)
	id = append(append(id, scope...), '/')
	id = time.Unix(one.second, 0).UTC().AppendFormat(id, "20060102T150405Z")
	id = strconv.AppendInt(append(id, '/'), int64(one.number), 10)
	one.report = Report{Time: at, ID: string(id)}
	s.touch(one, at)
	return one
}

// touch notes that one was heard of.
func (s *sessions) touch(one *session, at time.Time) {
	one.heard = at
	one.prev.next, one.next.prev = one.next, one.prev
	one.next, one.prev = s.busy.next, &s.busy
	one.next.prev, one.prev.next = one, one
}

// tie notes the queue ID of the mail that a session is sending, and forgets the one before.
func (s *sessions) tie(one *session, queueID []byte) {
	if one.queueID != "" && s.queue[one.queueID] == one {
		delete(s.queue, one.queueID)
	}
	one.queueID = string(queueID)
	if one.queueID != "" {
		s.queue[one.queueID] = one
	}
}

// end reports a session if its HELO is known.
func (s *sessions) end(one *session, emit func(Report)) {
	if !one.open {
		return
	}
	one.open = false
	s.tie(one, nil)
	r := one.report
	one.report = Report{}
	if one.pregreeted || !r.Client.IsValid() {
		return
	}
	if s.log.o.Explain {
		s.log.trace = one.trace(&r)
	}
	if one.greeted {
		s.log.stats.Sessions++
	} else if s.log.stats.Unknown++; !s.log.o.Explain {
		return
	}
	if !s.log.o.AssumeUnauthenticated && !one.proven(&r) {
		r.Unproven, r.Unknown = true, 0
	}
	emit(r)
}

// connectedTo takes the port of ours that a client connected to, of logs that tell ports and no
// services. The operator may say what one is for; else 25 is for mail from everywhere, 465 and 587
// are for submission (RFC 8314), and others are not known.
func (one *session) connectedTo(port string, said map[string]bool) {
	submission, known := said[port]
	submission = submission || !known && (port == "465" || port == "587")
	one.name, one.report.Submission, one.service = port, submission, serviceUnknown
	switch {
	case submission:
		one.service = serviceSubmission
	case known || port == "25":
		one.service = serviceMX
	}
}

// proven reports whether the log shows that a session was not an authenticated client's, nor for
// submission, or that it was. What the log does not show accuses nobody.
func (one *session) proven(r *Report) bool {
	return r.Auth || r.Submission || one.noAuth && !one.unread && one.service != serviceUnknown
}

// trace is what a session was read from.
func (one *session) trace(r *Report) *Trace {
	t := &Trace{Service: one.name, NoHELO: !one.greeted, Unread: one.unread, Lines: one.lines}
	if auth := r.Auth; auth || one.noAuth {
		t.Auth = &auth
	}
	if submission := r.Submission; submission || one.service == serviceMX {
		t.Submission = &submission
	}
	return t
}

// keep notes a line that a session was read from.
func (s *sessions) keep(one *session, line []byte) {
	const most = 20
	if s.log.o.Explain && len(one.lines) < most {
		one.lines = append(one.lines, helo.Escape(string(line), maxSample))
	}
}

// remove ends a session and forgets it, with how many its key had in the second.
func (s *sessions) remove(one *session, emit func(Report)) {
	s.end(one, emit)
	one.prev.next, one.next.prev = one.next, one.prev
	delete(s.byKey, one.key)
}

// expire forgets whom nothing was heard of: the process may be dead, or its last line lost.
func (s *sessions) expire(now time.Time, emit func(Report)) {
	for s.busy.prev != &s.busy && now.Sub(s.busy.prev.heard) > s.idle {
		s.remove(s.busy.prev, emit)
	}
}

// flush ends all sessions, the one silent for longest first.
func (s *sessions) flush(emit func(Report)) {
	for s.busy.prev != &s.busy {
		s.remove(s.busy.prev, emit)
	}
}

// oldest is the number of the line that began the oldest open session.
func (s *sessions) oldest() int64 {
	oldest := s.log.stats.Lines
	for _, one := range s.byKey {
		if one.open {
			oldest = min(oldest, one.first)
		}
	}
	return oldest
}
