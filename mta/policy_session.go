package mta

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"dnsbld/listing/helo"
)

// policySession gathers the requests about one SMTP session, until there were none for a moment: an
// offender is to be listed within a second. A recipient that is named later than that is not in the
// report, which can only spare a client.
//
// Postfix gives each mail an instance, PID.SECONDS.MICROSECONDS.NUMBER in hexadecimal, where the
// number counts the mails of one SMTP session from 0 and the time is that of MAIL. The smtpd
// process keeps its connection to us while it handles one session after another. So a request
// belongs to the session of the one before if its instance is the same, or if client, port and
// process are, and the number has grown.
type policySession struct {
	open, reported bool
	greeted        bool
	client, port   []byte // as Postfix writes them
	instance       []byte
	process        []byte // of instance
	number         uint64
	report         Report
}

// sessionFit is what a request means to the session before it.
type sessionFit int

const (
	sessionSame      sessionFit = iota // taken, or of no interest
	sessionOther                       // of another session
	sessionMalformed                   // of none
)

// take adds a request to the session if it belongs to it.
func (s *policySession) take(r *policyRequest) sessionFit {
	stage := r.stage()
	switch {
	case stage == stageIgnored:
		return sessionSame
	case stage == stageMalformed:
		return sessionMalformed
	case s.open && s.holds(r):
		s.add(r, stage)
		return sessionSame
	}
	if _, ok := parseClient(r.value(attrClientAddress)); !ok {
		return sessionMalformed
	}
	return sessionOther
}

// holds reports whether a request is about this session.
func (s *policySession) holds(r *policyRequest) bool {
	if !bytes.Equal(s.client, r.value(attrClientAddress)) || !bytes.Equal(s.port, r.value(attrClientPort)) {
		return false
	}
	instance := r.value(attrInstance)
	if len(instance) == 0 || len(s.instance) == 0 { // before the first MAIL
		return len(s.port) > 0 || len(instance) == len(s.instance)
	}
	if bytes.Equal(instance, s.instance) {
		return true
	}
	process, number := splitInstance(instance)
	return len(process) > 0 && bytes.Equal(process, s.process) && number > s.number
}

// splitInstance returns the process and the number within the session.
func splitInstance(instance []byte) (process []byte, number uint64) {
	first, last := bytes.IndexByte(instance, '.'), bytes.LastIndexByte(instance, '.')
	if first < 1 || last == first {
		return nil, 0
	}
	number, err := strconv.ParseUint(string(instance[last+1:]), 16, 64)
	if err != nil {
		return nil, 0
	}
	return instance[:first], number
}

// begin starts over with the first request of a session, which take has found to be well-formed.
func (s *policySession) begin(r *policyRequest, receiver string, now time.Time) {
	client, _ := parseClient(r.value(attrClientAddress))
	s.open, s.reported, s.greeted = true, false, false
	s.client = append(s.client[:0], r.value(attrClientAddress)...)
	s.port = append(s.port[:0], r.value(attrClientPort)...)
	s.instance = s.instance[:0]
	s.report = Report{Time: now.UTC(), Receiver: receiver, Session: helo.Session{Client: client}}
	s.report.ID = sessionID(r, now)
	s.add(r, r.stage())
}

// sessionID is the instance of the first mail without its number; before MAIL, the client's end of
// the connection and the time.
func sessionID(r *policyRequest, now time.Time) string {
	instance := r.value(attrInstance)
	if dot := bytes.LastIndexByte(instance, '.'); dot > 0 {
		return helo.Escape(string(instance[:dot]), 64)
	}
	if len(instance) > 0 {
		return helo.Escape(string(instance), 64)
	}
	return helo.Escape(fmt.Sprintf("%s:%s/%x", r.value(attrClientAddress), r.value(attrClientPort), now.UnixMicro()), 128)
}

// add takes what a request says. The first greeting of a session counts.
func (s *policySession) add(r *policyRequest, at stage) {
	if !bytes.Equal(s.instance, r.value(attrInstance)) {
		s.instance = append(s.instance[:0], r.value(attrInstance)...)
		s.process, s.number = splitInstance(s.instance)
	}
	if s.reported {
		return
	}
	session := &s.report.Session
	if greeting := r.value(attrHELO); !s.greeted && (len(greeting) > 0 || at == stageMail) {
		s.greeted = true
		session.HELO, session.Verb = greetingText(greeting), helo.VerbEHLO
		if string(r.value(attrProtocol)) == "SMTP" && string(r.value(attrState)) != "EHLO" {
			session.Verb = helo.VerbHELO
		}
		if len(greeting) == 0 { // Postfix takes no empty one
			session.Verb = helo.VerbNone
		}
	}
	r.describe(session)
	if at == stageMail {
		session.NullSender = session.NullSender || r.has[attrSender] && len(r.value(attrSender)) == 0
		s.report.addRecipient(r.value(attrRecipient))
	}
}

// pending reports whether there is something to report.
func (s *policySession) pending() bool { return s.open && s.greeted && !s.reported }

// end returns the report, the first time. Requests that come later add nothing.
func (s *policySession) end() (Report, bool) {
	if !s.pending() {
		return Report{}, false
	}
	s.reported = true
	r := s.report
	s.report = Report{}
	return r, true
}
