package mta

import (
	"bytes"
	"time"

	"dnsbld/listing/helo"
)

// harakaIdle is after how long in silence a connection to Haraka is taken to have ended without a
// word. It gives a client five minutes.
const harakaIdle = 10 * time.Minute

// Haraka reads Haraka's log in its default form and in logfmt (log.ini, with timestamps), alone or
// behind syslog. A session is one connection; the HELO is in the line that ends it, and so is
// whether the client was let relay, which only those are who have authenticated or are trusted:
//
//	STAMP [NOTICE] [UUID] [core] connect ip=CLIENT port=N local_ip=OURS local_port=25
//	STAMP [NOTICE] [UUID.1] [core] recipient <RECIPIENT> code=DENY msg="…" sender=SENDER
//	STAMP [NOTICE] [UUID.1] [core] disconnect ip=CLIENT rdns=NAME helo=HELO relay=N early=N esmtp=Y …
//	STAMP level=NOTICE uuid=UUID origin=core message=connect ip=CLIENT …                         and so on, in logfmt
//
// HELO is the first word that the client said. Behind a proxy only the last line has the client.
type Haraka struct {
	*logReader
	open *sessions
}

// NewHaraka returns a reader that has read nothing.
func NewHaraka(o LogOptions) *Haraka {
	r := newLogReader(o)
	return &Haraka{r, newSessions(r, harakaIdle)}
}

// Line takes the next line.
func (h *Haraka) Line(line []byte, emit func(Report)) {
	h.stats.Lines++
	l := syslogLine{}
	stamp, text, _ := bytes.Cut(line, []byte(" "))
	if l.stamp, l.text = stamp, text; !bytes.HasPrefix(text, []byte("[")) && !bytes.HasPrefix(text, []byte("level=")) {
		var ok bool
		if l, ok = splitSyslog(line); !ok || !bytes.HasPrefix(l.program, []byte("haraka")) {
			return // Haraka says a few things without a time when it starts
		}
	}
	id, text, ok := harakaCore(l.text)
	if !ok {
		return
	}
	at, ok := h.stamps.of(&l)
	if !ok {
		h.malformed("a line without a time", line)
		return
	}
	h.stats.Known++
	h.Expire(at, emit)
	id, _, _ = bytes.Cut(id, []byte(".")) // the number of the mail
	one := h.open.find(id)
	if one == nil {
		one = h.open.start(id, append(append(make([]byte, 0, 64), l.host...), append([]byte("/"), id...)...), at, emit)
		one.report.Receiver = h.receiver(l.host)
	}
	h.open.touch(one, at)
	h.open.keep(one, line)
	h.take(one, text, line, emit)
}

// harakaCore cuts what the core says of a connection from a line: "[NOTICE] [UUID] [core] TEXT" or
// "level=NOTICE uuid=UUID origin=core message=TEXT".
func harakaCore(text []byte) (id, rest []byte, ok bool) {
	if rest, ok = bytes.CutPrefix(text, []byte("[NOTICE] [")); ok {
		id, rest, ok = bytes.Cut(rest, []byte("] [core] "))
	} else if rest, ok = bytes.CutPrefix(text, []byte("level=NOTICE uuid=")); ok {
		if id, rest, ok = bytes.Cut(rest, []byte(" origin=core message=")); ok && bytes.HasPrefix(rest, []byte(`"`)) {
			before, after, _ := bytes.Cut(rest[1:], []byte(`"`)) // "recipient <…>"
			rest = append(bytes.Clone(before), after...)
		}
	}
	return id, rest, ok && len(id) >= 8
}

// take adds a line to its session.
func (h *Haraka) take(one *session, text, line []byte, emit func(Report)) {
	if fields, ok := bytes.CutPrefix(text, []byte("connect ")); ok {
		h.connect(one, fields)
		return
	}
	if rest, ok := bytes.CutPrefix(text, []byte("recipient <")); ok {
		one.report.Tried++
		if mailbox, _, ok := cutQuoted(rest, '>'); ok {
			one.report.addRecipient(mailbox)
		}
		return
	}
	if fields, ok := bytes.CutPrefix(text, []byte("disconnect ")); ok {
		h.disconnect(one, fields, line)
		h.open.end(one, emit)
	}
}

// connect takes where a client connected to.
func (h *Haraka) connect(one *session, fields []byte) {
	one.report.Client, _ = parseClient(harakaField(&fields, "ip="))
	if ours, ok := parseClient(harakaField(&fields, " local_ip=")); ok {
		one.report.OurIPs = append(one.report.OurIPs, ours)
	}
	switch port := string(harakaField(&fields, " local_port=")); port {
	case "25":
		one.service, one.name = serviceMX, port
	case "465", "587":
		one.service, one.name, one.report.Submission = serviceSubmission, port, true
	default:
		one.service, one.name = serviceUnknown, port
	}
}

// disconnect takes what is known of a connection at its end. The fields are in this order; HELO has
// no blanks.
func (h *Haraka) disconnect(one *session, fields, line []byte) {
	client, ok := parseClient(harakaField(&fields, "ip="))
	said := harakaField(&fields, " helo=")
	relay, esmtp := harakaField(&fields, " relay="), harakaField(&fields, " esmtp=")
	if !ok || len(relay) == 0 {
		one.unread = true
		h.missed("disconnect without ip= or relay=", nil, line)
		return
	}
	s := &one.report.Session
	s.Client = client
	s.Auth, one.noAuth = string(relay) == "Y", string(relay) == "N"
	if said = bytes.Trim(said, `"`); len(said) > 0 {
		one.greeted, s.HELO, s.Verb = true, greetingText(said), helo.VerbHELO
		if string(esmtp) == "Y" {
			s.Verb = helo.VerbEHLO
		}
	}
}

// harakaField cuts the value of the next field with a key from fields, up to a blank.
func harakaField(fields *[]byte, key string) []byte {
	_, rest, ok := bytes.Cut(*fields, []byte(key))
	if !ok {
		return nil
	}
	value, _, _ := bytes.Cut(rest, []byte(" "))
	*fields = rest[len(value):]
	return value
}
